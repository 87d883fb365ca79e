/** A V8 heap snapshot in pieces: `cat part-*` gives the `.heapsnapshot` that Chrome DevTools opens. */
import { getHeapSnapshot, getHeapSpaceStatistics } from 'node:v8';
import type { AbsentEntry, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';

const SOURCE = 'v8.getHeapSnapshot';
/** Bytes of one piece. An entry needs its size before its body, and the size of a snapshot is known at its end. */
export const PART_BYTES: number = 4 * 1024 * 1024;

export const heap: Collector = {
  name: 'heap',
  description: 'V8 heap snapshot: objects and strings of the function, as text that Chrome DevTools opens.',
  tier: 'memory',
  optIn: true,
  needsRecipient: true,
  inProcess: true,
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const path = `memory/${process.pid}/heapsnapshot`;
    const refusal = refusalOf(context, costOfSnapshot());
    if (refusal !== undefined) {
      yield absent(path, refusal);
      return;
    }
    let number = 0;
    for await (const body of inParts(getHeapSnapshot())) {
      if (context.budget.remainingBytes() < body.length) {
        yield absent(
          `${path}/part-${nameOf(number)}`,
          'limit on the bytes of a capture; the snapshot ends before this part',
        );
        return;
      }
      yield {
        kind: 'bytes',
        path: `${path}/part-${nameOf(number)}`,
        source: SOURCE,
        method: 'api',
        redaction: 'content',
        body,
      };
      number += 1;
    }
  },
};

/** What a snapshot takes: it is made in one go, on the main thread, and nothing can stop it. */
export interface SnapshotCost {
  readonly bytes: number;
  readonly cpuMs: number;
}

/**
 * Memory beside the heap, and CPU time. Measured on Node.js 24 (rise of VmHWM over the heap in use): 14 times a heap of
 * small objects, 5 to 7 times that of loaded code (a compiler, an SDK). 0.4 to 0.8 times one of long strings, which
 * have a space of their own. 50 ms a MiB of small objects. So the worst shape is taken: an estimate that is too low
 * kills the function, one that is too high leaves the snapshot out.
 */
export function costOfSnapshot(
  spaces: readonly { space_name: string; space_used_size: number }[] = getHeapSpaceStatistics(),
): SnapshotCost {
  let [small, large] = [0, 0];
  for (const { space_name: name, space_used_size: used } of spaces) {
    if (name.includes('large_object') || name.includes('code')) large += used;
    else small += used;
  }
  return { bytes: 14 * small + 2 * large, cpuMs: (50 * small) / 2 ** 20 + (5 * large) / 2 ** 20 };
}

function refusalOf(context: CollectorContext, cost: SnapshotCost): string | undefined {
  const functionMb = Number(context.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? Number.NaN);
  const limit = Number.isFinite(functionMb) ? functionMb * 2 ** 20 - process.memoryUsage.rss() : Infinity;
  const free = Math.max(0, Math.min(process.availableMemory(), limit));
  if (free < cost.bytes) {
    return (
      `a snapshot of this heap may take ${mib(cost.bytes)} MiB more, and ${mib(free)} MiB are free: it would end ` +
      'the function'
    );
  }
  // A function has one CPU per 1,769 MB (AWS, "Configure Lambda function memory").
  const wallMs = cost.cpuMs / Math.min(1, Number.isFinite(functionMb) ? functionMb / 1769 : 1);
  const left = context.budget.remainingMs();
  return wallMs <= left
    ? undefined
    : `a snapshot of this heap may hold the process for ${Math.ceil(wallMs)} ms, and ${Math.floor(left)} ms are left`;
}

/** Cuts and joins what comes, which may be the whole snapshot at once, into pieces of one size. */
export async function* inParts(stream: AsyncIterable<Buffer>, size: number = PART_BYTES): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let at = 0;
    while (length + chunk.length - at >= size) {
      const end = at + size - length;
      const last = chunk.subarray(at, end);
      yield held.length === 0 ? last : Buffer.concat([...held, last]);
      [held, length, at] = [[], 0, end];
    }
    if (at < chunk.length) {
      held.push(chunk.subarray(at));
      length += chunk.length - at;
    }
  }
  if (length > 0) yield Buffer.concat(held);
}

function absent(path: string, reason: string): AbsentEntry {
  return { kind: 'absent', path, source: SOURCE, method: 'api', outcome: 'skipped', reason };
}

function nameOf(number: number): string {
  return String(number).padStart(4, '0');
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
