/**
 * The order in which a tree is taken: class after class, and within a class in turns over the directories. So 100,000
 * small files in one place keep no payload in another waiting.
 */
import type { Tree } from '../fs/tree.ts';

/** Entries of a tree, by class, as numbers. One Uint32 an entry. */
export interface Order {
  readonly classes: readonly RoundRobinQueue[];
}

/** Files of one turn in one directory: its descriptor is open, its inodes lie close. */
const TURN_FILES = 16;
const TURN_BYTES = 256 * 1024;
/** One turn ends with the largest file that is left: a payload must not hide behind small ones beside it. */
const LARGE_BYTES = 32 * 1024 * 1024;
/** Files that are sorted at a time: some 3 ms. A directory with more has several turns in a round. */
const SORTED = 32_768;
/** Entry numbers are below 2^23 (the highest limit of entries is 5,000,000); sizes above 2^29 tie. */
const NUMBERS = 2 ** 23;
const MAX_SIZE = 2 ** 29;
/** Entries looked at between two looks at the clock. */
const BATCH = 256;

/** Puts every entry into the class that `classOf` names, 0 first. */
export async function orderBy(
  tree: Tree,
  classes: number,
  classOf: (entry: number) => number,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<Order> {
  const chosen = new Uint8Array(tree.count);
  const counts = new Uint32Array(classes);
  for (let entry = 0; entry < tree.count; entry += 1) {
    const one = classOf(entry);
    chosen[entry] = one;
    counts[one] = (counts[one] ?? 0) + 1;
    if (entry % BATCH === 0) await yieldIfDue();
  }
  const turns = Array.from(counts, (count) => new RoundRobinQueue(tree, count));
  for (let entry = 0; entry < tree.count; entry += 1) {
    turns[chosen[entry] ?? 0]?.add(entry);
    if (entry % BATCH === 0) await yieldIfDue();
  }
  return { classes: turns };
}

/** The entries of one class. Entries of one directory must be added one after the other to share its turns. */
class RoundRobinQueue {
  readonly #tree: Tree;
  readonly #entries: Uint32Array;
  /** Where the run of each directory begins in `#entries`. */
  readonly #starts: number[] = [];
  #count = 0;
  #parent = -2;

  constructor(tree: Tree, count: number) {
    this.#tree = tree;
    this.#entries = new Uint32Array(count);
  }

  get count(): number {
    return this.#count;
  }

  add(entry: number): void {
    const parent = this.#tree.parent(entry);
    const start = this.#starts.at(-1) ?? 0;
    if (parent !== this.#parent || this.#count - start >= SORTED) this.#starts.push(this.#count);
    this.#parent = parent;
    this.#entries[this.#count] = entry;
    this.#count += 1;
  }

  /** Entry numbers in the order of taking. Once: it sorts in place as it goes. */
  *[Symbol.iterator](): Generator<number> {
    const entries = this.#entries;
    const low = Uint32Array.from(this.#starts);
    const high = Uint32Array.from(this.#starts, (_, run) => this.#starts[run + 1] ?? this.#count);
    let active = Uint32Array.from(this.#starts.keys());
    for (let round = 0; active.length > 0; round += 1) {
      let left = 0;
      for (const run of active) {
        let at = low[run] ?? 0;
        const end = high[run] ?? 0;
        if (round === 0) this.#sort(at, end);
        const until = this.#turnEnd(at, end);
        for (; at < until; at += 1) yield entries[at] ?? 0;
        const large = at < end && this.#tree.size(entries[end - 1] ?? 0) <= LARGE_BYTES;
        if (large) yield entries[end - 1] ?? 0;
        low[run] = at;
        high[run] = large ? end - 1 : end;
        if (at < (high[run] ?? 0)) active[left++] = run;
      }
      active = active.subarray(0, left);
    }
  }

  /** Where the small files of a turn end: one at least, and a place is left for the largest. */
  #turnEnd(start: number, end: number): number {
    let bytes = 0;
    let at = start;
    while (at < end && at - start < TURN_FILES - 1 && bytes < TURN_BYTES) {
      bytes += this.#tree.size(this.#entries[at] ?? 0);
      at += 1;
    }
    return at;
  }

  #sort(start: number, end: number): void {
    const keys = new Float64Array(end - start);
    for (let at = start; at < end; at += 1) {
      const entry = this.#entries[at] ?? 0;
      keys[at - start] = Math.min(this.#tree.size(entry), MAX_SIZE) * NUMBERS + entry;
    }
    keys.sort();
    for (let at = start; at < end; at += 1) this.#entries[at] = (keys[at - start] ?? 0) % NUMBERS;
  }
}
