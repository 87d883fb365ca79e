/**
 * One capture, from cause to report:
 *
 *     trigger → collect → archive → seal → ship → report
 *
 * Hosts decide that a capture is due and call {@link runCapture}; everything below it is reached from here.
 */
import { runCollector } from '../archive/run-collector.ts';
import type { Tarball } from '../archive/tarball.ts';
import { defined } from '../defined.ts';
import type { CaptureRequest, CaptureRun } from './contracts.ts';
import { beginCapture } from './run.ts';
import { planCollectors } from '../collect/plan.ts';
import type { CaptureReport, Destination, Tier } from '../contracts/evidence.ts';
import { asAmberError, deliver } from './deliver.ts';
import { AmberError } from '../errors.ts';
import { openLastResort, type LastResort } from './last-resort.ts';
import { logLine } from '../report/log.ts';
import { captureLine, failureReport, finalReport, segmentLine, type ReportFacts } from '../report/report.ts';
import { commitDocument } from '../seal/commit.ts';
import { openDestination } from '../ship/index.ts';
import { untilAborted } from '../ship/outbox.ts';
import { many } from '../many.ts';

export type { CaptureRequest, LastCapture } from './contracts.ts';

/**
 * Runs one capture to its end. Never rejects and never outlives `request.hardStopMs` by more than one slice: what could
 * not be stored is in the report, and the volatile summary goes to the log when the destination did not take its
 * segment.
 */
export async function runCapture(request: CaptureRequest): Promise<CaptureReport> {
  const isQuiet = request.quiet === true;
  const run = beginCapture(request);
  const resort = openLastResort(run, { isQuiet }, () => {
    run.budget.release();
    request.release?.();
  });
  let destination: Destination | undefined;
  let result: Result;
  try {
    destination = await openAt(run);
    if (destination.notice !== undefined && !isQuiet)
      logLine('fault', run.redact({ capture: run.context.captureId, where: 'ship', error: destination.notice }));
    await run.prepare();
    result = await captureTo(run, destination, resort, { isQuiet });
  } catch (cause) {
    result = { report: failureReport(facts(run, destination), asAmberError(cause)) };
  }
  if (result.report.state === 'failed') await resort.write();
  if (!isQuiet) logLine('capture', run.redact(captureLine(result.report, result.manifestDigest)));
  destination?.close();
  resort.end();
  run.end();
  return result.report;
}

interface Result {
  readonly report: CaptureReport;
  /** SHA-256 of manifest.json as it was sent: where another one stands in its place, this tells. */
  readonly manifestDigest?: string;
}

async function captureTo(
  run: CaptureRun,
  destination: Destination,
  resort: LastResort,
  { isQuiet }: { readonly isQuiet: boolean },
): Promise<Result> {
  const { budget, context } = run;
  const { shipped, sealed, manifestDigest, error } = await deliver({
    destination,
    tarball: run.tarballOptions(),
    hardStop: budget.hardStop,
    commitBy: budget.commitBy,
    fill: async (tarball) => {
      await collectInto(run, tarball);
      if (isBare(run)) await resort.write();
    },
    onShipped: (one, outbox) => {
      if (!isQuiet) logLine('segment', run.redact(segmentLine(context.captureId, one)));
      if (one.receipt !== undefined) resort.stored(one.segment.number);
      if (outbox.refused() !== undefined) budget.stop();
    },
    onTrouble: resort.onTrouble,
    onFull: (bytes) => {
      const error =
        `${many(bytes, 'byte')} of segments wait for the destination, as many as may: nothing more is collected ` +
        'until it takes some';
      if (!isQuiet) logLine('fault', { capture: context.captureId, where: 'ship', error });
    },
    marker: (stored, whole) => commitDocument(run.commitFacts(stored, whole), stored, run.manifest, run.redact),
  });
  if (shipped.some(({ segment, receipt }) => segment.number === 0 && receipt === undefined)) await resort.write();
  const report = finalReport(facts(run, destination), shipped, sealed?.sha256 ?? undefined, error);
  return { report, ...defined({ manifestDigest }) };
}

async function collectInto(run: CaptureRun, tarball: Tarball): Promise<void> {
  let tier: Tier = 'volatile';
  await tarball.add(run.header(), 'capture');
  for (const collector of planCollectors(run.config, run.tiers)) {
    if (collector.tier !== tier) await tarball.startTier(collector.tier);
    tier = collector.tier;
    await runCollector(collector, run.context, tarball);
  }
}

/**
 * The time was over before any collector had read anything: the process table of the redactor is all there is, and the
 * log is the quicker way.
 */
function isBare({ budget, manifest }: CaptureRun): boolean {
  return budget.signal.aborted && (manifest.outcomes().collected ?? 0) <= 1; // the header
}

async function openAt(run: CaptureRun): Promise<Destination> {
  const url = run.config.destination;
  if (url === undefined) {
    throw new AmberError(
      'CONFIG_INVALID',
      'neither option `destination` nor AMBER_DESTINATION is set; for example s3://evidence-bucket/amber',
    );
  }
  return untilAborted(Promise.resolve(openDestination(url, run.place, run.config)), run.budget.hardStop);
}

function facts(run: CaptureRun, destination: Destination | undefined): ReportFacts {
  return {
    captureId: run.context.captureId,
    cause: run.redact(run.context.cause),
    location: destination?.location ?? '',
    completeness: run.manifest.shortfalls.result(0, run.endedEarly()).state,
    outcomes: run.manifest.outcomes(),
    elapsedMs: run.elapsedMs(),
    cpuMs: run.cpuMs(),
  };
}
