/** Rings of recorders that processes hold: found by their descriptors, read once for all collectors of a capture. */
import { closeSync, constants, openSync, readSync, type BigIntStats } from 'node:fs';
import type { CollectorContext } from '../contracts/evidence.ts';
import type { KeptRing, ReadRing } from '../contracts/recorded.ts';
import { identityOf } from '../proc/maps.ts';
import { decodeRing } from '../record/decode.ts';
import { RING_BYTES } from '../record/format.ts';
import { groundsOf } from './grounds.ts';
import { candidates, look, type Item } from './recovered-items.ts';

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
  /** Where the extension holds it open: with the copy of its events. */
  readonly kept?: KeptRing;
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
  const found = [...byIdentity.values()].filter((ring) => ring !== undefined);
  const all = [...inMemory(context), ...withKept(found, context)];
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

/** Those that the extension holds open are there when no process has them any more. */
function withKept(found: readonly FoundRing[], { beside }: CollectorContext): FoundRing[] {
  const kept = beside?.().rings ?? [];
  const byIdentity = new Map(kept.map((ring) => [ring.identity, ring]));
  const isFound = new Set(found.map(({ identity }) => identity));
  const alone = kept.filter(({ identity }) => !isFound.has(identity)).flatMap(heldAlone);
  return [...found.map((ring) => joined(ring, byIdentity.get(ring.identity))), ...alone];
}

/** Our own descriptor tells nothing of who has it. */
function joined(ring: FoundRing, kept: KeptRing | undefined): FoundRing {
  if (kept === undefined) return ring;
  const others = ring.holders.filter((pid) => pid !== process.pid);
  return { ...ring, holders: [...new Set([...others, ...kept.holders])], kept };
}

function heldAlone(kept: KeptRing): FoundRing[] {
  try {
    const page = Buffer.alloc(MAX_BYTES);
    const bytes = page.subarray(0, readSync(kept.fd, page, 0, MAX_BYTES, 0));
    const { identity, label, holders, fd } = kept;
    return [
      { identity, label, source: `/proc/self/fd/${fd}`, holders: [...holders], bytes, read: decodeRing(bytes), kept },
    ];
  } catch {
    return [];
  }
}

/** Where no folder took a file, the events are in this process alone. */
function inMemory({ recorded }: CollectorContext): FoundRing[] {
  const bytes = recorded?.().bytes;
  if (bytes === undefined) return [];
  const read = decodeRing(bytes);
  return [{ identity: 'memory', source: 'recorder', holders: [process.pid], bytes, read }];
}
