/**
 * What the data events of S3 in a collection tell of the objects of captures: which was stored or deleted, when, by
 * whom, from where. CloudTrail has them only where a trail logs data events, and LookupEvents never gives them.
 */
import { isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { parseJson } from '../tar/bounded-json.ts';
import { rowsAt, type RowKind } from '../tar/collected-rows.ts';
import type { Place } from '../store/locate.ts';
import { isOwn } from '../store/object-names.ts';
import { field, text } from '../view/process-tree.ts';
import { many } from '../../many.ts';

/** One call that succeeded. */
export interface ObjectCall {
  readonly name: string;
  readonly bucket: string;
  /** Undefined where the record names none: that of DeleteObjects never does ("Logging options for Amazon S3"). */
  readonly key: string | undefined;
  readonly version: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly who: string;
  readonly accessKey: string;
  readonly from: string;
  readonly eventId: string;
}

export interface TrailObjects {
  /**
   * What became of an object, in words; undefined where no record tells. `place` is where it should be, if that is
   * known.
   */
  readonly of: (captureId: string, name: string, place?: string) => string | undefined;
  /** The same of all objects of a capture. */
  readonly capture: (captureId: string) => string | undefined;
  /** Calls on objects of captures that were asked for. */
  readonly calls: number;
  /** Calls that were too many to keep. */
  readonly leftOut: number;
  /** Why the rest of the collection could not be read. */
  readonly notRead: string | undefined;
}

/** Ids of captures that are stored, and of others, which only the log names. */
export interface AskedIds {
  readonly stored: ReadonlySet<string>;
  readonly others: ReadonlySet<string>;
}

const STORING: ReadonlySet<string> = new Set(['PutObject', 'CompleteMultipartUpload', 'CopyObject']);
/** `…/capture=ID/NAME` */
const KEY = /(?:^|\/)capture=([^/]{1,64})\/([^/]{1,64})$/u;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/u;
/** Objects that are kept of captures that are stored, and of others: a flood of the log uses up the second. */
const MAX_KEPT = { stored: 100_000, others: 50_000 } as const;
/** Buckets and prefixes in which an object of one name was seen. */
const MAX_PLACES = 16;
const MAX_BATCHES = 1000;
const MAX_TEXT = 300;
const MAX_TOLD = 3;

/** Rows of a trail's files, as `amber collect --trail` keeps them. */
const ROWS: RowKind<ObjectCall> = { path: /(?:^|\/)cloudtrail\/trail-\d{4,9}\.jsonl$/u, parse: callOf };

function callOf(line: string): ObjectCall | undefined {
  // Most rows are others: they are told apart before they are parsed.
  if (!/(?:Put|Copy|Delete)Objects?|CompleteMultipartUpload/u.test(line)) return undefined;
  const record = parseJson(text(field(parseJson(line), 'CloudTrailEvent')));
  const name = text(field(record, 'eventName'));
  if (
    field(record, 'eventSource') !== 's3.amazonaws.com' ||
    (!STORING.has(name) && name !== 'DeleteObject' && name !== 'DeleteObjects')
  )
    return undefined;
  const time = text(field(record, 'eventTime'));
  if (text(field(record, 'errorCode')) !== '' || !TIME.test(time)) return undefined;
  const asked = field(record, 'requestParameters');
  const identity = field(record, 'userIdentity');
  const cut = (value: unknown): string => text(value).slice(0, MAX_TEXT);
  const key = field(asked, 'key');
  return {
    name,
    time,
    bucket: cut(field(asked, 'bucketName')),
    key: typeof key === 'string' && name !== 'DeleteObjects' ? key : undefined,
    version: cut(field(asked, 'versionId')),
    who:
      cut(field(identity, 'arn')) ||
      cut(field(identity, 'principalId')) ||
      cut(field(identity, 'invokedBy')) ||
      'somebody whom the record does not name',
    accessKey: cut(field(identity, 'accessKeyId')),
    from: cut(field(record, 'sourceIPAddress')),
    eventId: cut(field(record, 'eventID')),
  };
}

/** Of a damaged collection what stands before the damage. @throws AmberError CASE_*, IDENTITY_INVALID. */
export async function readTrailObjects(
  place: Place,
  identity: AgeIdentity | undefined,
  ids: AskedIds,
): Promise<TrailObjects> {
  const objects = new Objects(ids);
  let notRead: string | undefined;
  try {
    for await (const call of rowsAt(place, identity, ROWS)) objects.take(call);
  } catch (cause) {
    if (!isAmberError(cause) || cause.code !== 'ARCHIVE_CORRUPT') throw cause;
    notRead = cause.message;
  }
  return { ...objects.finish(place.store.location), notRead };
}

interface Fate {
  readonly bucket: string;
  readonly key: string;
  /** The last of each. */
  stored?: ObjectCall;
  deleted?: ObjectCall;
}

class Objects {
  readonly #ids: AskedIds;
  readonly #fates = new Map<string, Map<string, Fate[]>>();
  readonly #kept = { stored: 0, others: 0 };
  readonly #batches: ObjectCall[] = [];
  #calls = 0;
  #leftOut = 0;

  constructor(ids: AskedIds) {
    this.#ids = ids;
  }

  take(call: ObjectCall): void {
    if (call.name === 'DeleteObjects') {
      if (this.#batches.length < MAX_BATCHES) this.#batches.push(call);
      else this.#leftOut += 1;
      return;
    }
    const { bucket, key } = call;
    const [, id, name] = KEY.exec(key ?? '') ?? [];
    if (key === undefined || id === undefined || name === undefined || !isOwn(name)) return;
    const share = this.#ids.stored.has(id) ? 'stored' : this.#ids.others.has(id) ? 'others' : undefined;
    if (share === undefined) return;
    this.#calls += 1;
    const fate = this.#fateOf(share, { bucket, key, id, name });
    if (fate === undefined) this.#leftOut += 1;
    else if (STORING.has(call.name)) fate.stored = later(fate.stored, call);
    else fate.deleted = later(fate.deleted, call);
  }

  finish(location: string): Omit<TrailObjects, 'notRead'> {
    const told = (fate: Fate): string => `${fateText(fate, this.#batches)} (CloudTrail, as collected in ${location})`;
    return {
      of: (id, name, place) => {
        const fates = (this.#fates.get(id)?.get(name) ?? []).filter(
          ({ bucket, key }) => place === undefined || `s3://${bucket}/${key}` === place,
        );
        return fates.length === 0 ? undefined : fates.slice(0, MAX_TOLD).map(told).join('; ');
      },
      capture: (id) => {
        const fates = [...(this.#fates.get(id)?.values() ?? [])].flat();
        if (fates.length === 0) return undefined;
        const more = fates.length > MAX_TOLD ? `; and ${fates.length - MAX_TOLD} more objects` : '';
        return `${fates.sort(byWorth).slice(0, MAX_TOLD).map(told).join('; ')}${more}`;
      },
      calls: this.#calls,
      leftOut: this.#leftOut,
    };
  }

  #fateOf(
    share: 'stored' | 'others',
    { bucket, key, id, name }: { bucket: string; key: string; id: string; name: string },
  ): Fate | undefined {
    const known = this.#fates
      .get(id)
      ?.get(name)
      ?.find((one) => one.bucket === bucket && one.key === key);
    if (known !== undefined) return known;
    const names = this.#fates.get(id) ?? new Map<string, Fate[]>();
    const fates = names.get(name) ?? [];
    if (this.#kept[share] >= MAX_KEPT[share] || fates.length >= MAX_PLACES) return undefined;
    this.#kept[share] += 1;
    const fate: Fate = { bucket, key };
    fates.push(fate);
    names.set(name, fates);
    this.#fates.set(id, names);
    return fate;
  }
}

/** What was deleted comes first, then manifest.json. */
function byWorth(one: Fate, other: Fate): number {
  const worth = ({ deleted, key }: Fate): number =>
    (deleted === undefined ? 0 : 2) + (key.endsWith('/manifest.json') ? 1 : 0);
  return worth(other) - worth(one);
}

function later(one: ObjectCall | undefined, other: ObjectCall): ObjectCall {
  return one === undefined || one.time <= other.time ? other : one;
}

function fateText({ bucket, key, stored, deleted }: Fate, batches: readonly ObjectCall[]): string {
  const object = `s3://${bucket}/${key}`;
  if (deleted !== undefined && (stored === undefined || stored.time <= deleted.time)) {
    const before =
      stored === undefined
        ? ', which S3 also acknowledges for a key that is not there'
        : `; it was stored at ${stored.time}`;
    return (
      `${object} was deleted at ${deleted.time} ` +
      `${byWhom(deleted)}${deleted.version === '' ? '' : `, version ${deleted.version}`}${before}`
    );
  }
  const since = batches.filter((batch) => batch.bucket === bucket && batch.time >= (stored?.time ?? ''));
  const [first] = since;
  const batch =
    first === undefined
      ? ''
      : `; objects of the bucket were deleted at ${first.time} ` +
        `${byWhom(first)}${since.length > 1 ? ` and ${many(since.length - 1, 'time')} more` : ''}, and DeleteObjects ` +
        'records no keys';
  return (
    `${object} was there: it was stored at ${stored?.time ?? ''} ${stored === undefined ? '' : byWhom(stored)}, ` +
    `so it was removed, and no record of a DeleteObject says by whom${batch}`
  );
}

function byWhom({ name, who, accessKey, from, eventId }: ObjectCall): string {
  const key = accessKey === '' ? '' : ` with ${accessKey}`;
  return `by ${who}${key}${from === '' ? '' : ` from ${from}`} (${name}${eventId === '' ? '' : `, event ${eventId}`})`;
}
