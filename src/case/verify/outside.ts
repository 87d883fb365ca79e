/** The checks of verify that look at what stands around the tar stream. */
import { createHash } from 'node:crypto';
import { isAmberError } from '../../errors.ts';
import type { CheckList } from './checks.ts';
import { byLog, uncommittedText, type GivenLog } from './given-log.ts';
import { isUnnamed, markerText } from '../store/marker.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';
import { newerSchema } from '../../version.ts';
import { readWhole } from '../store/store.ts';
import { surplus } from '../store/surplus.ts';
import { many } from '../../many.ts';

/** What the stored bytes were found to be. */
export interface Digests {
  /** SHA-256 of all parts joined. */
  readonly whole: string;
  readonly bySegment: ReadonlyMap<CapturePart, { readonly sha256: string; readonly bytes: number }>;
}

export function checkCommit(capture: OpenCapture, checks: CheckList): void {
  const { manifest, manifestProblem } = capture;
  if (manifestProblem !== undefined) checks.fail('commit', `manifest.json is not usable: ${manifestProblem}`);
  else if (manifest !== undefined)
    checks.ok(
      'commit',
      [
        `capture ${manifest.captureId}, ${manifest.state}; its SHA-256 is ${capture.manifestSha256 ?? ''}`,
        newerSchema('manifest', manifest.schema) ?? [],
      ]
        .flat()
        .join('; '),
    );
  for (const told of capture.misplaced) checks.fail('commit', told);
}

/** The log tells whether manifest.json was ever stored. */
export function checkUncommitted({ manifest, manifestProblem }: OpenCapture, checks: CheckList, given: GivenLog): void {
  if (manifest !== undefined || manifestProblem !== undefined) return;
  const which = byLog(given, {
    advice: 'it was never stored, or removed; the log of the function tells which (--log FILE)',
    said: uncommittedText,
  });
  checks.skip('commit', `there is no manifest.json: ${which}`);
}

const EMPTY = 'is empty: Amber writes no empty segment';

export function checkObjects(capture: OpenCapture, checks: CheckList): void {
  const { manifest, missing, unexpectedObjects, others } = capture;
  const beside =
    others.count === 0
      ? ''
      : `; ${others.atLeast ? 'more than ' : ''}${many(others.count, 'other object lies', 'other objects lie')} ` +
        `beside it`;
  if (capture.alone) {
    checks.skip('objects', 'one segment alone was given');
    return;
  }
  if (isUnnamed(capture)) {
    checks.skip('objects', 'one file alone was given, and manifest.json names segments: give the folder');
    return;
  }
  for (const { object, bytes, why } of unexpectedObjects)
    checks.fail('objects', `${JSON.stringify(object)} ${bytes === 0 ? EMPTY : `does not belong: ${why}`}`);
  if (manifest === undefined) {
    checks.skip(
      'objects',
      missing.length === 0
        ? `${markerText(capture)} to say how many there should be${beside}`
        : `${missing.length === 1 ? 'segment' : 'segments'} ${list(missing)} ` +
            `${missing.length === 1 ? 'is' : 'are'} not there${beside}`,
    );
    return;
  }
  const absent = new Set(missing);
  const lost = new Set(manifest.segments.filter(({ state }) => state === 'lost').map(({ number }) => number));
  for (const { number, name, sha256 } of manifest.segments) {
    if (absent.has(number) && !lost.has(number))
      checks.fail(
        'objects',
        `segment ${number} was stored and is not there, by manifest.json: ${name}, SHA-256 ${sha256}`,
      );
  }
  if (lost.size > 0 !== (manifest.state === 'cut'))
    checks.fail(
      'objects',
      `manifest.json says ${manifest.state}, and that ${many(lost.size, 'segment was', 'segments were')} lost`,
    );
  checkJoinedSize(capture, checks);
  const gone = [...lost].filter((number) => absent.has(number));
  checks.ok(
    'objects',
    `${manifest.segments.length - missing.length} of ` +
      `${many(manifest.segments.length, 'segment')}${lostText(gone)}${tellLate(capture)}${beside}`,
  );
}

function lostText(gone: readonly number[]): string {
  return gone.length === 0 ? '' : `, ${list(gone)} ${gone.length === 1 ? 'was' : 'were'} lost on the way`;
}

/** Segments that manifest.json calls lost, because nobody had acknowledged them when it was written. */
function tellLate({ parts }: OpenCapture): string {
  const late = parts.filter(({ committed }) => committed?.state === 'lost');
  if (late.length === 0) return '';
  const renamed = late
    .filter(({ object, committed }) => object !== committed?.name)
    .slice(0, 10)
    .map(({ object }) => object);
  return (
    `, ${list(late.flatMap(({ number }) => number ?? []))} stored after the ` +
    `commit${renamed.length === 0 ? '' : ` (as ${renamed.join(', ')}: the plain name was taken)`}`
  );
}

/** A link, a folder or a FIFO in the place of an object is not read, and is no object that is not there. */
export function checkOdd({ odd, alone }: OpenCapture, checks: CheckList): void {
  for (const [name, kind] of alone ? [] : odd)
    if (name !== 'manifest.json') checks.fail('objects', `${name} is not a file: ${kind}`);
}

/** What the versions of a bucket tell of the objects. */
export function checkVersions({ history, objects }: OpenCapture, checks: CheckList): void {
  if (history === undefined) return;
  for (const { name, deleted, newer, first, read } of history.changed) {
    const what = [
      ...(deleted === undefined ? [] : [`was deleted at ${deleted}: a delete marker lies over it`]),
      ...(newer === 0
        ? []
        : [`was put over: ${many(newer, 'later version lies', 'later versions lie')} over the first`]),
    ].join(', and ');
    const which =
      read === 'first'
        ? `the first version, of ${first ?? 'an unknown time'}, is read`
        : read === 'current'
          ? 'the first version could not be read, so the current one is'
          : 'the first version could not be read';
    checks.fail('versions', `${name} ${what}; ${which}`);
  }
  if (history.untold !== undefined)
    checks.skip('versions', `what was deleted or put over is not known: ${history.untold}`);
  else checks.ok('versions', `${many(objects.length, 'object is in its', 'objects are in their')} first version`);
}

