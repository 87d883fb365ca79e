import type { CloudWatchLogs, FilteredLogEvent, LogStream } from '@aws-sdk/client-cloudwatch-logs';
import type { Entry } from '../contracts/evidence.ts';
import { ask, everyItem, pages, plain } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry } from './error-class.ts';
import { infrequentEvents } from './infrequent-logs.ts';
import { folders } from './paths.ts';
import { ENTRY_BYTES, openSeries, type RowSeries } from './rows.ts';

/** FilterLogEvents takes at most this many streams ("API_FilterLogEvents"). */
const BATCH = 100;
/** Rows that wait, of all streams of a batch together: beyond it the largest stream is written out. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** One stream a sandbox: what the function said, and what the platform said of it. */
export const logs: Source = {
  name: 'logs',
  description: 'Streams of the configured log group for the window, event by event, with the filters that look at it.',
  lane: 'logs',
  actions: [
    'logs:DescribeLogGroups',
    'logs:DescribeLogStreams',
    'logs:FilterLogEvents',
    'logs:DescribeSubscriptionFilters',
    'logs:StartQuery',
    'logs:GetQueryResults',
  ],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  const logs = await context.aws.logs();
  for (const group of target.logGroups) {
    const isInfrequent = (await classOf(logs, group)) === 'INFREQUENT_ACCESS';
    yield* groupFacts(logs, group, context);
    const asked = { path: `logs/${folders(group)}/streams.jsonl`, call: `logs:DescribeLogStreams ${group}` };
    let streams: LogStream[];
    try {
      streams = await streamsOf(logs, group, target);
    } catch (error) {
      yield absentEntry(asked, error);
      continue;
    }
    yield { kind: 'jsonl', path: asked.path, source: asked.call, method: 'api', rows: streams.map(plain) };
    if (isInfrequent) {
      yield* infrequentEvents({ logs, group, target, context });
      continue;
    }
    const names = streams
      .flatMap(({ logStreamName }) => logStreamName ?? [])
      .filter((name) => !context.ledger.series(stemOf(group, name)).complete);
    context.meter.plan(names.length);
    for (let at = 0; at < names.length; at += BATCH)
      yield* batch({ logs, group, names: names.slice(at, at + BATCH), target, context });
  }
}

/** The class decides how events are asked for; where it may not be read, the group counts as a standard one. */
async function classOf(logs: CloudWatchLogs, group: string): Promise<string | undefined> {
  try {
    const { logGroups } = await logs.describeLogGroups({ logGroupNamePrefix: group });
    return logGroups?.find((one) => one.logGroupName === group)?.logGroupClass;
  } catch {
    return undefined; // said by groupFacts
  }
}

/** Who else reads the log, and how long it lasts: a subscription filter is a way out. */
async function* groupFacts(logs: CloudWatchLogs, group: string, context: AcquireContext): AsyncGenerator<Entry> {
  const folder = `logs/${folders(group)}`;
  yield* ask(context, { path: `${folder}/group.json`, call: `logs:DescribeLogGroups ${group}` }, async () => {
    const { logGroups } = await logs.describeLogGroups({ logGroupNamePrefix: group });
    return logGroups?.find((one) => one.logGroupName === group) ?? null;
  });
  yield* ask(
    context,
    { path: `${folder}/subscription_filters.json`, call: `logs:DescribeSubscriptionFilters ${group}` },
    () =>
      everyItem(
        (nextToken) => logs.describeSubscriptionFilters({ logGroupName: group, nextToken }),
        (page) => page.nextToken,
        (page) => page.subscriptionFilters,
      ),
  );
}

function stemOf(group: string, stream: string): string {
  return `logs/${folders(group)}/${folders(stream)}`;
}

/**
 * Streams with events in the window, latest first. `lastEventTimestamp` lags by up to an hour, and ingestion time
 * counts as well ("API_LogStream"). So a stream is left out only where both say that it ended a day before the window.
 */
