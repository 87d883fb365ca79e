/**
 * One path of a tree becomes one entry: what is there now, which need not be what was listed. Never follows a link,
 * never waits for a FIFO, never gives up without saying why.
 */
import { closeSync, fstatSync, type BigIntStats } from 'node:fs';
import process from 'node:process';
import type { ByDesign, BytePath, Entry, FileEntry } from '../contracts/evidence.ts';
import { systemCode } from '../errors.ts';
import { Descent } from '../fs/descent.ts';
import { Kind, KIND_BITS, kindName, State } from '../fs/kinds.ts';
import { whyNotListed } from '../fs/listing.ts';
import { displayName } from '../fs/names.ts';
import { descend, EXACT, openFile, readLink, statEntry } from '../fs/open.ts';
import { absenceOf } from '../fs/outcome.ts';
import type { Tree } from '../fs/tree.ts';
import type { MountBook } from '../proc/mount-book.ts';

/** Whether the bytes of an open file are stored, or only hashed and why. */
export type StorePolicy = (
  entry: number,
  stat: BigIntStats,
) => { readonly store: true } | { readonly store: false; readonly reason: string; readonly byDesign: ByDesign };

/** Looks at an entry before it is called one that keeps changing its kind. */
const MAX_LOOKS = 3;

interface Change {
  readonly outcome?: 'changed';
  readonly reason: string;
}

interface Target {
  readonly fd: number;
  readonly name: BytePath;
  readonly path: BytePath;
  /** Type bits as listed, 0 if not known. */
  readonly listed: number;
  readonly entry: number;
}

/** `busy`: a lease is held on the file; asking has told its holder to give it up, so ask again later. */
export type Taken = Entry | 'busy';

export class EntryReader {
  readonly #tree: Tree;
  readonly #descent: Descent;
  readonly #book: MountBook;
  readonly #policy: StorePolicy | undefined;
  readonly #uid = process.geteuid?.() ?? -1;
  /** First path of every inode with more than one. */
  readonly #firsts = new Map<string, BytePath>();
  #directory = -2;
  #directoryPath = '';

  constructor(tree: Tree, book: MountBook, policy?: StorePolicy) {
    this.#tree = tree;
    this.#book = book;
    this.#descent = new Descent(tree);
    this.#policy = policy;
  }

  close(): void {
    this.#descent.close();
  }

  /** Takes an entry of the tree. A file entry owns its descriptor. */
  read(entry: number): Taken {
    const tree = this.#tree;
    const parent = tree.parent(entry);
    if (tree.state(entry) === State.served) return this.#served(tree.path(entry), tree.problem(entry));
    if (parent < 0) return this.#root(entry);
    const path = `${this.#pathOf(parent)}/${tree.names[entry] ?? ''}`;
    let fd: number;
    try {
      fd = this.#descent.directory(parent);
    } catch (cause) {
      const { outcome, reason } = absenceOf(cause);
      return { kind: 'absent', ...placed(path, 'openat'), outcome, reason: `its directory: ${reason}` };
    }
    return this.#takeFrom({ fd, name: tree.names[entry] ?? '', path, listed: tree.kind(entry), entry });
  }

