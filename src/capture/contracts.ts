/** What a capture is asked for with, and its state while it runs. */
import type { TarballOptions } from '../archive/contracts.ts';
import type {
  CaptureIdentity,
  Cause,
  CollectorContext,
  Config,
  FindingsReport,
  InvocationFacts,
  JsonEntry,
  Roots,
  Tier,
} from '../contracts/evidence.ts';
import type { BesideRecord, OwnRecord } from '../contracts/recorded.ts';
import type { RunningBudget } from '../lambda/budget.ts';
import type { CommitFacts, ShippedSegment } from '../seal/commit.ts';
import type { ManifestWriter } from '../seal/manifest.ts';

/** What a host asks for. */
export interface CaptureRequest {
  readonly cause: Cause;
  readonly config: Config;
  readonly invocation: InvocationFacts | undefined;
  /** Milliseconds since the epoch at which everything must have ended. */
  readonly hardStopMs: number;
  /** True where the function's own process runs the capture. */
  readonly inProcess: boolean;
  /** What the detectors of the host know; without it a capture looks once, with nothing to compare with. */
  readonly findings?: () => Promise<FindingsReport>;
  /** What the recorder of this process knows. */
  readonly recorded?: () => OwnRecord;
  /** What the recorder of the extension has. */
  readonly beside?: () => BesideRecord;
  /**
   * Ends collecting when aborted; what there is by then is closed and committed. An AmberError as its reason goes into
   * the manifest.
   */
  readonly stopSignal?: AbortSignal;
  /**
   * Called when nobody should wait for the capture any more: the destination is not reached, and it goes on all the
   * same.
   */
  readonly release?: () => void;
  /** Size by SHA-256 of captures that lie parked in /tmp: they are not stored again. */
  readonly parked?: ReadonlyMap<string, number>;
  /** The last capture of a sandbox, or a rehearsal of it. */
  readonly last?: LastCapture;
  /** Nothing goes to the log: a rehearsal. */
  readonly quiet?: boolean;
  /** Other places to read from; for tests. */
  readonly roots?: Roots;
}

/** How the last capture of a sandbox differs: the function has gone and needs its memory no more, and time is short. */
export interface LastCapture {
  /** CPU that the close takes, milliseconds: little where it has been rehearsed. */
  readonly closingCpuMs: number;
  /** Most bytes of a segment: each costs as much CPU as 0.5 MB of its content. */
  readonly segmentBytes: number;
  /** False: of the segments joined no digest is made. */
  readonly digestWhole: boolean;
  /** Tiers of collectors, by name, that are to wait for others. */
  readonly tiers: Readonly<Record<string, Tier>>;
}

export interface CaptureRun {
  readonly config: Config;
  readonly tiers: Readonly<Record<string, Tier>>;
  readonly context: CollectorContext;
  readonly budget: RunningBudget;
  readonly place: CaptureIdentity;
  readonly manifest: ManifestWriter;
  readonly elapsedMs: () => number;
  readonly cpuMs: () => number;
  /** Takes the first snapshot of the process table and learns every secret in it, before anything is written. */
  readonly prepare: () => Promise<void>;
  /** The first entry of the tarball. */
  readonly header: () => JsonEntry;
  readonly tarballOptions: () => Omit<TarballOptions, 'onSegment'>;
  readonly commitFacts: (
    shipped: readonly ShippedSegment[],
    sealed: { sha256: string | null; bytes: number },
  ) => CommitFacts;
  /** Redacts what leaves for the log or manifest.json, whatever the recipient. */
  readonly redact: <T>(value: T) => T;
  readonly end: () => void;
  /** Why its host ended it before its time, where it did. */
  readonly endedEarly: () => string | undefined;
}
