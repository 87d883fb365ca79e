/**
 * Lists trees that an attacker writes. Never follows a link, never blocks, holds the main thread for one batch at a
 * time.
 *
 * Breadth first, and a directory with very many entries gives way to the others after its share: so a flood in one
 * place does not use up the limit before the rest is seen.
 */
import { closeSync, fstatSync, statfsSync } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { describeError, systemCode } from '../errors.ts';
import { MountBook, type Place } from '../proc/mount-book.ts';
import { Barred } from './barred.ts';
import { Descent } from './descent.ts';
import { Kind, State, type StateCode } from './kinds.ts';
import { descriptorPath, EXACT, readLink, statEntry, whereIs } from './open.ts';
import { DirectoryReader } from './reader.ts';
import { reach } from './resolve.ts';
import { Tree } from './tree.ts';
import { factsOf, hasHonestSizes, isKernelView, type FileSystemFacts } from './volume.ts';
import type { Pace, RootFacts, Walked } from './walked.ts';

export type { Pace, RootFacts, Walked } from './walked.ts';

/** Entries handled between two looks at the clock: about a tenth of a millisecond. */
const BATCH = 16;
const MAX_DEPTH = 512;
/** Average length of a name above which names fill the limit before entries do: memory stays bounded. */
const NAME_BYTES_PER_ENTRY = 128;
/** A path longer than this is charged against a budget of its own: it is written again with each entry below it. */
const LONG_PATH = 1024;
const LONG_PATH_BYTES = 32 * 1024 * 1024;
const TARGET_BYTES = 4 * 1024 * 1024;
const MAX_MOUNTS = 100;
/** A directory gives way after this part of the limit; so no more than this many are half read at a time. */
const SHARES = 8;
/** Entries beyond the limit are counted up to this many times the limit. */
const COUNTED = 4;

/**
 * Lists `roots` and all below them, up to `limit` entries. What is mounted there and served by somebody is named and
 * not touched, as `book` knows it. Never rejects for what it finds.
 */
export async function walk(
  roots: readonly BytePath[],
  limit: number,
  pace: Pace,
  book: MountBook = new MountBook(),
): Promise<Walked> {
  const started = performance.now();
  const walker = new Walker(limit, pace, book);
  const facts = roots.map((root) => walker.root(root));
  await walker.run();
  return { ...walker.result(), roots: facts, elapsedMs: performance.now() - started };
}

class Walker {
  readonly #tree = new Tree();
  readonly #descent = new Descent(this.#tree);
  readonly #limit: number;
  readonly #pace: Pace;
  readonly #book: MountBook;
  readonly #barred: Barred;
  readonly #waiting: DirectoryReader[] = [];
  readonly #mounts: { entry: number; fileSystem: FileSystemFacts | undefined }[] = [];
  /** Devices whose directories tell by their size how many entries they have. */
  readonly #honest = new Set<number>();
  #nameBytes = 0;
  #longBytes = 0;
  #targetBytes = 0;
  #unlisted = 0;
  #crossed = 0;

  constructor(limit: number, pace: Pace, book: MountBook) {
    this.#limit = limit;
    this.#pace = pace;
    this.#book = book;
    this.#barred = new Barred(book, this.#tree, (root) => this.#descent.rootPath(root));
  }

  root(path: BytePath): RootFacts {
    try {
      const reached = reach(path, this.#book);
      if (!('fd' in reached)) return this.#servedRoot(path, reached);
      const { fd } = reached;
      try {
        const entry = this.#tree.add(-1, path, fstatSync(fd, EXACT), Kind.directory);
        const fileSystem = statfsSync(descriptorPath(fd), EXACT);
        if (hasHonestSizes(fileSystem)) this.#honest.add(this.#tree.device(entry));
        return { entry, path, real: whereIs(fd), fileSystem: factsOf(fileSystem) };
      } finally {
        closeSync(fd);
      }
    } catch (cause) {
      const entry = this.#tree.add(-1, path, undefined, 0);
      this.#mark(entry, cause, State.failed);
      return { entry, path, problem: describeError(cause) };
    }
  }

  #servedRoot(path: BytePath, place: Place): RootFacts {
    const entry = this.#tree.add(-1, path, undefined, Kind.directory);
    this.#tree.setState(entry, State.served, place.reason);
    return { entry, path, problem: `not looked at: ${place.reason ?? ''}`, served: place };
  }

