/** Rings of recorders that processes hold: found by their descriptors, read once for all collectors of a capture. */
import { closeSync, constants, openSync, readSync, type BigIntStats } from 'node:fs';
import type { CollectorContext } from '../contracts/evidence.ts';
import type { ReadRing } from '../contracts/recorded.ts';
import { decodeRing } from '../record/decode.ts';
import { RING_BYTES } from '../record/format.ts';
import { groundsOf } from './grounds.ts';
import { candidates, identityOf, look, type Item } from './recovered-items.ts';

/** Rings of a capture, and files without a name that are looked into for them. */
const MAX_RINGS = 16;
const MAX_LOOKED = 256;
/** A ring may have a page of its own counters behind its slots. */
const MAX_BYTES = RING_BYTES + 4096;

export interface FoundRing {
  /** Device and inode, as {@link identityOf}: a forked process holds the ring of its parent. */
  readonly identity: string;
  /** Where it lies, as the kernel says it: `/tmp/#4242 (deleted)`. Absent for one in memory alone. */
  readonly label?: string;
  readonly source: string;
  readonly holders: number[];
  readonly bytes: Uint8Array;
  readonly read: ReadRing;
}

export interface FoundRings {
  readonly rings: readonly FoundRing[];
  /** Files without a name that were not looked into, and rings beyond the limit. */
  readonly left: number;
}

const known = new WeakMap<CollectorContext, Promise<FoundRings>>();

export async function ringsOf(context: CollectorContext): Promise<FoundRings> {
  let found = known.get(context);
  if (found === undefined) known.set(context, (found = findRings(context)));
  return found;
}

async function findRings(context: CollectorContext): Promise<FoundRings> {
  const { processes } = await context.processes();
  const book = groundsOf(context);
  const byIdentity = new Map<string, FoundRing | undefined>();
  let looked = 0;
  let left = 0;
  for (const record of processes) {
    for (const item of candidates(record, context.roots.proc, () => undefined)) {
      if (!item.name.startsWith('fd-')) continue;
      if (looked === MAX_LOOKED || context.budget.signal.aborted) {
        left += 1;
        continue;
      }
      looked += 1;
      const found = look(item, book);
      if (found === undefined || !('stat' in found) || found.stat.size > MAX_BYTES) continue;
      const identity = identityOf(found.stat);
      const seen = byIdentity.get(identity);
      if (seen !== undefined && !seen.holders.includes(item.pid)) seen.holders.push(item.pid);
      if (!byIdentity.has(identity)) byIdentity.set(identity, ringIn(item, found.stat, identity));
    }
    await context.budget.yieldIfDue();
  }
  const all = [...inMemory(context), ...[...byIdentity.values()].filter((ring) => ring !== undefined)];
  return { rings: all.slice(0, MAX_RINGS), left: left + Math.max(0, all.length - MAX_RINGS) };
}

/** Undefined for a file in which no slot is an event. */
function ringIn(item: Item, stat: BigIntStats, identity: string): FoundRing | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(item.source, constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(Number(stat.size));
    const body = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    const read = decodeRing(body);
    if (read.events.length === 0) return undefined;
    return { identity, label: item.label, source: item.source, holders: [item.pid], bytes: body, read };
  } catch {
    return undefined; // closed meanwhile: the collector of deleted files says what became of it
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Where no folder took a file, the events are in this process alone. */
function inMemory({ recorded }: CollectorContext): FoundRing[] {
  const bytes = recorded?.().bytes;
  if (bytes === undefined) return [];
  const read = decodeRing(bytes);
  return [{ identity: 'memory', source: 'recorder', holders: [process.pid], bytes, read }];
}