function checkJoinedSize(capture: OpenCapture, checks: CheckList): void {
  const more = surplus(capture);
  if (more !== undefined) checks.fail('objects', more.text);
}

export function checkReceipts({ manifest }: OpenCapture, checks: CheckList, digests: Digests): void {
  if (manifest === undefined) return;
  let compared = 0;
  let unknown = 0;
  for (const [{ committed }, { sha256 }] of digests.bySegment) {
    if (committed?.state === 'unknown') unknown += 1;
    const checksum = committed?.receipt?.checksum;
    if (committed === undefined || checksum === undefined) continue;
    const stored = digestIn(checksum);
    if (stored === undefined)
      checks.fail('receipts', `the receipt of ${committed.name} holds ${shortJson(checksum)}, which is no SHA-256`);
    else compared += 1;
    if (stored !== undefined && stored !== sha256)
      checks.fail('receipts', `the destination acknowledged ${committed.name} as ${stored}, and it is ${sha256}`);
  }
  const lost =
    unknown === 0
      ? ''
      : `; ${many(unknown, 'segment was', 'segments were')} stored without a receipt, because the answer was lost`;
  if (compared === 0) checks.skip('receipts', `the destination gave no checksums${lost}`);
  else
    checks.ok(
      'receipts',
      `${many(compared, 'segment has', 'segments have')} the checksum that the destination computed${lost}`,
    );
}

/** In hexadecimal, out of the Base64 that S3 gives; undefined for what is none. */
function digestIn(checksum: unknown): string | undefined {
  if (typeof checksum !== 'string' || !/^[A-Za-z0-9+/]{43}=$/u.test(checksum)) return undefined;
  return Buffer.from(checksum, 'base64').toString('hex');
}

function shortJson(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}

/** `SHA256SUMS` of a folder: every name in it is compared. */
export async function checkSums(capture: OpenCapture, checks: CheckList, digests: Digests): Promise<void> {
  if (!capture.objects.some(({ name }) => name === 'SHA256SUMS')) {
    const kind = capture.odd.get('SHA256SUMS');
    checks.skip('sums', kind === undefined ? 'there is no SHA256SUMS here' : `SHA256SUMS is not read: ${kind}`);
    return;
  }
  let text: string;
  try {
    text = (await readWhole(capture.store, 'SHA256SUMS', 16 * 1024 * 1024)).toString('utf8');
  } catch (cause) {
    if (!isAmberError(cause) || cause.code !== 'ARCHIVE_CORRUPT') throw cause;
    checks.fail('sums', cause.message);
    return;
  }
  let compared = 0;
  const named = new Set<string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sha256, name] = /^([0-9a-f]{64}|[0-9A-F]{64}) [ *](.+)$/u.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) {
      checks.fail('sums', `the line ${JSON.stringify(line.slice(0, 100))} is none of sha256sum`);
      continue;
    }
    named.add(name);
    // A link in its place was told by another check, and is not what was summed.
    const kind = capture.odd.get(name);
    const found = kind === undefined ? await digestOf(capture, digests, name) : `not read: ${kind}`;
    if (found !== sha256.toLowerCase())
      checks.fail('sums', `${JSON.stringify(name)} is ${found ?? 'not there'}, SHA256SUMS says ${sha256}`);
    compared += 1;
  }
  if (!text.endsWith('\n')) checks.fail('sums', 'SHA256SUMS ends in the middle of a line');
  const ours = new Set([
    ...capture.parts.map(({ object }) => object),
    ...(capture.manifestSha256 === undefined ? [] : ['manifest.json']),
  ]);
  for (const name of ours)
    if (!named.has(name)) checks.fail('sums', `SHA256SUMS does not cover ${name}: it has no line of it`);
  checks.ok('sums', `${many(compared, 'file has the digest', 'files have the digests')} of SHA256SUMS`);
}

async function digestOf(capture: OpenCapture, digests: Digests, name: string): Promise<string | undefined> {
  if (name === 'manifest.json') return capture.manifestSha256;
  const object = capture.objects.find((candidate) => candidate.name === name);
  if (object === undefined) return undefined;
  const parts = [...digests.bySegment].filter(([part]) => part.object === name);
  const covered = parts.reduce((sum, [, { bytes }]) => sum + bytes, 0) === object.bytes;
  if (covered && parts.length === digests.bySegment.size) return digests.whole;
  if (covered && parts.length === 1) return parts[0]?.[1].sha256;
  const digest = createHash('sha256');
  for await (const chunk of capture.store.read(name)) digest.update(chunk);
  return digest.digest('hex');
}

export function checkSender({ manifest, parts }: OpenCapture, checks: CheckList): void {
  const sealed = manifest === undefined ? parts.some((part) => part.sealed) : manifest.recipient !== null;
  checks.skip(
    'sender',
    sealed
      ? 'age does not authenticate a sender: the public key is enough to make such files. Only the digests ' +
          'in the log and the receipts of the bucket tie them to the function'
      : 'a capture is not signed: only the digests in the log and the receipts of the bucket tie it to the function',
  );
}

/** The first numbers, and how many more there are. */
export function list(numbers: readonly number[]): string {
  return numbers.length <= 10
    ? numbers.join(', ')
    : `${numbers.slice(0, 10).join(', ')} and ${numbers.length - 10} more`;
}