  async run(): Promise<void> {
    let next = 0;
    try {
      while (!this.#over()) {
        if (next < this.#tree.count) {
          const entry = next;
          next += 1;
          const reader = this.#enter(entry);
          if (reader !== undefined) await this.#read(reader);
          continue;
        }
        const reader = this.#waiting.shift();
        if (reader === undefined) return;
        await this.#read(reader);
      }
      for (let entry = next; entry < this.#tree.count; entry += 1)
        if (this.#isOpenDirectory(entry)) this.#tree.setState(entry, State.late);
    } finally {
      for (const reader of this.#waiting) this.#abandon(reader);
      this.#descent.close();
    }
  }

  result(): Omit<Walked, 'roots' | 'elapsedMs'> {
    return {
      tree: this.#tree,
      mounts: this.#mounts,
      moreMounts: this.#crossed - this.#mounts.length,
      unlisted: this.#unlisted,
      counted: this.#unlisted <= this.#limit * COUNTED,
    };
  }

  #over(): boolean {
    return this.#pace.stopped() || this.#unlisted > this.#limit * COUNTED;
  }

  #isOpenDirectory(entry: number): boolean {
    return this.#tree.kind(entry) === Kind.directory && this.#tree.state(entry) === State.whole;
  }

  /** Opens a directory for listing, or notes why it is not listed. */
  #enter(entry: number): DirectoryReader | undefined {
    if (!this.#isOpenDirectory(entry)) return undefined;
    const tree = this.#tree;
    if (tree.depth(entry) >= MAX_DEPTH) tree.setState(entry, State.deep);
    else if (tree.pathLength(entry) > LONG_PATH && this.#longBytes > LONG_PATH_BYTES) tree.setState(entry, State.long);
    else return this.#list(entry);
    return undefined;
  }

  #list(entry: number): DirectoryReader | undefined {
    try {
      const fd = this.#descent.directory(entry);
      if (this.#isMount(entry)) {
        const place = this.#barred.crossing(entry);
        if (place !== undefined) this.#tree.setState(entry, State.served, place.reason);
        else if (this.#crosses(entry, fd)) this.#tree.setState(entry, State.kernel);
        if (this.#tree.state(entry) !== State.whole) return undefined;
      }
      return new DirectoryReader(this.#tree, entry, fd, { honest: this.#honest.has(this.#tree.device(entry)) });
    } catch (cause) {
      this.#mark(entry, cause, State.unlistable);
      return undefined;
    }
  }

  #isMount(entry: number): boolean {
    const parent = this.#tree.parent(entry);
    return parent >= 0 && this.#tree.device(parent) !== this.#tree.device(entry);
  }

  /** True if the file system that begins here is a view of the kernel. */
  #crosses(entry: number, fd: number): boolean {
    const facts = statfsSync(descriptorPath(fd), EXACT);
    this.#crossed += 1;
    if (this.#mounts.length < MAX_MOUNTS) this.#mounts.push({ entry, fileSystem: factsOf(facts) });
    return isKernelView(facts);
  }

  /** Reads a directory to its end, or up to its share. */
  async #read(reader: DirectoryReader): Promise<void> {
    let left = Math.ceil(this.#limit / SHARES);
    let ended = false;
    while (!ended && left > 0) {
      try {
        ended = this.#batch(reader);
      } catch (cause) {
        this.#mark(reader.entry, cause, State.unlistable);
        ended = true;
      }
      left -= BATCH;
      const pause = this.#pace.yieldIfDue();
      if (pause !== undefined) await pause;
      if (!ended && this.#over()) {
        this.#abandon(reader);
        return;
      }
    }
    if (ended) reader.close();
    else this.#waiting.push(reader);
  }

  #abandon(reader: DirectoryReader): void {
    if (this.#tree.state(reader.entry) !== State.cut) this.#tree.setState(reader.entry, State.late);
    reader.close();
  }

  /** Takes the next entries; true at the end of the directory. */
  #batch(reader: DirectoryReader): boolean {
    const fd = this.#descent.directory(reader.entry);
    const barred = this.#barred.within(reader.entry);
    for (let taken = 0; taken < BATCH; taken += 1) {
      const next = reader.next(fd);
      if (next === undefined) return true;
      const place = barred?.get(next.name);
      if (place === undefined) this.#take(reader.entry, fd, next.name, next.kind);
      else
        this.#tree.setState(this.#tree.add(reader.entry, next.name, undefined, next.kind), State.served, place.reason);
    }
    return false;
  }

  #take(parent: number, fd: number, name: BytePath, kind: number): void {
    if (this.#tree.count >= this.#limit || this.#nameBytes > this.#limit * NAME_BYTES_PER_ENTRY) {
      this.#unlisted += 1;
      this.#tree.setState(parent, State.cut);
      return;
    }
    this.#nameBytes += name.length;
    const length = this.#tree.pathLength(parent) + name.length;
    if (length > LONG_PATH) this.#longBytes += length;
    try {
      const entry = this.#tree.add(parent, name, statEntry(fd, name), kind);
      if (this.#tree.kind(entry) === Kind.link) this.#keepTarget(entry, fd, name);
    } catch (cause) {
      this.#mark(this.#tree.add(parent, name, undefined, kind), cause, State.failed);
    }
  }

  #keepTarget(entry: number, fd: number, name: BytePath): void {
    if (this.#targetBytes > TARGET_BYTES) return;
    try {
      const target = readLink(fd, name);
      this.#targetBytes += target.length;
      this.#tree.setTarget(entry, target);
    } catch {
      // Gone or replaced since its lstat: what is there when it is collected is recorded then.
    }
  }

  #mark(entry: number, cause: unknown, otherwise: StateCode): void {
    const code = systemCode(cause) ?? describeError(cause);
    const named = this.#tree.kind(entry) === Kind.directory && otherwise === State.unlistable;
    if (!named && code === 'ENOENT') this.#tree.setState(entry, State.gone, code);
    else if (!named && (code === 'EACCES' || code === 'EPERM')) this.#tree.setState(entry, State.denied, code);
    else this.#tree.setState(entry, otherwise, code);
  }
}
