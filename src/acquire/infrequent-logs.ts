/**
 * Log groups of the class INFREQUENT_ACCESS, which answer no FilterLogEvents: their events come from Logs Insights
 * (CloudWatch Logs User Guide, "Log classes"). A query gives 10,000 rows at most, so a full window is asked again in
 * halves.
 */
import type { CloudWatchLogs, ResultField } from '@aws-sdk/client-cloudwatch-logs';
import type { Entry } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { jsonEntry } from './ask.ts';
import type { AcquireContext, Target } from './contracts.ts';
import { absentEntry } from './error-class.ts';
import { insightsTime, runInsights } from './insights-query.ts';
import { folders } from './paths.ts';
import { ENTRY_BYTES, openSeries, type RowSeries } from './rows.ts';
import { many } from '../many.ts';

/** Most rows that one query gives (CloudWatch Logs API, "StartQuery", limit). */
export const QUERY_ROWS = 10_000;
/** Queries of one collection and group. Each is billed by the bytes of its window. */
const MAX_QUERIES = 2000;
/** Windows are not cut below a second: Insights takes whole ones. */
const LEAST_MS = 1000;
const QUERY =
  'fields @timestamp, @ingestionTime, @logStream, @message, @ptr | sort @timestamp asc | limit ' + `${QUERY_ROWS}`;

interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface InfrequentGroup {
  readonly logs: CloudWatchLogs;
  readonly group: string;
  readonly target: Target;
  readonly context: AcquireContext;
  readonly pollMs?: number;
}

/** Events of the window, one series a stream, with the same rows that FilterLogEvents gives. */
export async function* infrequentEvents({
  logs,
  group,
  target,
  context,
  pollMs,
}: InfrequentGroup): AsyncGenerator<Entry> {
  const path = `logs/${folders(group)}/insights.json`;
  if (context.ledger.done(path)) return;
  const call = `logs:StartQuery ${group}`;
  const streams = new Map<string, RowSeries>();
  const facts = { queries: 0, rows: 0, fullSeconds: [] as string[], unaskedMs: 0 };
  const open: Window[] = [{ sinceMs: target.sinceMs, untilMs: target.untilMs }];
  context.meter.plan(1);
  try {
    for (let window = open.pop(); window !== undefined; window = open.pop()) {
      if (facts.queries >= MAX_QUERIES) {
        facts.unaskedMs += window.untilMs - window.sinceMs;
        continue;
      }
      facts.queries += 1;
      const { rows } = await runInsights({
        logs,
        logGroups: [group],
        query: QUERY,
        ...window,
        signal: context.signal,
        ...defined({ pollMs }),
      });
      if (rows.length >= QUERY_ROWS && window.untilMs - window.sinceMs > LEAST_MS) {
        open.push(...halves(window));
        continue;
      }
      if (rows.length >= QUERY_ROWS) facts.fullSeconds.push(new Date(window.sinceMs).toISOString());
      facts.rows += rows.length;
      for (const row of rows) yield* take(row, streams, { group, call, context, window });
    }
    for (const series of streams.values()) yield* flushed(series, { complete: true });
    tellLimits(facts, group, context);
    yield jsonEntry({ path, call }, { ...facts, logGroupClass: 'INFREQUENT_ACCESS' });
    context.meter.step();
  } catch (error) {
    for (const series of streams.values()) yield* flushed(series, { complete: false });
    yield absentEntry({ path, call }, error);
  }
}

function tellLimits(
  { fullSeconds, unaskedMs }: { readonly fullSeconds: readonly string[]; readonly unaskedMs: number },
  group: string,
  { warn }: AcquireContext,
): void {
  if (fullSeconds.length > 0)
    warn(
      `${group}: ${many(fullSeconds.length, 'second has', 'seconds have')} more than ${QUERY_ROWS} events, and ` +
        `Logs Insights gives no ` +
        `more of a second; the first is ${fullSeconds[0] ?? ''}`,
    );
  if (unaskedMs > 0)
    warn(
      `${group}: ${Math.ceil(unaskedMs / 1000)} s of the window were not asked for after ${MAX_QUERIES} ` +
        'queries; collect a shorter window (--since, --until)',
    );
}

/** Later half first: the earlier one is asked next. */
function halves({ sinceMs, untilMs }: Window): readonly Window[] {
  const middle = Math.floor((sinceMs + untilMs) / 2 / 1000) * 1000;
  const cut = Math.min(Math.max(middle, sinceMs + 1), untilMs - 1);
  return [
    { sinceMs: cut + 1, untilMs },
    { sinceMs, untilMs: cut },
  ];
}

interface Taking {
  readonly group: string;
  readonly call: string;
  readonly context: AcquireContext;
  readonly window: Window;
}

/** Insights takes whole seconds, so neighbours overlap: an event counts in the window that holds its millisecond. */
function* take(
  row: readonly ResultField[],
  streams: Map<string, RowSeries>,
  { group, call, context, window }: Taking,
): Generator<Entry> {
  const fields = new Map(row.map(({ field = '', value = '' }) => [field, value]));
  const logStreamName = fields.get('@logStream') ?? 'unknown';
  const stem = `logs/${folders(group)}/${folders(logStreamName)}`;
  const { complete, mark } = context.ledger.series(stem);
  const timestamp = insightsTime(fields.get('@timestamp')) ?? 0;
  if (complete || timestamp < Math.max(mark ?? 0, window.sinceMs) || timestamp > window.untilMs) return;
  const series =
    streams.get(stem) ?? openSeries({ stem, source: call, ledger: context.ledger, further: Math.max, evenEmpty: true });
  streams.set(stem, series);
  const message = fields.get('@message') ?? '';
  const bytes = Buffer.byteLength(message) + 200;
  context.meter.bytes(bytes);
  if (series.waiting() + bytes > ENTRY_BYTES) yield* flushed(series, { complete: false });
  series.add(
    {
      timestamp,
      ingestionTime: insightsTime(fields.get('@ingestionTime')),
      logStreamName,
      eventId: fields.get('@ptr'),
      message,
    },
    bytes,
    timestamp,
  );
}

function* flushed(series: RowSeries, { complete }: { readonly complete: boolean }): Generator<Entry> {
  const entry = series.flush({ complete });
  if (entry !== undefined) yield entry;
}
