/** What a collector yields: one entry an item, with how it was read and what became of it. */

/**
 * What `stat` with `bigint: true` tells (BigIntStats of node:fs), as far as it is read: types of Node are not needed to
 * use the package.
 */
export interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blksize: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
}

/**
 * A path as the kernel gave it, one character a byte (latin1). Linux names are bytes, not text: decoding them as UTF-8
 * would change a hostile name and then miss the file. Plain ASCII literals are byte paths already.
 */
export type BytePath = string;

/** What became of one item. Every item that was seen ends in exactly one of these; nothing is dropped silently. */
export type Outcome =
  | 'collected'
  | 'truncated' // shorter than it was when it was opened, or cut by a limit
  | 'changed' // whole, but its size or mtime moved while it was read
  | 'empty'
  | 'missing' // gone between listing and opening
  | 'denied' // EACCES, EPERM
  | 'skipped' // by policy, kind or limit: `reason` says which
  | 'timed-out'
  | 'failed';

/**
 * Why an item was left out on purpose, so that a capture without it is complete. The code that leaves it out sets it;
 * the words of `reason` are for people.
 */
export type ByDesign =
  | 'stored-elsewhere' // this capture, or another one of this sandbox, has it
  | 'policy' // an option says so
  | 'no-content' // a socket, a device, a page that was never touched: there is nothing to store
  | 'kernel-view' // procfs and the like, mounted into a tree
  | 'nothing-to-do' // a collector or source that has no work here
  | 'never-read'; // a kind of evidence that Amber has no means to read, in any capture

/** Tiers in order of volatility (RFC 3227 section 2.1). A segment of the tarball ends at each border between tiers. */
export type Tier = 'volatile' | 'recovered' | 'files' | 'code' | 'memory';

/** How bytes are searched for secrets before they are stored. `content` is stored as it is. */
export type Redaction = 'text' | 'environ' | 'cmdline' | 'content';

interface EntryBase {
  /** Path in the tarball, without a leading slash: `live_response/processes.json`, `[root]/tmp/x`. */
  readonly path: BytePath;
  /** Where it comes from: an absolute path, or the name of the call that gave it. */
  readonly source: BytePath;
  /** How it was read: `procfs`, `openat`, `proc-fd`, `proc-mem`, `readlink`, `api`. */
  readonly method: string;
  /** Set when the collector knows better than `collected`. */
  readonly outcome?: Outcome;
  readonly reason?: string;
  /** With outcome `skipped` only. */
  readonly byDesign?: ByDesign;
  /** Facts known only after the body was read (holes of a memory region, …): asked once, after it. */
  readonly notes?: () => Readonly<Record<string, unknown>>;
}

/** Structured evidence. The archive redacts and serialises it, so no collector can forget to. */
export interface JsonEntry extends EntryBase {
  readonly kind: 'json';
  readonly value: unknown;
}

/** Structured evidence, one row a line. */
export interface JsonLinesEntry extends EntryBase {
  readonly kind: 'jsonl';
  readonly rows: readonly unknown[];
}

/** A small body in memory, such as a procfs file. */
export interface BytesEntry extends EntryBase {
  readonly kind: 'bytes';
  readonly body: Uint8Array;
  readonly redaction: Redaction;
  readonly stat?: FileStat;
  /** Nobody else reads `body`: its memory may be freed as soon as it is stored. For large bodies. */
  readonly disposable?: true;
}

/**
 * An open regular file. Ownership of `fd` passes to the archive, which reads from offset 0 to the size in `stat` and
 * closes it, whatever happens. `stat` is the fstat of that very descriptor.
 */
export interface FileEntry extends EntryBase {
  readonly kind: 'file';
  readonly fd: number;
  readonly stat: FileStat;
  /** False: the file is hashed, its bytes are not stored (`reason` says why). */
  readonly store?: boolean;
}

/**
 * A body that is produced piece by piece and of which the size is known before. Short bodies are padded, and said so.
 */
export interface StreamEntry extends EntryBase {
  readonly kind: 'stream';
  readonly size: number;
  /** Of the file, where the body is one. */
  readonly stat?: FileStat;
  /** A chunk has been used up when the next one is asked for, so its memory may serve again. */
  readonly chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A symbolic link, never followed. */
export interface LinkEntry extends EntryBase {
  readonly kind: 'link';
  readonly target: BytePath;
  /**
   * The target is evidence on a process and is searched for secrets. Without it the link is stored as it is, like
   * contents.
   */
  readonly redaction?: 'text';
  readonly stat?: FileStat;
}

export interface DirectoryEntry extends EntryBase {
  readonly kind: 'directory';
  readonly stat?: FileStat;
}

/** A FIFO, device or socket: its metadata is the evidence. Sockets have no tar type and stand in the manifest alone. */
export interface SpecialEntry extends EntryBase {
  readonly kind: 'special';
  readonly stat: FileStat;
}

/** An item that could not be read: a line in the manifest, nothing in the tarball. */
export interface AbsentEntry extends EntryBase {
  readonly kind: 'absent';
  readonly outcome: Exclude<Outcome, 'collected' | 'changed' | 'truncated' | 'empty'>;
  readonly reason: string;
  readonly stat?: FileStat;
}

export type Entry =
  | JsonEntry
  | JsonLinesEntry
  | BytesEntry
  | FileEntry
  | StreamEntry
  | LinkEntry
  | DirectoryEntry
  | SpecialEntry
  | AbsentEntry;
