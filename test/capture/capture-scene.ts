/** A tree to capture, a destination in memory, and what a capture left there. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { runCapture, type LastCapture } from '../../src/capture/capture.ts';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import type {
  CaptureReport,
  Collector,
  DestinationProvider,
  ManifestItem,
  StoredObject,
} from '../../src/contracts/evidence.ts';
import type { CaptureManifest } from '../../src/seal/commit.ts';

export const home: string = mkdtempSync(join(tmpdir(), 'amber-capture-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});
const tree = join(home, 'tmp');
mkdirSync(tree);
writeFileSync(join(tree, 'dropped.sh'), '#!/bin/sh\nid\n', { mode: 0o755 });

/** Few collectors, so that a test says what it is about. */
const LEAN = [
  '-runtime',
  '-procfs',
  '-memory',
  '-descriptors',
  '-system',
  '-systeminformation',
  '-code',
  '-executables',
];

interface Kept {
  readonly objects: Map<string, Buffer>;
  readonly provider: DestinationProvider;
}

/** A destination in memory, as a user would write one. */
export function memory(
  over: Partial<{ put: (object: StoredObject) => void | Promise<void>; commit: () => void }> = {},
): Kept {
  const objects = new Map<string, Buffer>();
  const keep = async (object: StoredObject): Promise<{ state: 'stored'; attempts: number }> => {
    await over.put?.(object);
    objects.set(object.name, Buffer.concat(object.body));
    return { state: 'stored', attempts: 1 };
  };
  const provider: DestinationProvider = {
    name: 'memory',
    protocol: 'memory:',
    description: 'keeps captures in memory for a test',
    open: () => ({
      location: 'memory://test',
      put: keep,
      close: () => undefined,
      commit: (manifest) => {
        over.commit?.();
        return keep(manifest);
      },
    }),
  };
  return { objects, provider };
}

export async function run(
  options: Options,
  over: { hardStopMs?: number; stopSignal?: AbortSignal; last?: LastCapture } = {},
): Promise<CaptureReport> {
  const config = resolveConfig({ writable: [tree], collect: LEAN, ...options }, {});
  return runCapture({
    cause: { trigger: 'call', reason: 'test' },
    config,
    invocation: undefined,
    inProcess: true,
    hardStopMs: Date.now() + (over.hardStopMs ?? 20_000),
    ...(over.stopSignal === undefined ? {} : { stopSignal: over.stopSignal }),
    ...(over.last === undefined ? {} : { last: over.last }),
  });
}

export function joined(kept: Kept): Buffer {
  const names = [...kept.objects.keys()].filter((name) => name.startsWith('capture-')).sort();
  return Buffer.concat(names.map((name) => kept.objects.get(name)!));
}

export function items(kept: Kept): ManifestItem[] {
  const text = execFileSync('tar', ['--zstd', '-xOf', '-', '--wildcards', 'manifest/*.jsonl'], {
    input: joined(kept),
    maxBuffer: 1 << 28,
  }).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestItem)
    .filter((item) => 'outcome' in item);
}

export function manifest(kept: Kept): CaptureManifest {
  return JSON.parse(kept.objects.get('manifest.json')!.toString()) as CaptureManifest;
}

export const collector = (name: string, collect: Collector['collect']): Collector => ({
  name,
  description: 'of a test',
  tier: 'volatile',
  collect,
});
