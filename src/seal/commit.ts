/**
 * `manifest.json`: written last, it is the commit marker. It names every segment with its digest and receipt, the whole,
 * the head of the chain, what was not collected and what the capture cost. It is always redacted: it lies in clear
 * beside age files.
 */
import type { Cause, ManifestItem, Outcome, Receipt, Segment } from '../contracts.ts';
import type { AmberErrorCode } from '../errors.ts';

export const FORMAT = 'amber-capture/1';

/** One segment as the commit marker tells of it. */
export interface CommittedSegment {
  readonly number: number;
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly tarOffset: number;
  readonly tarBytes: number;
  readonly tier: Segment['tier'];
  /** It begins inside the body of an entry, so it does not open on its own from its first byte. */
  readonly continues: boolean;
  readonly chainHead: string | null;
  /** `lost`: it could not be stored; `error` says why. */
  readonly state: Receipt['state'] | 'lost';
  readonly receipt?: Receipt;
  readonly error?: { readonly code: AmberErrorCode; readonly message: string };
}

export interface CaptureManifest {
  readonly format: typeof FORMAT;
  readonly captureId: string;
  /** `whole`: every segment is stored. `cut`: some are lost. */
  readonly state: 'whole' | 'cut';
  readonly cause: Cause;
  readonly identity: Readonly<Record<string, unknown>>;
  readonly tool: ToolFacts;
  readonly clocks: ClockFacts;
  readonly compression: 'zstd' | 'gzip' | 'none';
  /** The age recipient, or null. */
  readonly recipient: string | null;
  readonly segments: readonly CommittedSegment[];
  /** The segments joined in order. */
  readonly tarball: { readonly sha256: string; readonly bytes: number; readonly tarBytes: number };
  readonly chain: { readonly head: string | null; readonly parts: number };
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly collectors: Readonly<Record<string, Partial<Record<Outcome, number>>>>;
  /** The first items that did not end well, bounded; all of them are in the manifest parts. */
  readonly exceptions: readonly Pick<ManifestItem, 'path' | 'outcome' | 'reason' | 'collector'>[];
  readonly redactions: number;
  readonly cost: CostFacts;
  readonly limits: Readonly<Record<string, number>>;
}

export interface ToolFacts {
  readonly name: 'lambda-amber';
  readonly version: string;
  /** SHA-256 of the module file that ran the capture, or null where it could not be read. */
  readonly sha256: string | null;
  readonly node: string;
}

export interface ClockFacts {
  /** ISO 8601, UTC, the sandbox's wall clock. */
  readonly started: string;
  readonly ended: string;
  /** Milliseconds of the monotonic clock between the two. */
  readonly elapsedMs: number;
  /** The destination's clock minus ours, seconds, from the first answer that had a Date header; null without one. */
  readonly destinationOffsetSeconds: number | null;
}

export interface CostFacts {
  readonly cpuMs: number;
  /** Resident memory of the process before and after, bytes. */
  readonly rssBefore: number;
  readonly rssAfter: number;
}
