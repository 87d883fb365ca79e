/**
 * Takes a tree in a given order, each path once. Synchronous: the archive gives the main thread back between entries.
 */
import type { BytePath, Entry } from '../contracts/evidence.ts';
import { Kind, State } from '../fs/kinds.ts';
import type { Tree } from '../fs/tree.ts';
import type { Order } from './order.ts';
import type { EntryReader } from './entry-reader.ts';

/** Files under a lease that are asked for again at the end. */
const MAX_BUSY = 1000;

/**
 * Every entry of `order`, class after class, and each directory before what is in it: a reader that keeps the last
 * entry of a name loses what came before its directory. Closes the taker.
 */
export function* contents(order: Order, directories: Directories, reader: EntryReader): Generator<Entry> {
  const busy: number[] = [];
  try {
    for (const queue of order.classes) {
      for (const entry of queue) {
        if (directories.has(entry)) continue;
        for (const above of directories.before(entry)) yield* asEntry(above, reader);
        const taken = reader.read(entry);
        if (taken !== 'busy') yield taken;
        else if (busy.length < MAX_BUSY) busy.push(entry);
        else yield reader.busyEntry(entry);
      }
    }
    for (const entry of busy) yield* asEntry(entry, reader);
  } finally {
    reader.close();
  }
}

function* asEntry(entry: number, reader: EntryReader): Generator<Entry> {
  const taken = reader.read(entry);
  yield taken === 'busy' ? reader.busyEntry(entry) : taken;
}

/** Which directories of a tree have been taken. One byte an entry. */
export class Directories {
  readonly #tree: Tree;
  readonly #taken: Uint8Array;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#taken = new Uint8Array(tree.count);
  }

  /**
   * Directories above `entry` that are still to be taken, outermost first. They count as taken then, and `entry` as
   * well.
   */
  before(entry: number): number[] {
    const above: number[] = [];
    for (let at = this.#tree.parent(entry); at >= 0 && this.#taken[at] === 0; at = this.#tree.parent(at)) {
      this.#taken[at] = 1;
      above.push(at);
    }
    this.#taken[entry] = 1;
    return above.reverse();
  }

  /** True of an entry that was taken with what is in it. */
  has(entry: number): boolean {
    return this.#taken[entry] === 1;
  }

  /** Directories of the tree above these paths, which it need not have, each once and outermost first. */
  *above(paths: ReadonlySet<BytePath>): Generator<number> {
    const wanted = new Set<BytePath>();
    for (const path of paths)
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) wanted.add(path.slice(0, at));
    if (wanted.size === 0) return;
    for (let entry = 0; entry < this.#tree.count; entry += 1) {
      const isDirectory = this.#tree.kind(entry) === Kind.directory || this.#tree.parent(entry) < 0;
      if (
        !isDirectory ||
        this.#tree.state(entry) === State.served ||
        this.#taken[entry] === 1 ||
        !wanted.has(this.#tree.path(entry))
      )
        continue;
      yield* this.before(entry);
      yield entry;
    }
  }
}
