/** What the detectors have found, in our own words and as OCSF Detection Findings. */
import type { Collector, Entry, FindingsReport, CollectorContext } from '../contracts/evidence.ts';
import { SCHEMAS } from '../version.ts';
import { detectionFinding } from './ocsf.ts';

export const findings: Collector = {
  name: 'findings',
  description:
    'What the detectors found until now, whether it started the capture or not, also as OCSF Detection Findings ' +
    '(2004).',
  // A look takes 50 ms of CPU the first time: what vanishes is stored before.
  tier: 'files',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const report = await context.findings?.();
    const path = 'live_response/findings.jsonl';
    if (report === undefined) {
      yield {
        kind: 'absent',
        path,
        source: 'detectors',
        method: 'api',
        outcome: 'skipped',
        byDesign: 'nothing-to-do',
        reason: 'no detector has looked',
      };
      return;
    }
    yield { kind: 'jsonl', path, source: 'detectors', method: 'api', rows: [lookRow(report), ...report.findings] };
    yield {
      kind: 'jsonl',
      path: 'live_response/findings-ocsf.jsonl',
      source: 'detectors',
      method: 'api',
      rows: report.findings.map((finding) => detectionFinding(finding, context)),
    };
  },
};

/** The first row says what the others were judged against, so that no finding is not taken for nothing there. */
function lookRow({
  by,
  threshold,
  baselineMs,
  failed,
  left,
  findings: found,
}: FindingsReport): Readonly<Record<string, unknown>> {
  return {
    look: {
      schema: SCHEMAS.findings,
      by,
      threshold,
      baseline: baselineMs === undefined ? null : new Date(baselineMs).toISOString(),
      findings: found.length,
      failed,
      left,
    },
  };
}
