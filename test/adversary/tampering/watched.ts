/** A capture under somebody's eyes: slow enough that he can act between two requests, and he sees each of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readLogDigests } from '../../../src/case/log/lines.ts';
import { verifyCapture, type VerifyResult } from '../../../src/case/verify/verify.ts';
import type { Objects } from '../faults/bucket.ts';
import { captureUnder, type Captured } from '../faults/capture.ts';
import { checkSalvage, openStored, type Salvaged } from '../faults/judge.ts';
import { chunks } from '../faults/judge-capture.ts';
import { tapLog } from '../faults/log-tap.ts';
import { plantScene, type PlantedScene } from '../faults/scene.ts';
import { faultProxy, type Seen } from '../../servers/fault-proxy.ts';
import type { Transport } from '../../ship/s3-opened.ts';
import type { Guarded } from './guarded.ts';

/** Every request takes so much longer. */
const LATENCY_MS = 60;

export interface Sight {
  /** Resolves when the capture has sent so many requests; gives the folder of the capture as a key, with its slash. */
  readonly requests: (count: number) => Promise<string>;
  readonly seen: readonly Seen[];
}

export interface Watched extends Captured {
  readonly scene: PlantedScene;
  readonly captureId: string;
}

/** Runs a capture with the keys of the function; `attack` runs beside it. */
export async function watchedCapture(
  guarded: Guarded,
  transport: Transport,
  attack: (sight: Sight) => Promise<void> = () => Promise.resolve(),
): Promise<Watched> {
  const proxy = await faultProxy(guarded.endpoint);
  const scene = plantScene();
  const tap = tapLog();
  const requests = async (count: number): Promise<string> => {
    while (proxy.seen.length < count) await sleep(2);
    const path = proxy.seen[0]?.url ?? '';
    return decodeURIComponent(path.slice(guarded.bucket.length + 2, path.lastIndexOf('/') + 1));
  };
  try {
    const script = Array.from({ length: 100 }, () => ({ latencyMs: LATENCY_MS }));
    const plan = { fault: 'attack', script, codes: [] };
    const [captured] = await Promise.all([
      captureUnder({
        plan,
        scene,
        proxy,
        tap,
        bucket: guarded.bucket,
        prefix: 'amber',
        keys: guarded.keys,
        transport,
        recipient: undefined,
        handler: 'value',
        maxMs: 20_000,
      }),
      attack({ requests, seen: proxy.seen }),
    ]);
    return { ...captured, scene, captureId: captured.report?.captureId ?? '' };
  } finally {
    tap.close();
    scene.remove();
    await proxy.close();
  }
}

/** verify, with the log of the function. */
export async function verifyWithLog(objects: Objects, log: string): Promise<VerifyResult & { findings: string }> {
  const result = await verifyCapture(await openStored({ objects }), {
    log: (captureId) => readLogDigests(chunks(log), captureId),
  });
  return { ...result, findings: result.checks.flatMap((check) => check.findings).join('\n') };
}

/** Names of the checks that failed. */
export function failed({ checks }: VerifyResult): string[] {
  return checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
}

export function salvaged(objects: Objects, { log, scene }: Watched): Promise<Salvaged> {
  return checkSalvage({ objects, log, scene, identity: undefined });
}
