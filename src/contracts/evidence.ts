/**
 * The words that the stages share. Interfaces only: nothing here runs.
 *
 *     trigger → collect → archive → seal → ship → report
 *
 * A collector yields entries, the archive turns entries into a tar stream and outcomes, the seal gives digests and the
 * manifest, a destination keeps segments. Users pass their own collectors and destinations as the same plain objects.
 */
import type { Finding, FindingsReport } from './detect.ts';
import type { Destination, CaptureIdentity } from './store.ts';
import type { Tier, Entry } from './entry.ts';
import type { Cause } from './cause.ts';
import type { Settings } from './settings.ts';
import type { ProcessTable } from './process-table.ts';
import type { BesideRecord, OwnRecord } from './recorded.ts';

export type * from './cause.ts';
export type * from './detect.ts';
export type * from './entry.ts';
export type * from './store.ts';

// ---------------------------------------------------------------- trigger

/**
 * A point in an invocation at which triggers are asked, and what was ordered until then. Invocation 1 is the first of
 * this sandbox. `settled` and `failed`: the handler has returned or thrown. `found`: detectors have found something
 * new.
 */
export type TriggerEvent = { readonly orders?: readonly OrderedCapture[] } & (
  | { readonly at: 'settled'; readonly invocation: number }
  | { readonly at: 'failed'; readonly invocation: number; readonly error: unknown }
  | { readonly at: 'near-deadline'; readonly invocation: number; readonly remainingMs: number }
  | { readonly at: 'found'; readonly invocation: number; readonly findings: readonly Finding[] }
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
  /** What the recorder of this process knows; absent where it has none. */
  readonly recorded?: () => OwnRecord;
  /** What the recorder of the extension has; absent elsewhere. */
  readonly beside?: () => BesideRecord;
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

/** A capture that an order asks for, here and now. */
export interface OrderedCapture {
  /** `cause.order` is there. */
  readonly cause: Cause;
  /** The configuration of this one capture. */
  readonly config: Config;
}

/** Opens destinations of one URL scheme. */
export interface DestinationProvider {
  readonly name: string;
  /** `s3:`, `file:`; with the colon, as in URL.protocol. */
  readonly protocol: string;
  readonly description: string;
  readonly open: (url: URL, capture: CaptureIdentity, config: Config) => Promise<Destination> | Destination;
}

/** The frozen result: every option has a value. */
export type Config = { readonly [K in keyof Settings]: Settings[K] } & {
  readonly collectors: readonly Collector[];
  readonly destinations: readonly DestinationProvider[];
  readonly triggers: readonly Trigger[];
};
