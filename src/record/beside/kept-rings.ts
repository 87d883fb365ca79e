/**
 * Rings of the processes of a function, held open: they are there when the process is killed. They are found as a
 * capture finds them, by descriptors that lead to files without a name.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { KeptRing, RecordedEvent, RingDoubt } from '../../contracts/recorded.ts';
import { identityOf } from '../../proc/maps.ts';
import { MountBook, pin } from '../../proc/mount-book.ts';
import { decodeRing } from '../decode.ts';
import { RING_BYTES, SLOT_BYTES } from '../format.ts';
import { tailRing, type TailedRing } from './tailed-ring.ts';

/** Rings that are kept, processes and descriptors of one that are looked at, and files that turned out to be none. */
const MAX_RINGS = 8;
const MAX_DESCRIPTORS = 256;
const MAX_OTHERS = 256;
/** A ring may have a page of its own counters behind its slots. */
const MAX_BYTES = RING_BYTES + 4096;
/** Its first slots tell that a file is a ring. */
const HEAD_BYTES = 8 * SLOT_BYTES;
const NAMELESS = /^\/.* \(deleted\)$/su;

export interface KeptRings {
  /** Looks for rings among the open files of processes. Gives those that were not known. */
  readonly search: (pids: readonly number[]) => readonly KeptRing[];
  /** Copies what is new in all of them, `most` slots each. */
  readonly read: (most?: number) => readonly RecordedEvent[];
  readonly doubts: () => readonly RingDoubt[];
  readonly all: () => readonly KeptRing[];
  /** Rings that there was no room for. */
  readonly left: () => number;
  readonly close: () => void;
}

interface Ring {
  readonly identity: string;
  readonly label: string;
  readonly fd: number;
  readonly holders: Set<number>;
  readonly tail: TailedRing;
}

interface State {
  readonly proc: string;
  readonly rings: Map<string, Ring>;
  /** Device and inode of files that are no rings. */
  readonly others: Set<string>;
  left: number;
}

export function keepRings(proc: string = '/proc'): KeptRings {
  const state: State = { proc, rings: new Map(), others: new Set(), left: 0 };
  return {
    search: (pids) => {
      // What was listed at the last look may be another mount by now.
      const book = new MountBook();
      return pids.flatMap((pid) => search(state, pid, book));
    },
    read: (most) => [...state.rings.values()].flatMap(({ tail }) => attempt(() => tail.read(most)) ?? []),
    doubts: () => [...state.rings.values()].flatMap(doubtsOf),
    all: () => [...state.rings.values()].map(keptOf),
    left: () => state.left,
    close: () => {
      for (const { fd } of state.rings.values()) closeSync(fd);
      state.rings.clear();
    },
  };
}

function keptOf({ identity, label, fd, holders, tail }: Ring): KeptRing {
  return { identity, label, fd, holders: [...holders], tailed: tail.tailed, facts: tail.facts() };
}

function doubtsOf({ identity, holders, tail }: Ring): RingDoubt[] {
  const doubt = attempt(tail.doubt);
  return doubt === undefined ? [] : [{ identity, holders: [...holders], ...doubt }];
}

function search(state: State, pid: number, book: MountBook): readonly KeptRing[] {
  const dir = `${state.proc}/${pid}`;
  const found: KeptRing[] = [];
  for (const number of (attempt(() => readdirSync(`${dir}/fd`)) ?? []).slice(0, MAX_DESCRIPTORS)) {
    const source = `${dir}/fd/${number}`;
    const label = attempt(() => readlinkSync(source, 'latin1'));
    if (label === undefined || !NAMELESS.test(label)) continue;
    const ring = attempt(() => take(state, { pid, dir, source, label }, book));
    if (ring !== undefined) found.push(keptOf(ring));
  }
  return found;
}

interface Link {
  readonly pid: number;
  readonly dir: string;
  readonly source: string;
  readonly label: string;
}

/** Looks before it opens: nothing but a regular file for which the kernel answers. */
function take(state: State, { pid, dir, source, label }: Link, book: MountBook): Ring | undefined {
  const { fd: held, place } = pin(source, dir, book);
  try {
    if (place.ground !== 'local') return undefined;
    const stat = fstatSync(held, { bigint: true });
    const identity = identityOf(stat);
    const known = state.rings.get(identity);
    known?.holders.add(pid);
    if (known !== undefined || state.others.has(identity)) return undefined;
    if (!stat.isFile() || stat.size < RING_BYTES || stat.size > MAX_BYTES) return undefined;
    const fd = openSync(`/proc/self/fd/${held}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const what = whatIs(fd);
    if (what === 'other') note(state, identity);
    else if (what === 'ring' && state.rings.size === MAX_RINGS) state.left += 1;
    else if (what === 'ring') {
      const ring = { identity, label, fd, holders: new Set([pid]), tail: tailRing(fd) };
      state.rings.set(identity, ring);
      return ring;
    }
    closeSync(fd);
    return undefined;
  } finally {
    closeSync(held);
  }
}

function note({ others }: State, identity: string): void {
  if (others.size === MAX_OTHERS) others.clear();
  others.add(identity);
}

/** A file that holds nothing yet may become a ring: it is looked at again. */
function whatIs(fd: number): 'ring' | 'blank' | 'other' {
  const head = Buffer.alloc(HEAD_BYTES);
  const count = attempt(() => readSync(fd, head, 0, HEAD_BYTES, 0)) ?? 0;
  if (decodeRing(head.subarray(0, count)).events.length > 0) return 'ring';
  return head.every((byte) => byte === 0) ? 'blank' : 'other';
}

/** Undefined where the process or the file has gone. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
