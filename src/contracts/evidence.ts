/**
 * The words that the stages share. Interfaces only: nothing here runs.
 *
 *     trigger → collect → archive → seal → ship → report
 *
 * A collector yields entries, the archive turns entries into a tar stream and outcomes, the seal gives digests and the
 * manifest, a destination keeps segments. Users pass their own collectors and destinations as the same plain objects.
 */
import type { Config } from '../config/config.ts';
import type { Finding, FindingsReport } from './detect.ts';
import type { FileStat, OrderedCapture, OrderRecord } from './store.ts';
import type { ProcessTable } from '../proc/table.ts';

export type * from './detect.ts';
export type * from './store.ts';

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
 * Why an item was left out on purpose, so that a capture without it is complete. Whoever leaves it out sets it; the words
 * of `reason` are for people.
 */
export type ByDesign =
  | 'stored-elsewhere' // this capture, or another one of this sandbox, has it
  | 'policy' // an option says so
  | 'no-content' // a socket, a device, a page that was never touched: there is nothing to store
  | 'kernel-view' // procfs and the like, mounted into a tree
  | 'nothing-to-do' // a collector or source that has no work here
  | 'never-read'; // a kind of evidence that Amber has no means to read, in any capture

// ---------------------------------------------------------------- trigger

export type TriggerName =
  | 'call' | 'flag' | 'error' | 'deadline' | 'control' | 'event' | 'anomaly' | 'crash' | 'shutdown'
  | 'collect'; // no capture of a sandbox: a responder collected the control plane

/** Why a capture starts. Goes into capture.json, manifest.json and the log line. */
export interface Cause {
  /** A {@link TriggerName}, or the name of a trigger of code. */
  readonly trigger: string;
  /** One human sentence, free of secrets. */
  readonly reason: string;
  /** Who asked, where the trigger knows it (control object, signed event, code). */
  readonly requester?: string;
  /** The order behind a `control` or `event` trigger, for the custody record. */
  readonly order?: OrderRecord;
}

/** A point in an invocation at which triggers are asked, and what was ordered until then. */
export type TriggerEvent = { readonly orders?: readonly OrderedCapture[] } & (
  | { readonly at: 'settled'; readonly invocation: number } // the handler has returned or thrown; 1 = first of this sandbox
  | { readonly at: 'failed'; readonly invocation: number; readonly error: unknown }
  | { readonly at: 'near-deadline'; readonly invocation: number; readonly remainingMs: number }
  | { readonly at: 'found'; readonly invocation: number; readonly findings: readonly Finding[] } // detectors have looked, and these are new
);

/** One reason to capture. It runs on the handler's critical path, so it is cheap and does not throw. */
export interface Trigger {
  /** A {@link TriggerName}, or a name of your own: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly description: string;
  /** Asked only while nothing of this sandbox has been captured. */
  readonly once?: boolean;
  /** The moments it wants to be asked at under this configuration; none = off. */
  readonly moments: (config: Config) => readonly TriggerEvent['at'][];
  /** For `near-deadline`: milliseconds before the deadline, of an invocation that starts with `remainingMs`. */
  readonly leadMs?: (config: Config, remainingMs: number) => number;
  readonly fires: (event: TriggerEvent, config: Config) => Cause | undefined;
}

/** What the host knows of the invocation in progress. All of it comes from the platform, none from the event. */
export interface InvocationFacts {
  readonly requestId: string | undefined;
  readonly functionArn: string | undefined;
  readonly traceId: string | undefined;
  readonly tenantId: string | undefined;
  /** Milliseconds since the epoch at which the platform ends this invocation; undefined outside one. */
  readonly deadlineMs: number | undefined;
  /** 1 for the first invocation of this sandbox (a cold start), 0 outside an invocation. */
  readonly number: number;
  /** Other invocations in flight in this sandbox (Managed Instances run several at once). */
  readonly concurrent: number;
  /** The event, when the policy asks for it. Redacted like all structured evidence. */
  readonly event?: unknown;
  readonly error?: unknown;
}

// ---------------------------------------------------------------- collect

/** Tiers in order of volatility (RFC 3227 section 2.1). A segment of the tarball ends at each border between tiers. */
export type Tier = 'volatile' | 'recovered' | 'files' | 'code' | 'memory';

/** A source of evidence. `collect` yields entries as soon as it has them; it never throws for one bad item. */
export interface Collector {
  readonly name: string;
  /** One line for `--help`, the README table and the manifest. */
  readonly description: string;
  readonly tier: Tier;
  /** Not run unless the configuration names it. */
  readonly optIn?: boolean;
  /** Holds raw content (memory, heap): refused without an age recipient. */
  readonly needsRecipient?: boolean;
  /** Reads the process it runs in, so it says nothing about a function when it runs in the extension. */
  readonly inProcess?: boolean;
  readonly collect: (context: CollectorContext) => Iterable<Entry> | AsyncIterable<Entry>;
}

/** All that a collector may touch. Roots are injected so that tests can feed recorded trees. */
export interface CollectorContext {
  readonly captureId: string;
  /** When the capture started, milliseconds since the epoch. */
  readonly startedMs: number;
  readonly cause: Cause;
  readonly invocation: InvocationFacts | undefined;
  readonly config: Config;
  readonly roots: Roots;
  readonly budget: Budget;
  /** The process environment as it was when the capture started. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False in the extension: collectors with `inProcess` do not run there. */
  readonly inProcess: boolean;
  /** Size by SHA-256 of captures that lie parked in a writable tree. */
  readonly parked?: ReadonlyMap<string, number>;
  /** One snapshot of the process table for all collectors, made at the first call. */
  readonly processes: () => Promise<ProcessTable>;
  /** What detectors have found in this sandbox until now. */
  readonly findings?: () => Promise<FindingsReport>;
}

/** Absolute directories without a trailing slash. */
export interface Roots {
  readonly proc: string;
  /** Writable trees that are taken whole: /tmp and /dev/shm. */
  readonly writable: readonly string[];
  /** Code as loaded: /var/task, /opt, /var/runtime. */
  readonly code: readonly string[];
  readonly etc: string;
}

/** What is left. A capture ends in order when the budget ends; what was not reached is in the manifest. */
export interface Budget {
  /** Aborted at the hard stop. */
  readonly signal: AbortSignal;
  /** Milliseconds until the hard stop, never negative. */
  readonly remainingMs: () => number;
  /** Content bytes that may still be stored. */
  readonly remainingBytes: () => number;
  /**
   * Await this in loops that do work without yielding entries: it returns at once while the current slice of the main
   * thread is short (config.sliceMs), else lets the event loop turn once.
   */
  readonly yieldIfDue: () => Promise<void> | undefined;
}

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

/** A body that is produced piece by piece and of which the size is known before. Short bodies are padded, and said so. */
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
  /** The target is evidence on a process and is searched for secrets. Without it the link is stored as it is, like contents. */
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

/** An item that could not be had: a line in the manifest, nothing in the tarball. */
export interface AbsentEntry extends EntryBase {
  readonly kind: 'absent';
  readonly outcome: Exclude<Outcome, 'collected' | 'changed' | 'truncated' | 'empty'>;
  readonly reason: string;
  readonly stat?: FileStat;
}

export type Entry =
  | JsonEntry | JsonLinesEntry | BytesEntry | FileEntry | StreamEntry | LinkEntry | DirectoryEntry | SpecialEntry
  | AbsentEntry;
