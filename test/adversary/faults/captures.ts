/** Many captures, each under a fault of its own, and what became of them. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { faultProxy, type FaultProxy } from '../../servers/fault-proxy.ts';
import { TRANSPORTS } from '../../ship/s3-opened.ts';
import type { Bucket } from './bucket.ts';
import { captureUnder, HANDLERS, type Captured, type CaptureOf } from './capture.ts';
import { drawPlan, seeded, type Plan } from './cases.ts';
import { judgeCapture, type Judged, type OutcomeName } from './judge-capture.ts';
import { tapLog } from './log-tap.ts';
import { plantScene } from './scene.ts';

export interface CaptureFigures {
  readonly captures: number;
  /** Fault to outcome to number. */
  readonly byFault: Readonly<Record<string, Readonly<Partial<Record<OutcomeName, number>>>>>;
  readonly handlersRight: number;
  /** Segments that were acknowledged. */
  readonly acknowledged: number;
  /** Entries that salvage gave from captures that were cut. */
  readonly salvaged: number;
  /** Longest time from the call of a handler to its result; the limit of a capture. */
  readonly slowestMs: number;
  readonly limitMs: number;
  /** Open descriptors of the process, before and after all captures. */
  readonly descriptors: readonly [number, number];
  readonly violations: readonly string[];
}

export interface CapturesRun {
  readonly captures: number;
  readonly seed: number;
  readonly bucket: Bucket;
  readonly maxMs?: number;
  readonly onProgress?: (done: number) => void;
}

/** An age identity for tests. */
export const IDENTITY = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX';
/** Captures at a time: most of them wait. */
const LANES = 4;
/** Connections that the reader of the bucket keeps. */
const READERS = 16;

export async function runCaptures({
  captures,
  seed,
  bucket,
  maxMs = 2000,
  onProgress,
}: CapturesRun): Promise<CaptureFigures> {
  const identity = openIdentity(IDENTITY);
  const scene = plantScene();
  const tap = tapLog();
  const proxies = await Promise.all(Array.from({ length: LANES }, () => faultProxy(bucket.endpoint)));
  const tally = newTally();
  const uncaught = (error: unknown): void =>
    void tally.violations.push(`an error that nobody caught: ${String(error)}`);
  process.on('unhandledRejection', uncaught);
  const around = { scene, tap, bucket: bucket.name };
  const plan = (index: number, proxy: FaultProxy): CaptureOf => ({
    ...around,
    proxy,
    ...draw(index, seed, bucket),
    prefix: `fault-${index}`,
    maxMs,
    recipient: index % 4 < 2 ? undefined : identity.recipients[0],
  });
  try {
    // Once with either transport, so that no figure holds the time that loading takes.
    for (const transport of TRANSPORTS)
      await captureUnder({
        ...around,
        proxy: proxies[0]!,
        transport,
        plan: NOTHING,
        prefix: 'warm-up',
        keys: bucket.keys,
        recipient: undefined,
        handler: 'value',
        maxMs: 20_000,
      });
    tap.rest();
    const before = openDescriptors();
    // Judged when none of them runs: that takes the thread, and a capture would seem slow.
    for (let index = 0; index < captures; index += LANES) {
      const batch = proxies.slice(0, captures - index).map((proxy, lane) => plan(index + lane, proxy));
      const ended = await Promise.all(batch.map(captureUnder));
      for (const [lane, one] of batch.entries()) {
        const captured = ended[lane]!;
        count(
          tally,
          { one, captured, judged: await judgeCapture({ one, captured, bucket, identity }) },
          `seed ${seed}, capture ${index + lane}`,
        );
        onProgress?.(tally.captures);
      }
    }
    await sleep(200); // sockets of the last captures close
    const rest = tap.rest();
    if (rest !== '') tally.violations.push(`the log has lines of no capture: ${rest}`);
    const left = openDescriptors();
    if (left > before + READERS) tally.violations.push(`${left} descriptors are open, ${before} were`);
    return { ...tally, limitMs: maxMs, descriptors: [before, left] };
  } finally {
    process.off('unhandledRejection', uncaught);
    tap.close();
    scene.remove();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
}

interface Tally extends Omit<CaptureFigures, 'limitMs' | 'descriptors' | 'byFault' | 'violations'> {
  captures: number;
  handlersRight: number;
  acknowledged: number;
  salvaged: number;
  slowestMs: number;
  byFault: Record<string, Partial<Record<OutcomeName, number>>>;
  violations: string[];
}

function newTally(): Tally {
  return { captures: 0, handlersRight: 0, acknowledged: 0, salvaged: 0, slowestMs: 0, byFault: {}, violations: [] };
}

function count(
  tally: Tally,
  { one, captured, judged }: { one: CaptureOf; captured: Captured; judged: Judged },
  name: string,
): void {
  const outcomes = (tally.byFault[one.plan.fault] ??= {});
  outcomes[judged.outcome] = (outcomes[judged.outcome] ?? 0) + 1;
  tally.captures += 1;
  tally.handlersRight += captured.handlerProblem === undefined ? 1 : 0;
  tally.acknowledged += judged.acknowledged;
  tally.salvaged += judged.salvaged;
  tally.slowestMs = Math.max(tally.slowestMs, Math.round(captured.tookMs));
  tally.violations.push(...judged.problems.map((problem) => `${name}, ${describe(one)}: ${problem}`));
}

const NOTHING: Plan = { fault: 'no fault', script: [], codes: [] };

function draw(index: number, seed: number, bucket: Bucket): Pick<CaptureOf, 'plan' | 'transport' | 'keys' | 'handler'> {
  const random = seeded(seed * 1_000_003 + index);
  const plan = drawPlan(index, random, bucket.strangers !== undefined);
  const unknown = { accessKeyId: 'AKIDNOBODYKNOWS', secretAccessKey: 'a-secret-of-nobody-that-no-line-holds' };
  const keys =
    plan.real === 'stranger' ? (bucket.strangers ?? bucket.keys) : plan.real === 'unknown-key' ? unknown : bucket.keys;
  return {
    plan,
    keys,
    transport: TRANSPORTS[index % TRANSPORTS.length] ?? 'light',
    handler: HANDLERS[Math.floor(random() * HANDLERS.length)] ?? 'value',
  };
}

function describe({ plan, transport, recipient, handler }: CaptureOf): string {
  const from = plan.script.findIndex((fault) => fault !== 'pass');
  const where = plan.real ?? (from < 0 ? 'nowhere' : `requests ${from} to ${plan.script.length - 1}`);
  return `${plan.fault} (${where}), ${transport}${recipient === undefined ? '' : ', recipient'}, handler ${handler}`;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