  /** The entry for a file that stayed busy. */
  busyEntry(entry: number): Entry {
    return { kind: 'absent', ...placed(this.#tree.path(entry), 'openat'), ...absenceOf({ code: 'EAGAIN' }) };
  }

  #served(path: BytePath, reason = ''): Entry {
    return { kind: 'absent', ...placed(path, 'mountinfo'), outcome: 'skipped', reason: `not looked at: ${reason}` };
  }

  /** Takes a path that the tree does not have: `names` below the root that is `entry`. */
  readUnlisted(root: number, names: readonly BytePath[]): Entry {
    const path = [this.#tree.names[root] ?? '', ...names].join('/');
    const place = this.#book.placeOf([this.#descent.rootPath(root), ...names].join('/'));
    if (place.ground !== 'local') return this.#served(path, place.reason);
    try {
      const fd = descend(this.#descent.directory(root), names.slice(0, -1));
      try {
        const taken = this.#takeFrom({ fd, name: names.at(-1) ?? '', path, listed: 0, entry: -1 });
        return taken === 'busy'
          ? { kind: 'absent', ...placed(path, 'openat'), ...absenceOf({ code: 'EAGAIN' }) }
          : taken;
      } finally {
        closeSync(fd);
      }
    } catch (cause) {
      return { kind: 'absent', ...placed(path, 'openat'), ...absenceOf(cause) };
    }
  }

  /** Takes what stands at `name` of an open directory; `entry` is -1 if the tree does not have it. */
  #takeFrom(target: Target): Taken {
    let kind = target.listed;
    let looks = 0;
    try {
      for (; looks < MAX_LOOKS; looks += 1) {
        const taken = kind === Kind.file ? this.#file(target) : this.#other(target);
        if (typeof taken !== 'number') return taken;
        kind = taken;
      }
    } catch (cause) {
      if (systemCode(cause) === 'EAGAIN') return 'busy';
      return { kind: 'absent', ...placed(target.path, 'openat'), ...absenceOf(cause) };
    }
    return {
      kind: 'absent',
      ...placed(target.path, 'openat'),
      outcome: 'failed',
      reason: `another kind of thing at each of ${MAX_LOOKS} looks`,
    };
  }

  #pathOf(directory: number): BytePath {
    if (directory !== this.#directory) {
      this.#directoryPath = this.#tree.path(directory);
      this.#directory = directory;
    }
    return this.#directoryPath;
  }

  #root(entry: number): Entry {
    const path = this.#tree.names[entry] ?? '';
    try {
      const stat = fstatSync(this.#descent.directory(entry), EXACT);
      return {
        kind: 'directory',
        ...placed(path, 'openat'),
        stat: this.#withListedAtime(entry, stat),
        ...whyNotListed(this.#tree, entry),
      };
    } catch (cause) {
      return { kind: 'absent', ...placed(path, 'openat'), ...absenceOf(cause) };
    }
  }

  /** The open file, or the type bits of what is there instead. */
  #file(target: Target): Entry | number {
    let fd: number;
    try {
      fd = openFile(target.fd, target.name, { own: this.#owns(target.entry) });
    } catch (cause) {
      // ELOOP: a link. ENXIO: a socket, or a device without driver (open(2)).
      const code = systemCode(cause);
      if (code !== 'ELOOP' && code !== 'ENXIO') throw cause;
      return Number(statEntry(target.fd, target.name).mode) & KIND_BITS;
    }
    let keep = false;
    try {
      const stat = fstatSync(fd, EXACT);
      const kind = Number(stat.mode) & KIND_BITS;
      if (kind !== Kind.file) return kind;
      const entry = this.#fileEntry(target, fd, stat);
      keep = entry.kind === 'file';
      return entry;
    } finally {
      if (!keep) closeSync(fd);
    }
  }

  /** Root may leave every atime alone; a guess that is wrong costs one more call. */
  #owns(entry: number): boolean {
    return this.#uid === 0 || entry < 0 || this.#tree.uid(entry) === this.#uid;
  }

  #fileEntry(target: Target, fd: number, stat: BigIntStats): Entry {
    const place = placed(target.path, 'openat');
    if (stat.nlink > 1n) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#firsts.get(key);
      if (first !== undefined)
        return {
          kind: 'absent',
          ...place,
          outcome: 'skipped',
          byDesign: 'stored-elsewhere',
          reason: `hard link to ${displayName(first)}`,
          stat,
        };
      this.#firsts.set(key, target.path);
    }
    const policy = this.#policy?.(target.entry, stat);
    const file: FileEntry = { kind: 'file', path: place.path, source: place.source, method: place.method, fd, stat };
    const change = this.#changeOf(target, Kind.file, stat);
    if (policy?.store === false)
      return { ...file, store: false, reason: policy.reason, byDesign: policy.byDesign, ...change };
    return change === undefined ? file : { ...file, ...change };
  }

  /** A link, directory or special file, or the type bits of what has to be looked at in another way. */
  #other(target: Target): Entry | number {
    const stat = statEntry(target.fd, target.name);
    const kind = Number(stat.mode) & KIND_BITS;
    if (kind === Kind.file) return kind;
    const change = this.#changeOf(target, kind, stat);
    if (kind === Kind.link) return this.#link(target, stat, change);
    if (kind !== Kind.directory) return { kind: 'special', ...placed(target.path, 'lstat'), stat, ...change };
    const state = target.entry < 0 ? undefined : whyNotListed(this.#tree, target.entry);
    return {
      kind: 'directory',
      ...placed(target.path, 'lstat'),
      stat: this.#withListedAtime(target.entry, stat),
      ...state,
      ...change,
    };
  }

  #link(target: Target, stat: BigIntStats, change: Change | undefined): Entry | number {
    try {
      return {
        kind: 'link',
        ...placed(target.path, 'readlink'),
        target: readLink(target.fd, target.name),
        stat,
        ...change,
      };
    } catch (cause) {
      if (systemCode(cause) === 'EINVAL') return 0; // no link any more
      throw cause;
    }
  }

  /** Words for an entry that is not what was listed, or undefined. */
  #changeOf(target: Target, kind: number, stat: BigIntStats): Change | undefined {
    const { entry, listed } = target;
    if (entry < 0) return { reason: 'not in the inventory' };
    const state = this.#tree.state(entry);
    if (state === State.gone || state === State.denied || state === State.failed)
      return { reason: 'its metadata could not be read when it was listed' };
    if (kind !== listed)
      return {
        outcome: 'changed',
        reason:
          `a ${kindName(listed)} when it was listed` +
          (kind === Kind.directory ? '; what is in it was not listed' : ''),
      };
    const inode = this.#tree.inode(entry);
    return Number(stat.ino) === inode
      ? undefined
      : { reason: `another ${kindName(kind)} than the one that was listed, inode ${inode}` };
  }

  /** Listing a directory moves its atime; the time before that is the evidence. */
  #withListedAtime(entry: number, stat: BigIntStats): BigIntStats {
    if (entry < 0 || Number(stat.ino) !== this.#tree.inode(entry) || this.#tree.atime(entry) === 0n) return stat;
    stat.atimeNs = this.#tree.atime(entry);
    return stat;
  }
}

function placed(path: BytePath, method: string): { path: BytePath; source: BytePath; method: string } {
  return { path: `[root]${path}`, source: path, method };
}
