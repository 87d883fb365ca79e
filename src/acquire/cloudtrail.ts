import type { CloudTrail, Event, LookupAttribute } from '@aws-sdk/client-cloudtrail';
import type { Entry } from '../contracts/evidence.ts';
import { pages } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry } from './error-class.ts';
import { arnName, component } from './paths.ts';
import { ENTRY_BYTES, openSeries } from './rows.ts';
import { trailRegions, trailTime, type TrailRow } from './trail-row.ts';
import { many } from '../many.ts';

/** LookupEvents goes back so far ("Viewing events with CloudTrail event history"). */
const HISTORY_MS = 90 * 86_400_000;
/** Access keys that are asked for; each costs a query at two requests a second. */
const MAX_KEYS = 200;
/** Event ids that are remembered to leave out what an earlier query found. Beyond it, events may come twice. */
const MAX_REMEMBERED = 2_000_000;

/** Who changed the function, and what its credentials did, from the event history of the Region. */
export const cloudtrail: Source = {
  name: 'cloudtrail',
  description:
    'CloudTrail event history by function name, ARN, role, role session and every access key found in captures ' +
    '(LookupEvents).',
  lane: 'trail',
  actions: ['cloudtrail:LookupEvents'],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  if (target.trail !== undefined) return; // its files are read instead
  if (target.sinceMs < Date.now() - HISTORY_MS)
    context.warn(
      'the window begins more than 90 days ago, and the event history ends there: use --trail for what is older',
    );
  const seen = new Set<string>();
  const queries = queriesOf(target, context);
  context.meter.plan(queries.length);
  for (const { query, region } of queries) {
    yield* lookUp({ client: await context.aws.cloudtrail(region), region, query, seen, target, context });
    context.meter.step();
  }
}

interface Query {
  readonly region: string;
  readonly query: LookupAttribute;
}

/**
 * The same thing has several names: events on the function name it by name or by ARN. The session of a sandbox is named
 * after the function, and the role stands in AssumeRole and in changes of its policies.
 */
function queriesOf(target: Target, { warn }: AcquireContext): Query[] {
  const keys = target.accessKeyIds.slice(0, MAX_KEYS);
  if (keys.length < target.accessKeyIds.length)
    warn(`CloudTrail was asked for ${keys.length} of ${many(target.accessKeyIds.length, 'access key')}`);
  const resource = (AttributeValue: string): LookupAttribute => ({ AttributeKey: 'ResourceName', AttributeValue });
  const own = [target.functionName, target.functionArn].map(resource);
  const everywhere = [
    ...[...new Set([...target.roles.map(arnName), ...target.roles])].map(resource),
    { AttributeKey: 'Username', AttributeValue: target.functionName } as const,
    ...keys.map((AttributeValue): LookupAttribute => ({ AttributeKey: 'AccessKeyId', AttributeValue })),
  ];
  const { region } = target;
  return [
    ...own.map((query) => ({ region, query })),
    ...trailRegions(target).flatMap((one) => everywhere.map((query) => ({ region: one, query }))),
  ];
}

interface LookUp extends Query {
  readonly client: CloudTrail;
  readonly seen: Set<string>;
  readonly target: Target;
  readonly context: AcquireContext;
}

/** Events come from new to old, fifty a page. */
async function* lookUp({ client, region, query, seen, target, context }: LookUp): AsyncGenerator<Entry> {
  const asked = `${query.AttributeKey ?? ''}=${query.AttributeValue ?? ''}`;
  const stem = `cloudtrail/${component(region)}/${component(asked.replaceAll(':', '_'))}`;
  const { complete, mark } = context.ledger.series(stem);
  if (complete) return;
  const call = `cloudtrail:LookupEvents ${asked} in ${region}`;
  const rows = openSeries({ stem, source: call, ledger: context.ledger, further: Math.min, evenEmpty: true });
  const window = {
    StartTime: new Date(target.sinceMs),
    EndTime: new Date(Math.min(target.untilMs, mark ?? target.untilMs)),
  };
  try {
    for await (const page of pages(
      (NextToken) => client.lookupEvents({ LookupAttributes: [query], ...window, MaxResults: 50, NextToken }),
      (one) => one.NextToken,
    )) {
      for (const event of page.Events ?? []) {
        if (event.EventId !== undefined && seen.has(event.EventId)) continue;
        if (event.EventId !== undefined && seen.size < MAX_REMEMBERED) seen.add(event.EventId);
        const bytes = Buffer.byteLength(event.CloudTrailEvent ?? '') + 500;
        context.meter.bytes(bytes);
        const full = rows.waiting() + bytes > ENTRY_BYTES ? rows.flush({ complete: false }) : undefined;
        if (full !== undefined) yield full;
        rows.add(rowOf(event, asked), bytes, event.EventTime?.getTime() ?? target.untilMs);
      }
    }
    const last = rows.flush({ complete: true });
    if (last !== undefined) yield last;
  } catch (error) {
    const rest = rows.flush({ complete: false });
    if (rest !== undefined) yield rest;
    yield absentEntry({ path: `${stem}-rest`, call }, error);
  }
}

function rowOf(event: Event, foundBy: string): TrailRow {
  return {
    EventId: event.EventId ?? '',
    EventName: event.EventName ?? '',
    ReadOnly: event.ReadOnly ?? '',
    AccessKeyId: event.AccessKeyId ?? '',
    EventTime: trailTime(event.EventTime?.getTime() ?? 0),
    EventSource: event.EventSource ?? '',
    Username: event.Username ?? '',
    Resources: (event.Resources ?? []).map(({ ResourceType = '', ResourceName = '' }) => ({
      ResourceType,
      ResourceName,
    })),
    CloudTrailEvent: event.CloudTrailEvent ?? '{}',
    FoundBy: foundBy,
  };
}
