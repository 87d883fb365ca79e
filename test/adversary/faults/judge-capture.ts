/** What became of one capture, and whether that is what it may become. */
import { decodeLogEvidence } from '../../../src/case/log/evidence.ts';
import { readLogDigests } from '../../../src/case/log/lines.ts';
import { verifyCapture } from '../../../src/case/verify/verify.ts';
import type { CaptureReport } from '../../../src/contracts/evidence.ts';
import type { AmberErrorCode } from '../../../src/errors.ts';
import type { AgeIdentity } from '../../../src/seal/age-open.ts';
import type { Bucket } from './bucket.ts';
import type { Captured, CaptureOf } from './capture.ts';
import { checkAcknowledged, checkSalvage, linesOf, openStored, type Evidence, type SegmentLine } from './judge.ts';

/**
 * `whole`: verify says verified. `whole, unanswered`: it says so as well, but the answer to the commit marker did not
 * come in time, and the report says cut. `cut, told`: manifest.json says what was lost. `cut`: there is no
 * manifest.json. `failed`: nothing was acknowledged; the summary is in the log. `none`: it did not end, which may not
 * be.
 */
export const OUTCOMES = ['whole', 'whole, unanswered', 'cut, told', 'cut', 'failed', 'none'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

export interface Judged {
  readonly outcome: OutcomeName;
  readonly acknowledged: number;
  readonly salvaged: number;
  readonly problems: readonly string[];
}

export interface Case {
  readonly one: CaptureOf;
  readonly captured: Captured;
  readonly bucket: Bucket;
  readonly identity: AgeIdentity;
}

/** A result that comes so much later than the limit was held up. */
const SLACK_MS = 1000;

/** Reads what the capture left, judges it and takes it away. */
export async function judgeCapture(given: Case): Promise<Judged> {
  const { one, captured, bucket } = given;
  const problems = checkCall(given);
  const { report, log } = captured;
  if (report === undefined)
    return { outcome: 'none', acknowledged: 0, salvaged: 0, problems: [...problems, 'the capture did not end'] };
  const objects = await bucket.read(`${one.prefix}/`);
  const evidence: Evidence = {
    objects,
    log,
    scene: one.scene,
    identity: one.recipient === undefined ? undefined : given.identity,
  };
  problems.push(...checkReport(given, report), ...checkAcknowledged(evidence));
  const acknowledged = linesOf<SegmentLine>(log, 'segment').filter(({ state }) => state !== 'lost').length;
  if (isFirstLost(log) && decodeLogEvidence(log.split('\n')).length !== 1)
    problems.push('the first segment is lost, and its summary is not in the log once');
  const stored =
    report.state === 'failed'
      ? { problems: checkLastResort(log, report, acknowledged), salvaged: 0, outcome: 'failed' as const }
      : await checkStored(evidence, report);
  await bucket.remove(...(await bucket.keysBelow(`${one.prefix}/`)));
  return { ...stored, acknowledged, problems: [...problems, ...stored.problems] };
}

function isFirstLost(log: string): boolean {
  return linesOf<SegmentLine>(log, 'segment').some(({ segment, state }) => segment === 0 && state === 'lost');
}

function checkCall({ one, captured }: Case): string[] {
  const { handlerProblem, tookMs, endedMs } = captured;
  return [
    ...(handlerProblem === undefined ? [] : [handlerProblem]),
    ...(tookMs > one.maxMs + SLACK_MS ? [`the handler's result came after ${Math.round(tookMs)} ms`] : []),
    ...(endedMs > one.maxMs + SLACK_MS ? [`the capture ended after ${Math.round(endedMs)} ms`] : []),
  ];
}

/** Errors of a time that ended: any fault may bring them. */
const TIME: readonly AmberErrorCode[] = ['CAPTURE_ABORTED', 'DESTINATION_UNAVAILABLE'];

function checkReport({ one, captured: { log } }: Case, { captureId, state, error }: CaptureReport): string[] {
  const problems: string[] = [];
  const lines = linesOf<{ capture: string; state: string; code?: string }>(log, 'capture');
  if (lines.length !== 1 || lines[0]?.capture !== captureId || lines[0].state !== state)
    problems.push(`the log has ${lines.length} lines of the end, and the report says ${state}`);
  if ((state === 'whole') !== (error === undefined))
    problems.push(`it is ${state}, with ${error === undefined ? 'no error' : error.message}`);
  if (error !== undefined && ![...one.plan.codes, ...TIME].includes(error.code))
    problems.push(`its error is ${error.code}: ${error.message}`);
  if (error?.message.includes('\n') === true) problems.push(`its error has more than one line: ${error.message}`);
  const faults = log
    .split('\n')
    .filter(
      (line) => line.startsWith('{"amber":"fault"') && !line.includes(' bytes of segments wait for the destination'),
    );
  if (faults.length > 0) problems.push(`a fault of ours: ${faults[0] ?? ''}`);
  if (log.includes(one.keys.secretAccessKey)) problems.push('the secret key stands in the log');
  return problems;
}

function checkLastResort(log: string, { captureId }: CaptureReport, acknowledged: number): string[] {
  const [decoded, ...others] = decodeLogEvidence(log.split('\n'));
  const summary = decoded?.summary as { captureId?: string; processes?: unknown[] } | undefined;
  return [
    ...(acknowledged > 0 ? [`it says that it failed, and ${acknowledged} segments were acknowledged`] : []),
    ...(others.length > 0 ? ['the log has more than one summary'] : []),
    ...(decoded === undefined ? ['the log has no summary'] : []),
    ...(decoded?.problem === undefined ? [] : [`the summary in the log does not decode: ${decoded.problem}`]),
    ...(decoded !== undefined && (summary?.captureId !== captureId || summary.processes?.length === 0)
      ? ['the summary in the log is empty']
      : []),
  ];
}

async function checkStored(
  evidence: Evidence,
  report: CaptureReport,
): Promise<Pick<Judged, 'problems' | 'salvaged' | 'outcome'>> {
  const { log, identity, objects } = evidence;
  const { verdict, summary, checks } = await verifyCapture(await openStored(evidence), {
    identity,
    log: (captureId) => readLogDigests(chunks(log), captureId),
  });
  const findings = checks.flatMap((check) => check.findings).join('; ');
  if (verdict === 'verified' && report.state === 'whole') return { outcome: 'whole', problems: [], salvaged: 0 };
  if (verdict === 'verified' && report.error?.code === 'CAPTURE_ABORTED')
    return { outcome: 'whole, unanswered', problems: [], salvaged: 0 };
  const problems =
    verdict === 'cut' && report.state === 'cut'
      ? []
      : [`it is ${report.state}, and verify says ${verdict}: ${summary} ${findings}`];
  const { problems: more, result } = await checkSalvage(evidence);
  const outcome = report.state === 'cut' ? (objects.has('manifest.json') ? 'cut, told' : 'cut') : 'none';
  return {
    outcome,
    problems: [...problems, ...more],
    salvaged: (result.states.whole ?? 0) + (result.states.unconfirmed ?? 0),
  };
}

export async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
