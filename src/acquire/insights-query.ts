/** One query of CloudWatch Logs Insights, waited for and bounded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudWatchLogs, ResultField } from '@aws-sdk/client-cloudwatch-logs';
import { AmberError } from '../errors.ts';

export interface InsightsQuery {
  readonly logs: CloudWatchLogs;
  readonly logGroups: readonly string[];
  readonly query: string;
  /** Milliseconds since the epoch, both ends included; Insights takes whole seconds. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks at a query. */
  readonly pollMs?: number;
}

export interface InsightsRows {
  readonly rows: readonly ResultField[][];
  /** Log events that the query read. */
  readonly scanned: number;
}

const POLL_MS = 1000;
/** Longest query in milliseconds; Insights itself ends one after 60 minutes. */
const LONGEST_MS = 900_000;

/**
 * Needs logs:StartQuery, logs:GetQueryResults, logs:StopQuery. @throws AmberError ACQUIRE_FAILED, or what the client
 * throws.
 */
export async function runInsights({
  logs,
  logGroups,
  query,
  sinceMs,
  untilMs,
  signal,
  pollMs = POLL_MS,
}: InsightsQuery): Promise<InsightsRows> {
  const { queryId } = await logs.startQuery({
    logGroupNames: [...logGroups],
    startTime: Math.floor(sinceMs / 1000),
    endTime: Math.ceil(untilMs / 1000),
    queryString: query,
  });
  const end = performance.now() + LONGEST_MS;
  try {
    while (performance.now() < end) {
      await sleep(pollMs, undefined, { signal });
      const { status, results, statistics } = await logs.getQueryResults({ queryId });
      if (status === 'Complete') return { rows: results ?? [], scanned: statistics?.recordsScanned ?? 0 };
      if (status !== 'Running' && status !== 'Scheduled')
        throw new AmberError('ACQUIRE_FAILED', `the query ended as ${status ?? 'unknown'}`);
    }
    throw new AmberError(
      'ACQUIRE_FAILED',
      `the query did not end within ${LONGEST_MS / 60_000} minutes; a shorter window (--since) helps`,
    );
  } catch (error) {
    await logs.stopQuery({ queryId }).catch(() => undefined); // it may have ended by itself
    throw error;
  }
}

/** Milliseconds of a time as Insights writes it, in UTC: `2025-06-30 09:16:40.000`. */
export function insightsTime(text: string | undefined): number | undefined {
  const ms = Date.parse(`${(text ?? '').replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
