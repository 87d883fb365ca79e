/** Finds the entry for each line of a manifest part, and what of the entries is left over. */
import type { BytePath } from '../../contracts/evidence.ts';
import type { SeenEntry } from './compare.ts';

export interface Match<T> {
  readonly seen: T;
  /** It stands before an entry whose line came earlier. */
  readonly moved: boolean;
}

/** Lines come in the order of the entries; only where they do not, an index by path is made. */
export class EntryMatcher<T extends SeenEntry = SeenEntry> {
  readonly #entries: readonly T[];
  readonly #used: Uint8Array;
  #next = 0;
  #byPath: Map<BytePath, Queue> | undefined;

  constructor(entries: readonly T[]) {
    this.#entries = entries;
    this.#used = new Uint8Array(entries.length);
  }

  /** The entry for a line, each at most once; undefined if there is none. */
  take(path: BytePath): Match<T> | undefined {
    const index = this.#entries[this.#next]?.entry.path === path ? this.#next : this.#search(path);
    const seen = index === undefined ? undefined : this.#entries[index];
    if (index === undefined || seen === undefined) return undefined;
    this.#used[index] = 1;
    const moved = index < this.#next;
    if (!moved) this.#next = index + 1;
    return { seen, moved };
  }

  /** Entries that no line asked for. */
  *rest(): Generator<T> {
    for (const [index, seen] of this.#entries.entries()) if (this.#used[index] === 0) yield seen;
  }

  /** The first entry of this name that no line had. */
  #search(path: BytePath): number | undefined {
    const queue = this.#index().get(path);
    if (queue === undefined) return undefined;
    while (queue.from < queue.indexes.length) {
      const index = queue.indexes[queue.from];
      if (index !== undefined && this.#used[index] === 0) return index;
      queue.from += 1;
    }
    return undefined;
  }

  #index(): Map<BytePath, Queue> {
    if (this.#byPath !== undefined) return this.#byPath;
    this.#byPath = new Map();
    for (const [index, { entry }] of this.#entries.entries()) {
      const queue = this.#byPath.get(entry.path);
      if (queue === undefined) this.#byPath.set(entry.path, { indexes: [index], from: 0 });
      else queue.indexes.push(index);
    }
    return this.#byPath;
  }
}

interface Queue {
  readonly indexes: number[];
  from: number;
}
