/** What in a tree a walk must not touch: mount points at which somebody else would have to answer. */
import type { BytePath } from '../contracts/evidence.ts';
import type { MountBook, Place } from '../proc/mount-book.ts';
import type { Tree } from './tree.ts';

export class Barred {
  readonly #book: MountBook;
  readonly #tree: Tree;
  readonly #rootPath: (root: number) => BytePath;
  /** By the directory that holds the mount point, by its name there. Nearly always there is none. */
  readonly #points = new Map<BytePath, Map<BytePath, Place>>();
  #directory = -1;
  #within: ReadonlyMap<BytePath, Place> | undefined;

  constructor(book: MountBook, tree: Tree, rootPath: (root: number) => BytePath) {
    this.#book = book;
    this.#tree = tree;
    this.#rootPath = rootPath;
    this.#mark();
  }

  /** Names in a directory that are not to be touched; undefined if none. */
  within(directory: number): ReadonlyMap<BytePath, Place> | undefined {
    if (this.#points.size === 0) return undefined;
    if (directory !== this.#directory) {
      this.#directory = directory;
      this.#within = this.#points.get(this.#realPath(directory));
    }
    return this.#within;
  }

  /** Why a directory on another device than its parent is not entered; undefined: it may be. */
  crossing(directory: number): Place | undefined {
    const path = this.#realPath(directory);
    // Mounted since the listing was read? A device may also change without a mount (btrfs).
    if (this.#book.own().at(path)?.point !== path) {
      this.#book.refresh();
      this.#mark();
    }
    const place = this.#book.placeOf(path);
    return place.ground === 'local' ? undefined : place;
  }

  #mark(): void {
    this.#points.clear();
    this.#directory = -1;
    for (const { point } of this.#book.own().reachable()) {
      const place = this.#book.placeOf(point);
      if (place.ground === 'local') continue;
      const slash = point.lastIndexOf('/');
      const directory = point.slice(0, slash) || '/';
      const names = this.#points.get(directory) ?? new Map<BytePath, Place>();
      this.#points.set(directory, names.set(point.slice(slash + 1), place));
    }
  }

  #realPath(entry: number): BytePath {
    const names: BytePath[] = [];
    let at = entry;
    for (; this.#tree.parent(at) >= 0; at = this.#tree.parent(at)) names.push(this.#tree.names[at] ?? '');
    const root = this.#rootPath(at);
    return names.length === 0 ? root : `${root === '/' ? '' : root}/${names.reverse().join('/')}`;
  }
}
