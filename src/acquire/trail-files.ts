import type { S3 } from '@aws-sdk/client-s3';
import type { Entry } from '../contracts/evidence.ts';
import { parseBucketUrl, type BucketUrl } from '../config/destination.ts';
import { AmberError } from '../errors.ts';
import { pages } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { openDownload } from './download.ts';
import { absentEntry } from './error-class.ts';
import { fromObject } from './object.ts';
import { arnName, component } from './paths.ts';
import { trailRecords } from './records.ts';
import { ENTRY_BYTES, openSeries, type RowSeries } from './rows.ts';
import { rowOfRecord, trailRegions } from './trail-row.ts';

/** A file is delivered some minutes after its events, and seldom hours ("CloudTrail log file examples"). */
const LATE_MS = 6 * 3_600_000;
const DAY_MS = 86_400_000;

/** What a trail keeps: older than the event history, with data events, and not bounded by two requests a second. */
export const trailFiles: Source = {
  name: 'trail-files',
  description:
    "With --trail: records of a trail's files in S3 that name the function, its role, an access key or the bucket of " +
    'its captures.',
  lane: 'trail',
  actions: ['s3:ListBucket', 's3:GetObject'],
  acquire,
};

/** @throws AmberError USAGE when it names no bucket. */
export function trailPlace(trail: string): BucketUrl {
  const judged = parseBucketUrl(trail);
  if (!judged.ok)
    throw new AmberError(
      'USAGE',
      `--trail is ${JSON.stringify(trail)}; expected ${judged.expected}, for example s3://trail-bucket/prefix.`,
    );
  return judged.value;
}

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  if (target.trail === undefined) return;
  const { bucket, prefix } = trailPlace(target.trail);
  const s3 = await context.aws.s3();
  const stem = 'cloudtrail/trail';
  const rows = openSeries({ stem, source: target.trail, ledger: context.ledger, further: Math.max, evenEmpty: true });
  if (context.ledger.series(stem).complete) return;
  const days = trailRegions(target, valuesOf(target, 'AMBER_S3_REGION')).flatMap((region) =>
    daysOf(target).map((day) => ({ region, day })),
  );
  context.meter.plan(days.length);
  const files: FileFacts[] = [];
  const scan: Scan = { s3, bucket, rows, words: wordsOf(target), seen: new Set(), files, target, context };
  let whole = true;
  for (const { region, day } of days) {
    const folder = `${prefix === '' ? '' : `${prefix}/`}AWSLogs/${target.account}/CloudTrail/${region}/${day}/`;
    try {
      yield* scanDay(scan, folder);
    } catch (error) {
      whole = false;
      yield absentEntry(
        {
          path: `${stem}-${region}-${day.replaceAll('/', '-')}`,
          call: `s3:ListObjectsV2 s3://${bucket}/${folder}`,
          action: 's3:ListBucket',
        },
        error,
      );
    }
    context.meter.step();
  }
  const last = rows.flush({ complete: whole });
  if (last !== undefined) yield last;
  yield { kind: 'jsonl', path: `${stem}-files.jsonl`, source: target.trail, method: 'api', rows: files };
}

/** What was read, so that another can read the same bytes. */
interface FileFacts {
  readonly key: string;
  readonly bytes: number;
  readonly sha256Base64: string;
  readonly records: number;
  readonly taken: number;
}

interface Scan {
  readonly s3: S3;
  readonly bucket: string;
  readonly rows: RowSeries;
  readonly words: readonly string[];
  /** The same record may stand in two files: delivery is at least once. */
  readonly seen: Set<string>;
  readonly files: FileFacts[];
  readonly target: Target;
  readonly context: AcquireContext;
}

async function* scanDay(scan: Scan, Prefix: string): AsyncGenerator<Entry> {
  const { s3, bucket: Bucket } = scan;
  for await (const page of pages(
    (ContinuationToken) => s3.listObjectsV2({ Bucket, Prefix, ContinuationToken }),
    (one) => one.NextContinuationToken,
  )) {
    for (const { Key = '' } of page.Contents ?? []) {
      if (!Key.endsWith('.json.gz')) continue;
      try {
        yield* scanFile(scan, Key);
      } catch (error) {
        yield absentEntry(
          { path: `cloudtrail/trail/${component(arnName(Key))}`, call: `s3:GetObject s3://${Bucket}/${Key}` },
          error,
        );
      }
    }
  }
}

async function* scanFile(scan: Scan, key: string): AsyncGenerator<Entry> {
  const { bucket, rows, words, seen, target, context } = scan;
  const { sinceMs, untilMs } = target;
  const download = await openDownload({
    open: fromObject(scan.s3, { bucket, key, version: undefined }, context.signal),
    meter: context.meter,
    signal: context.signal,
  });
  let records = 0;
  let taken = 0;
  for await (const text of trailRecords(download.chunks())) {
    records += 1;
    if (!words.some((word) => text.includes(word))) continue;
    const found = rowOfRecord(text, `s3://${bucket}/${key}`);
    if (found === undefined) throw new AmberError('ACQUIRE_FAILED', `record ${records} is not a CloudTrail record`);
    const { row, timeMs } = found;
    if (timeMs < sinceMs || timeMs > untilMs || seen.has(row.EventId)) continue;
    seen.add(row.EventId);
    taken += 1;
    const bytes = Buffer.byteLength(text) + 500;
    const full = rows.waiting() + bytes > ENTRY_BYTES ? rows.flush({ complete: false }) : undefined;
    if (full !== undefined) yield full;
    rows.add(row, bytes, timeMs);
  }
  const { bytes, sha256 } = download.facts();
  scan.files.push({ key, bytes, sha256Base64: sha256, records, taken });
}

/**
 * A record that holds none of these has nothing to do with the function. Somebody else may delete evidence: of the
 * bucket of its captures every record counts, because those of DeleteObjects and of a changed policy name no key.
 */
function wordsOf(target: Target): string[] {
  const names = [target.functionName, target.functionArn, ...target.roles.map(arnName), ...target.accessKeyIds];
  // As a member of the request, and as a resource or the beginning of one: not as a part of another name.
  const buckets = evidenceBuckets(target).flatMap((bucket) => [`"${bucket}"`, `:::${bucket}"`, `:::${bucket}/`]);
  return [...new Set([...names, ...buckets])];
}

/** Where any version of the function is configured to store, and what the responder named. */
function evidenceBuckets(target: Target): readonly string[] {
  const places = [
    ...valuesOf(target, 'AMBER_DESTINATION'),
    ...(target.captures === undefined ? [] : [target.captures]),
  ];
  const judged = places.filter((place) => /^s3:/iu.test(place)).map((place) => parseBucketUrl(place));
  return [...new Set(judged.flatMap((one) => (one.ok ? [one.value.bucket] : [])))];
}

function valuesOf({ versions }: Target, variable: string): readonly string[] {
  const values = versions.map(({ Environment }) => Environment?.Variables?.[variable] ?? '');
  return [...new Set(values)].filter((value) => value !== '');
}

/** Folders by day, UTC, from the window's first to some hours behind its last. */
function daysOf({ sinceMs, untilMs }: Target): string[] {
  const days: string[] = [];
  const end = Math.min(untilMs + LATE_MS, Date.now());
  for (let at = Math.floor(sinceMs / DAY_MS) * DAY_MS; at <= end; at += DAY_MS)
    days.push(new Date(at).toISOString().slice(0, 10).replaceAll('-', '/'));
  return days;
}