async function streamsOf(
  logs: CloudWatchLogs,
  logGroupName: string,
  { sinceMs, untilMs }: Target,
): Promise<LogStream[]> {
  const found: LogStream[] = [];
  const early = sinceMs - 86_400_000;
  for await (const page of pages(
    (nextToken) => logs.describeLogStreams({ logGroupName, orderBy: 'LastEventTime', descending: true, nextToken }),
    (one) => one.nextToken,
  )) {
    const streams = page.logStreams ?? [];
    found.push(
      ...streams.filter(
        (one) =>
          Math.max(one.lastEventTimestamp ?? 0, one.lastIngestionTime ?? 0, one.creationTime ?? 0) >= early &&
          (one.firstEventTimestamp ?? 0) <= untilMs,
      ),
    );
    if (
      streams.length > 0 &&
      streams.every((one) => Math.max(one.lastEventTimestamp ?? untilMs, one.lastIngestionTime ?? 0) < early)
    )
      break;
  }
  return found;
}

interface Batch {
  readonly logs: CloudWatchLogs;
  readonly group: string;
  readonly names: readonly string[];
  readonly target: Target;
  readonly context: AcquireContext;
}

/** One pass over up to a hundred streams; each goes into entries of its own. */
async function* batch({ logs, group, names, target, context }: Batch): AsyncGenerator<Entry> {
  const { ledger, meter } = context;
  const call = `logs:FilterLogEvents ${group}`;
  const series = new Map(
    names.map((name) => [
      name,
      openSeries({ stem: stemOf(group, name), source: call, ledger, further: Math.max, evenEmpty: true }),
    ]),
  );
  const from = new Map(names.map((name) => [name, ledger.series(stemOf(group, name)).mark ?? target.sinceMs]));
  const query = {
    logGroupName: group,
    logStreamNames: [...names],
    startTime: Math.min(...from.values()),
    endTime: target.untilMs,
    limit: 10_000,
  };
  try {
    for await (const page of pages(
      (nextToken) => logs.filterLogEvents({ ...query, nextToken }),
      (one) => one.nextToken,
    )) {
      for (const event of page.events ?? []) {
        const name = event.logStreamName ?? '';
        const rows = series.get(name);
        if (rows === undefined || (event.timestamp ?? 0) < (from.get(name) ?? 0)) continue;
        yield* take(rows, event);
        meter.bytes(event.message?.length ?? 0);
      }
      yield* relieve([...series.values()]);
    }
    for (const rows of series.values()) {
      yield* written(rows, { complete: true });
      meter.step();
    }
  } catch (error) {
    for (const rows of series.values()) yield* written(rows, { complete: false });
    yield absentEntry(
      { path: `logs/${folders(group)}/rest-of-${names.length}-streams`, call, hint: `first of them ${names[0] ?? ''}` },
      error,
    );
  }
}

function* take(rows: RowSeries, event: FilteredLogEvent): Generator<Entry> {
  const { eventId, logStreamName, timestamp = 0, ingestionTime, message = '' } = event;
  const bytes = Buffer.byteLength(message) + 200;
  if (rows.waiting() + bytes > ENTRY_BYTES) yield* written(rows, { complete: false });
  rows.add({ timestamp, ingestionTime, logStreamName, eventId, message }, bytes, timestamp);
}

function* written(rows: RowSeries, { complete }: { readonly complete: boolean }): Generator<Entry> {
  const entry = rows.flush({ complete });
  if (entry !== undefined) yield entry;
}

/** Writes out the largest until the rest is small. */
function* relieve(all: readonly RowSeries[]): Generator<Entry> {
  let waiting = all.reduce((sum, rows) => sum + rows.waiting(), 0);
  for (const rows of all.toSorted((one, other) => other.waiting() - one.waiting())) {
    if (waiting <= WAITING_BYTES) return;
    waiting -= rows.waiting();
    yield* written(rows, { complete: false });
  }
}
