/** What is said afterwards: the report for the caller, the digest lines for the log. */
import type { CaptureReport, Cause, Outcome, Receipt, Segment } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';

/** The facts that every report starts from. */
export interface ReportFacts {
  readonly captureId: string;
  readonly cause: Cause;
  readonly location: string;
  /** Of what was collected; segments that were lost make it partial. */
  readonly completeness: 'complete' | 'partial';
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

interface ShippedSegment {
  readonly segment: Omit<Segment, 'body'>;
  readonly receipt?: Receipt;
  readonly error?: AmberError;
}

/** `sha256` is of the joined tarball, when it was closed; `error` is that of the commit or of what came before it. */
export function finalReport(
  facts: ReportFacts,
  shipped: readonly ShippedSegment[],
  sha256: string | undefined,
  error?: AmberError,
): CaptureReport {
  const stored = shipped.filter((one) => one.receipt !== undefined);
  const fault = error ?? shipped.find((one) => one.error !== undefined)?.error;
  if (stored.length === 0) return failureReport(facts, fault ?? new AmberError('CAPTURE_ABORTED'));
  return {
    ...facts,
    state: fault === undefined ? 'whole' : 'cut',
    completeness: fault === undefined ? facts.completeness : 'partial',
    segments: stored.length,
    bytes: stored.reduce((sum, one) => sum + one.segment.bytes, 0),
    ...defined({ sha256, error: fault }),
  };
}

/** Nothing was stored. */
export function failureReport(facts: ReportFacts, error: AmberError): CaptureReport {
  return { ...facts, completeness: 'partial', state: 'failed', segments: 0, bytes: 0, error };
}

/**
 * One line a segment, as soon as it is acknowledged: the log's copy of the digest, which the function cannot rewrite.
 */
export function segmentLine(captureId: string, { segment, receipt, error }: ShippedSegment): Record<string, unknown> {
  return {
    capture: captureId,
    segment: segment.number,
    object: segment.name,
    state: receipt?.state ?? 'lost',
    bytes: segment.bytes,
    sha256: segment.sha256,
    chain: segment.chainHead ?? null,
    ...(error === undefined ? {} : { code: error.code, error: error.message }),
  };
}

/** The last line of a capture. `manifest` is the digest of manifest.json as it was sent, absent when there was none. */
export function captureLine(report: CaptureReport, manifest: string | undefined): Record<string, unknown> {
  const { captureId, error, cause, ...rest } = report;
  return {
    capture: captureId,
    ...rest,
    trigger: cause.trigger,
    reason: cause.reason,
    ...defined({ manifest }),
    ...(error === undefined ? {} : { code: error.code, error: error.message }),
  };
}
