/**
 * `manifest.json`: written last, it is the commit marker. It names every segment with its digest and receipt, the
 * whole, the head of the chain, what was not collected and what the capture cost. It is always redacted: it lies in
 * clear beside age files.
 */
import { hash } from 'node:crypto';
import type { Cause, ManifestItem, Outcome, Receipt, Segment, StoredObject } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import type { AmberError, AmberErrorCode } from '../errors.ts';
import { SCHEMAS } from '../version.ts';
import type { Completeness } from './completeness.ts';
import type { ManifestWriter } from './manifest.ts';

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
  /** Version of the members; absent in captures from before there were numbers. */
  readonly schema?: number;
  readonly captureId: string;
  /** `whole`: every segment is stored. `cut`: some are lost. */
  readonly state: 'whole' | 'cut';
  readonly cause: Cause;
  /**
   * Why the host ended it before it had collected everything, where it did: a signed order to stop, the end of the
   * sandbox.
   */
  readonly endedEarly?: string;
  readonly identity: object;
  readonly tool: ToolFacts;
  readonly clocks: ClockFacts;
  readonly compression: 'zstd' | 'gzip' | 'none';
  /** The age recipient, or null. */
  readonly recipient: string | null;
  readonly segments: readonly CommittedSegment[];
  /**
   * The segments joined in order; their digest is null where there was no time for one beside those of the segments.
   */
  readonly tarball: { readonly sha256: string | null; readonly bytes: number; readonly tarBytes: number };
  readonly chain: { readonly head: string | null; readonly parts: number };
  /** Whether the evidence is all there; absent in older captures. */
  readonly completeness?: Completeness;
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

/** Everything that {@link commitDocument} needs, gathered by the recipe. */
export type CommitFacts = Omit<
  CaptureManifest,
  | 'format'
  | 'schema'
  | 'state'
  | 'segments'
  | 'exceptions'
  | 'completeness'
  | 'outcomes'
  | 'collectors'
  | 'redactions'
  | 'chain'
  | 'tarball'
> & {
  readonly sha256: string | null;
  readonly bytes: number;
};

/** A segment as the outbox tells of it; structurally the outbox's own type, since stages do not import each other. */
export interface ShippedSegment {
  readonly segment: Omit<Segment, 'body'>;
  readonly receipt?: Receipt;
  readonly error?: AmberError;
  readonly settledMs: number;
}

/** Builds the commit marker. `redact` is applied to the whole of it. */
export function commitDocument(
  facts: CommitFacts,
  shipped: readonly ShippedSegment[],
  manifest: ManifestWriter,
  redact: <T>(value: T) => T,
): StoredObject {
  const { sha256, bytes, ...rest } = facts;
  const segments = shipped.map(committed);
  const document: CaptureManifest = {
    format: FORMAT,
    schema: SCHEMAS.manifest,
    ...rest,
    state: segments.every((segment) => segment.state !== 'lost') ? 'whole' : 'cut',
    segments,
    tarball: { sha256, bytes, tarBytes: segments.reduce((sum, segment) => sum + segment.tarBytes, 0) },
    chain: { head: manifest.head(), parts: segments.filter((segment) => segment.chainHead !== null).length },
    completeness: manifest.shortfalls.result(segments.filter(({ state }) => state === 'lost').length, facts.endedEarly),
    outcomes: manifest.outcomes(),
    collectors: manifest.byCollector(),
    exceptions: manifest.exceptions().map(({ path, outcome, reason, collector }) => ({
      path,
      outcome,
      collector,
      ...defined({ reason }),
    })),
    redactions: manifest.redactions(),
  };
  const body = Buffer.from(`${JSON.stringify(redact(document), null, 1)}\n`, 'utf8');
  return { name: 'manifest.json', body: [body], bytes: body.length, sha256: hash('sha256', body, 'hex') };
}

function committed({ segment, receipt, error }: ShippedSegment): CommittedSegment {
  const { number, name, bytes, sha256, tarOffset, tarBytes, tier, continues, chainHead } = segment;
  return {
    number,
    name,
    bytes,
    sha256,
    tarOffset,
    tarBytes,
    tier,
    continues,
    chainHead: chainHead ?? null,
    state: receipt?.state ?? 'lost',
    ...defined({ receipt }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  };
}
