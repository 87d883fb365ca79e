/**
 * Verifies one capture in one pass, with flat memory: digests of the stored bytes, the tar stream against the manifest
 * parts inside of it. Then the chain of those, receipts, SHA256SUMS, and the digests that the log holds.
 */
import { createHash } from 'node:crypto';
import type { Outcome } from '../../contracts/evidence.ts';
import { AmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { apartIn, completenessIn, completenessProblem, notCollected } from '../store/completeness.ts';
import { CheckList, type Check } from './checks.ts';
import type { LogIndex } from '../log/lines.ts';
import type { OpenCapture } from '../store/open.ts';
import { idInPath } from '../store/place.ts';
import { surplus } from '../store/surplus.ts';
import type { GivenLog } from './given-log.ts';
import { TarCheck } from './tar-check.ts';
import type { TrailObjects } from './trail-objects.ts';
import { joinedInLog } from './joined-log.ts';
import { checkLog, idsOf, isCollection, judgedId } from './log.ts';
import { silentLog } from './silent-log.ts';
import {
  checkCommit,
  checkObjects,
  checkOdd,
  checkReceipts,
  checkSender,
  checkSums,
  checkUncommitted,
  checkVersions,
  type Digests,
} from './outside.ts';
import { checkParked, readParkedNote, type ParkedNote } from './parked.ts';
import { checkOpened, INSIDE, judgeUnopened, readOpened, readParts, tellUnread, type Reading } from './parts.ts';
import { checkDigests } from './segment-digests.ts';
import { checkTimes } from './times.ts';
import { countedIn, isWhole, verdictOf, type LogState, type Verdict } from './verdict.ts';
import { many } from '../../many.ts';

export interface VerifyOptions {
  /** Opens the age files; without one their contents are not checked. */
  readonly identity?: AgeIdentity | undefined;
  /** Asked for the log once the id of the capture is known, as far as the capture tells it. */
  readonly log?: ((captureId: string | undefined) => Promise<LogIndex>) | undefined;
  /** Data events of S3 in a collection, which decide on what is absent. */
  readonly trail?: TrailObjects | undefined;
  /** Called now and then with the stored bytes that went by, and how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

type Counts = Readonly<Partial<Record<Outcome, number>>>;

export interface VerifyResult {
  readonly location: string;
  readonly captureId: string | undefined;
  /** `cut`: what is there holds, and something is not there. */
  readonly verdict: Verdict;
  /** One sentence. */
  readonly summary: string;
  /** `not-read`: a log was given, and could not be read. `no-line`: it was read, and has no line of this capture. */
  readonly log: LogState;
  readonly checks: readonly Check[];
  /** SHA-256 of all stored parts joined. */
  readonly sha256: string;
  readonly manifestSha256: string | undefined;
  /** A part of it is an age file. */
  readonly sealed: boolean;
  /** Names of what lies beside the segments and does not belong, bounded; a joined file that has more than they. */
  readonly beside: readonly string[];
  readonly segments: number;
  readonly bytes: number;
  readonly tarBytes: number;
  /** Items by outcome, other than collected, changed and empty; undefined without manifest.json. */
  readonly notCollected: Counts | undefined;
  /** Those of them that are shortfalls, as the completeness counts them, and those that are none. */
  readonly shortfalls: Counts | undefined;
  readonly apart: Counts | undefined;
  readonly entries: number;
  readonly items: number;
}

/** Rejects only where the capture cannot be read at all. */
export async function verifyCapture(capture: OpenCapture, options: VerifyOptions = {}): Promise<VerifyResult> {
  const { identity, onProgress } = options;
  const checks = new CheckList();
  const tar = new TarCheck(capture, checks);
  checkCommit(capture, checks);
  checkObjects(capture, checks);
  checkOdd(capture, checks);
  checkVersions(capture, checks);
  const readable: boolean =
    identity !== undefined || capture.parts.some(({ sealed }) => !sealed) || capture.parts.length === 0;
  const plain = identity === undefined || capture.opened === undefined ? undefined : createHash('sha256');
  const reading: Reading = { capture, tar: readable ? tar : undefined, identity, plain, onProgress };
  const digests = await readParts(reading);
  if (!readable && capture.opened !== undefined) await readOpened(capture, capture.opened, tar);
  const inside = readable || capture.opened !== undefined;
  if (inside) tar.finish({ cut: !isWhole(capture) });
  await checkOpened(reading, digests, checks);
  tellContents(capture, checks, inside ? tar : undefined);
  checkCompleteness(capture, checks, tar);
  const parked = await readParkedNote(capture);
  checkDigests(capture, checks, digests);
  checkReceipts(capture, checks, digests);
  await checkSums(capture, checks, digests);
  const ids = idsOf(capture, tar.contents.captureId, parked?.captureId);
  const index = await options.log?.(ids[0]);
  const captureId = judgedId(ids, digests, index);
  const joined = await joinedInLog(capture, captureId === undefined ? undefined : index?.of(captureId));
  const collection = isCollection(capture) && !tar.contents.ofSandbox;
  const log = checkLog(capture, checks, digests, { id: captureId, index, trail: options.trail, joined, collection });
  checkGiven(capture, checks, digests, { given: { index, log }, parked });
  checkSender(capture, checks);
  const unopened = judgeUnopened(reading, digests, checks, log);
  const unread = tellUnread(digests, checks) ?? unopened;
  const found = { tar, log, unread, logState: stateOf(checks, { index, log }, { collection }) };
  return {
    location: capture.location,
    captureId,
    ...verdictOf(capture, checks, found),
    log: found.logState,
    checks: checks.all(),
    sha256: digests.whole,
    ...storedOf(capture),
    segments: capture.parts.length,
    bytes: capture.parts.reduce((sum, part) => sum + part.bytes, 0),
    tarBytes: tar.bytes,
    ...shortOf(capture, tar),
    entries: tar.contents.entries,
    items: tar.contents.totals.items,
  };
}

function storedOf(capture: OpenCapture): Pick<VerifyResult, 'manifestSha256' | 'sealed' | 'beside'> {
  const { manifestSha256, parts } = capture;
  return { manifestSha256, sealed: parts.some((part) => part.sealed), beside: besideNames(capture) };
}

interface Word {
  /** It calls itself a collection, and is believed. */
  readonly collection: boolean;
}

/** What the log decides, or would. */
function checkGiven(
  capture: OpenCapture,
  checks: CheckList,
  digests: Digests,
  { given, parked }: { readonly given: GivenLog; readonly parked: ParkedNote | undefined },
): void {
  checkUncommitted(capture, checks, given);
  checkTimes(capture, checks, digests, given);
  checkParked(parked, checks, digests, given);
}

const MAX_BESIDE = 100;

function besideNames(capture: OpenCapture): readonly string[] {
  const longer = surplus(capture);
  const names = [...capture.unexpectedObjects.map(({ object }) => object), ...capture.odd.keys()];
  return (longer === undefined ? names : [longer.object, ...names]).slice(0, MAX_BESIDE);
}

function shortOf(
  { manifest }: OpenCapture,
  tar: TarCheck,
): Pick<VerifyResult, 'notCollected' | 'shortfalls' | 'apart'> {
  if (manifest === undefined) return { notCollected: undefined, shortfalls: undefined, apart: undefined };
  const counted = countedIn(tar);
  return {
    notCollected: notCollected(manifest.outcomes),
    shortfalls: completenessIn(manifest, counted).outcomes,
    apart: apartIn(manifest, counted),
  };
}

function stateOf(checks: CheckList, { index, log }: GivenLog, { collection }: Word): LogState {
  if (log !== undefined) return 'read';
  if (index === undefined || collection) return 'none';
  return checks.failed('log') ? 'read' : silentLog(index).state;
}

function tellContents(capture: OpenCapture, checks: CheckList, tar: TarCheck | undefined): void {
  if (tar === undefined) {
    for (const name of INSIDE) checks.skip(name, 'the segments are age files: give the identity with --identity FILE');
    return;
  }
  const { contents } = tar;
  if (tar.bytes > 0 || capture.parts.length === 0) checks.ok('structure', `${many(tar.bytes, 'byte')} of tar`);
  else
    checks.skip(
      'structure',
      'nothing of it was read: without manifest.json and the segments before it, ' +
        'it is not known where in it an entry begins',
    );
  if (contents.entries === 0) checks.skip('entries', 'no entry was read');
  else checks.ok('entries', `${many(contents.entries, 'entry', 'entries')}, ${many(contents.totals.items, 'line')}`);
  if (contents.parts.length === 0) checks.skip('chain', 'no manifest part was read');
  else
    checks.ok(
      'chain',
      `${many(contents.parts.length, 'part')}, the last is ${contents.parts.at(-1)?.sha256 ?? 'none'}`,
    );
  const { manifest } = capture;
  if (contents.parts.length === 0 && capture.parts.length > 0 && !tar.incomplete)
    checks.fail('chain', 'there is no manifest part: this is not an Amber capture');
  const place = idInPath(capture.location);
  if (manifest === undefined && place !== undefined && (contents.captureId ?? place) !== place)
    checks.fail('commit', `the folder is that of capture ${place}, the tarball of ${contents.captureId ?? ''}`);
  if (manifest === undefined) return;
  contents.capture.compare(manifest, checks);
  if (contents.captureId !== undefined && contents.captureId !== manifest.captureId) {
    checks.fail('commit', `manifest.json is of capture ${manifest.captureId}, the tarball of ${contents.captureId}`);
  }
  if (tar.incomplete) {
    checks.skip('totals', 'parts of the stream are not there or damaged');
    checks.skip('head', 'the end of the stream is not there or damaged');
    return;
  }
  for (const difference of contents.totals.differences(manifest)) checks.fail('totals', difference);
  checks.ok('totals', `${many(contents.totals.items, 'item')}, ${many(contents.totals.redactions, 'redaction')}`);
  const head = contents.parts.at(-1)?.sha256 ?? null;
  if (head !== manifest.chain.head)
    checks.fail('head', `the last part is ${head ?? 'none'}, manifest.json says ${manifest.chain.head ?? 'none'}`);
  if (contents.parts.length !== manifest.chain.parts)
    checks.fail('head', `it has ${many(contents.parts.length, 'part')}, manifest.json says ${manifest.chain.parts}`);
  checks.ok('head', head ?? 'none');
}

function checkCompleteness({ manifest }: OpenCapture, checks: CheckList, tar: TarCheck): void {
  const problem = manifest === undefined ? undefined : completenessProblem(manifest, countedIn(tar));
  if (problem !== undefined) checks.fail('totals', problem);
}

/** All that was checked holds, also against the log where one was given. */
export function isVerified({ verdict, log }: VerifyResult): boolean {
  return verdict === 'verified' && (log === 'none' || log === 'read');
}

/** For a caller that wants an exception. @throws AmberError ARCHIVE_CORRUPT unless it is verified. */
export function demandVerified(result: VerifyResult): void {
  if (!isVerified(result)) throw new AmberError('ARCHIVE_CORRUPT', `${result.location}: ${result.summary}`);
}
