/** Open directories of a tree: few at a time, each reached without following a link. */
import { closeSync } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { openDirectory, openDistantDirectory, openRoot, whereIs } from './open.ts';
import type { Tree } from './tree.ts';

/** Directories kept open. Lambda gives a process 1,024 descriptors, and they are the function's. */
const MAX_OPEN = 32;
/** Levels opened by one call make a path of no more than this; the kernel's limit is 4,096 with the prefix. */
const MAX_PATH = 3000;

/**
 * Gives descriptors of a tree's directories. They belong to the descent: valid until the next call, closed by
 * {@link Descent.close}. Roots stay open all the time.
 */
export class Descent {
  readonly #tree: Tree;
  readonly #roots = new Map<number, { fd: number; path: BytePath }>();
  readonly #open = new Map<number, number>();
  #last = -1;
  #lastFd = -1;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** The descriptor of directory `entry`. Throws the system error of the level that does not open. */
  directory(entry: number): number {
    if (entry === this.#last) return this.#lastFd;
    const fd = this.#tree.parent(entry) < 0 ? this.#root(entry).fd : this.#inner(entry);
    this.#last = entry;
    this.#lastFd = fd;
    return fd;
  }

  /** Where a root really is: its path with the links on the way resolved. */
  rootPath(entry: number): BytePath {
    return this.#root(entry).path;
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    for (const { fd } of this.#roots.values()) closeSync(fd);
    this.#open.clear();
    this.#roots.clear();
    this.#last = -1;
  }

  #root(entry: number): { fd: number; path: BytePath } {
    const known = this.#roots.get(entry);
    if (known !== undefined) return known;
    const fd = openRoot(this.#tree.names[entry] ?? '');
    const root = { fd, path: whereIs(fd) };
    this.#roots.set(entry, root);
    return root;
  }

  /** Through the parent, so that its other children find it open. */
  #inner(entry: number): number {
    const known = this.#recall(entry);
    if (known !== undefined) return known;
    const parent = this.#tree.parent(entry);
    const above = this.#recall(parent) ?? this.#jump(parent);
    return this.#keep(entry, openDirectory(above, this.#tree.names[entry] ?? ''));
  }

  #recall(entry: number): number | undefined {
    if (this.#tree.parent(entry) < 0) return this.#root(entry).fd;
    const fd = this.#open.get(entry);
    if (fd === undefined) return undefined;
    this.#open.delete(entry);
    this.#open.set(entry, fd);
    return fd;
  }

  #keep(entry: number, fd: number): number {
    this.#open.set(entry, fd);
    if (this.#open.size > MAX_OPEN) {
      const [oldest, oldFd] = this.#open.entries().next().value ?? [-1, -1];
      this.#open.delete(oldest);
      closeSync(oldFd);
      if (oldest === this.#last) this.#last = -1;
    }
    return fd;
  }

  /** Opens a directory that may be far below the nearest open one. */
  #jump(entry: number): number {
    const missing: number[] = [];
    let above = entry;
    let fd: number | undefined;
    while ((fd = this.#recall(above)) === undefined) {
      missing.push(above);
      above = this.#tree.parent(above);
    }
    missing.reverse();
    for (let at = 0; at < missing.length; ) {
      const names = this.#stretch(missing, at);
      const target = missing[at + names.length - 1] ?? entry;
      const opened: number | undefined = names.length === 1 ? undefined : this.#distant(fd, names, target);
      at += opened === undefined ? 1 : names.length;
      fd =
        opened === undefined
          ? this.#keep(missing[at - 1] ?? entry, openDirectory(fd, names[0] ?? ''))
          : this.#keep(target, opened);
    }
    return fd;
  }

  #stretch(missing: readonly number[], from: number): BytePath[] {
    const names: BytePath[] = [];
    let length = 0;
    for (const entry of missing.slice(from)) {
      const name = this.#tree.names[entry] ?? '';
      length += name.length + 1;
      if (names.length > 0 && length > MAX_PATH) break;
      names.push(name);
    }
    return names;
  }

  /**
   * Several levels by one call. The kernel follows links in the middle of a path. So the result counts only if the
   * kernel's own name for it is the expected one: a path through a link would show where the link led. Undefined if
   * not.
   */
  #distant(from: number, names: readonly BytePath[], target: number): number | undefined {
    let fd: number;
    try {
      fd = openDistantDirectory(from, names);
    } catch {
      return undefined;
    }
    try {
      if (whereIs(fd) === this.#expected(target)) return fd;
    } catch {
      // Longer than the kernel can tell: level by level then.
    }
    closeSync(fd);
    return undefined;
  }

  #expected(entry: number): BytePath {
    const names: BytePath[] = [];
    let at = entry;
    for (; this.#tree.parent(at) >= 0; at = this.#tree.parent(at)) names.push(this.#tree.names[at] ?? '');
    const root = this.#root(at).path;
    return (root === '/' ? '' : root) + '/' + names.reverse().join('/');
  }
}
