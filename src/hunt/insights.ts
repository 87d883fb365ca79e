/** The hunts through CloudWatch Logs Insights: where the log is, so that nothing has to be collected first. */
import type { CloudWatchLogs, ResultField } from '@aws-sdk/client-cloudwatch-logs';
import { ahead } from '../acquire/ask.ts';
import { absentEntry } from '../acquire/error-class.ts';
import { insightsTime, runInsights } from '../acquire/insights-query.ts';
import type { Hunt, HuntFinding } from './contracts.ts';
import { factsOf } from './offline.ts';

export interface InsightsOptions {
  readonly logs: CloudWatchLogs;
  readonly logGroups: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly hunts: readonly Hunt[];
  /** Lines before and after a hit. */
  readonly context: number;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks at a query. */
  readonly pollMs?: number;
}

/** What became of one hunt. */
export interface HuntResult {
  readonly hunt: string;
  readonly findings: readonly HuntFinding[];
  /** Log events that the query read. */
  readonly scanned: number;
  /** Why it could not be asked, with the IAM action. */
  readonly problem?: string;
}

/** Queries at a time: an account may run 30, and the customer's dashboards use them too ("CloudWatch Logs quotas"). */
const WIDTH = 4;
/** Hits of one hunt that get their context: two requests each. */
const MAX_CONTEXT = 20;

/** In the order of the hunts. @throws AmberError ACQUIRE_CREDENTIALS. */
export async function* huntInsights(options: InsightsOptions): AsyncGenerator<HuntResult> {
  yield* ahead(options.hunts, WIDTH, (hunt) => askOne(hunt, options));
}

async function askOne(hunt: Hunt, options: InsightsOptions): Promise<HuntResult> {
  try {
    const { rows, scanned } = await runInsights({ ...options, query: hunt.query });
    const findings: HuntFinding[] = [];
    for (const row of rows)
      findings.push(await findingOf(hunt, row, findings.length < MAX_CONTEXT ? options : { ...options, context: 0 }));
    return { hunt: hunt.id, findings, scanned };
  } catch (error) {
    const { reason } = absentEntry({ path: hunt.id, call: 'logs:StartQuery' }, error);
    return { hunt: hunt.id, findings: [], scanned: 0, problem: reason };
  }
}

async function findingOf(hunt: Hunt, row: readonly ResultField[], options: InsightsOptions): Promise<HuntFinding> {
  const fields = new Map(row.map(({ field = '', value = '' }) => [field, value]));
  const message = fields.get('@message') ?? null;
  const logStream = fields.get('@logStream') ?? null;
  const at = insightsTime(fields.get('@timestamp'));
  const facts = [...fields]
    .filter(([name]) => name !== '@ptr' && name !== '@message')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  const around =
    logStream === null || at === undefined || message === null
      ? { before: [], after: [] }
      : await contextOf(options, logStream, at, message);
  return {
    ...factsOf(hunt),
    source: 'insights',
    time: at === undefined ? null : new Date(at).toISOString(),
    logStream,
    message,
    detail: facts,
    ...around,
  };
}

/** Lines around a hit. Without the permission a hit stands alone: it is a hit all the same. */
async function contextOf(
  { logs, logGroups, context }: InsightsOptions,
  logStreamName: string,
  at: number,
  message: string,
): Promise<{ before: string[]; after: string[] }> {
  const none = { before: [], after: [] };
  const [logGroupName] = logGroups;
  if (context === 0 || logGroups.length !== 1) return none; // a row does not tell of which group it is
  try {
    const stream = { logGroupName, logStreamName, limit: context + 1 };
    const earlier = await logs.getLogEvents({ ...stream, endTime: at + 1, startFromHead: false });
    const later = await logs.getLogEvents({ ...stream, startTime: at, startFromHead: true });
    const textsOf = (events: typeof earlier.events): string[] => (events ?? []).map((event) => event.message ?? '');
    const before = textsOf(earlier.events);
    const after = textsOf(later.events);
    const here = before.lastIndexOf(message);
    return {
      before: (here < 0 ? before : before.slice(0, here)).slice(-context),
      after: after.slice(after.indexOf(message) + 1).slice(0, context),
    };
  } catch {
    return none;
  }
}
