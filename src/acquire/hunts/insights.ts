/** The hunts through CloudWatch Logs Insights: where the log is, so that nothing has to be collected first. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudWatchLogs, ResultField } from '@aws-sdk/client-cloudwatch-logs';
import { AmberError } from '../../errors.ts';
import { ahead } from '../ask.ts';
import { absentEntry } from '../faults.ts';
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
const POLL_MS = 1000;
/** Longest query in milliseconds; Insights itself ends one after 60 minutes. */
const LONGEST_MS = 900_000;
/** Hits of one hunt that get their context: two requests each. */
const MOST_CONTEXT = 20;

/** In the order of the hunts. @throws AmberError ACQUIRE_CREDENTIALS. */
export async function* huntInsights(options: InsightsOptions): AsyncGenerator<HuntResult> {
  yield* ahead(options.hunts, WIDTH, (hunt) => askOne(hunt, options));
}

async function askOne(hunt: Hunt, options: InsightsOptions): Promise<HuntResult> {
  try {
    const { rows, scanned } = await query(hunt, options);
    const findings: HuntFinding[] = [];
    for (const row of rows) findings.push(await findingOf(hunt, row, findings.length < MOST_CONTEXT ? options : { ...options, context: 0 }));
    return { hunt: hunt.id, findings, scanned };
  } catch (error) {
    const { reason } = absentEntry({ path: hunt.id, call: 'logs:StartQuery' }, error);
    return { hunt: hunt.id, findings: [], scanned: 0, problem: reason };
  }
}

async function query(hunt: Hunt, { logs, logGroups, sinceMs, untilMs, signal, pollMs = POLL_MS }: InsightsOptions): Promise<{ rows: ResultField[][]; scanned: number }> {
  const { queryId } = await logs.startQuery({
    logGroupNames: [...logGroups], startTime: Math.floor(sinceMs / 1000), endTime: Math.ceil(untilMs / 1000), queryString: hunt.query,
  });
  const end = performance.now() + LONGEST_MS;
  try {
    while (performance.now() < end) {
      await sleep(pollMs, undefined, { signal });
      const { status, results, statistics } = await logs.getQueryResults({ queryId });
      if (status === 'Complete') return { rows: results ?? [], scanned: statistics?.recordsScanned ?? 0 };
      if (status !== 'Running' && status !== 'Scheduled') throw new AmberError('ACQUIRE_FAILED', `the query ended as ${status ?? 'unknown'}`);
    }
    throw new AmberError('ACQUIRE_FAILED', `the query did not end within ${LONGEST_MS / 60_000} minutes; a shorter window (--since) helps`);
  } catch (error) {
    await logs.stopQuery({ queryId }).catch(() => undefined); // it may have ended by itself
    throw error;
  }
}

async function findingOf(hunt: Hunt, row: readonly ResultField[], options: InsightsOptions): Promise<HuntFinding> {
  const fields = new Map(row.map(({ field = '', value = '' }) => [field, value]));
  const message = fields.get('@message') ?? null;
  const logStream = fields.get('@logStream') ?? null;
  const at = timeOf(fields.get('@timestamp'));
  const facts = [...fields].filter(([name]) => name !== '@ptr' && name !== '@message').map(([name, value]) => `${name}=${value}`).join(' ');
  const around = logStream === null || at === undefined || message === null ? { before: [], after: [] } : await contextOf(options, logStream, at, message);
  return { ...factsOf(hunt), source: 'insights', time: at === undefined ? null : new Date(at).toISOString(), logStream, message, detail: facts, ...around };
}

/** Insights writes times in UTC, as `2025-06-30 09:16:40.000`. */
function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(`${(text ?? '').replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Lines around a hit. Without the permission a hit stands alone: it is a hit all the same. */
async function contextOf({ logs, logGroups, context }: InsightsOptions, logStreamName: string, at: number, message: string): Promise<{ before: string[]; after: string[] }> {
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
    return { before: (here < 0 ? before : before.slice(0, here)).slice(-context), after: after.slice(after.indexOf(message) + 1).slice(0, context) };
  } catch {
    return none;
  }
}
