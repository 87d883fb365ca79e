/** Holds a capture against the log: digests that differ, and what the log names that is not stored. */
import type { CheckList } from './checks.ts';
import { idInPath } from '../store/place.ts';
import type { LogDigests, LoggedSegment, LogIndex } from '../log/lines.ts';
import { shown, silentLog, unreadText } from './silent-log.ts';
import { differencesIn, memberText, saidIn } from '../log/statement.ts';
import type { OpenCapture } from '../store/open.ts';
import { ABSENT, heldText } from './given-log.ts';
import type { JoinedInLog } from './joined-log.ts';
import { compareLines } from './segment-lines.ts';
import type { TrailObjects } from './trail-objects.ts';
import { list, type Digests } from './outside.ts';
import { field } from '../view/process-tree.ts';
import { many } from '../../many.ts';

const NOT_STORED = 'is named in the log, not stored';
/** Segments that are told one by one. */
const MAX_TOLD = 10;

/** Ids that the capture goes by, the one in its folder's name first: who can change objects cannot move them there. */
export function idsOf(
  { location, manifest }: OpenCapture,
  ...others: readonly (string | undefined)[]
): readonly string[] {
  return [idInPath(location), manifest?.captureId, ...others].filter((id) => id !== undefined);
}

/** The id to judge by: the first that the log knows, else that of the capture with such a digest in the log. */
export function judgedId(
  ids: readonly string[],
  { bySegment }: Digests,
  index: LogIndex | undefined,
): string | undefined {
  const known = ids.find((id) => index?.of(id) !== undefined);
  return known ?? ids[0] ?? index?.byDigest([...bySegment.values()].map(({ sha256 }) => sha256));
}

/** A responder made it, or it says so: a log that names it is held against it all the same. */
export function isCollection({ manifest }: OpenCapture): boolean {
  return manifest?.cause.trigger === 'collect';
}

interface ToHold {
  readonly id: string | undefined;
  readonly index: LogIndex | undefined;
  readonly trail: TrailObjects | undefined;
  /** It calls itself a collection, and nothing that was read of it says otherwise. */
  readonly collection: boolean;
  /** What a joined file without manifest.json was found to hold. */
  readonly joined: JoinedInLog | undefined;
}

export function checkLog(
  capture: OpenCapture,
  checks: CheckList,
  digests: Digests,
  { id, index, trail, collection, joined }: ToHold,
): LogDigests | undefined {
  const log = id === undefined ? undefined : index?.of(id);
  if (log !== undefined)
    compare(capture, checks, digests, {
      log,
      joined,
      unread: index === undefined ? undefined : unreadText(index),
      fate: fateOf(capture, id, trail),
    });
  else if (index === undefined) {
    checks.skip(
      'log',
      'no log was given (--log FILE), so nothing outside of this folder vouches for the capture: a writer to this ' +
        'place could have made all of it',
    );
  } else if (collection) {
    checks.skip(
      'log',
      'it calls itself a collection, which a responder makes: the log of the function holds no digest of it',
    );
  } else {
    const other = index.byDigest(firstDigest(digests));
    if (other === undefined) checks.skip('log', silentLog(index).text);
    else
      checks.fail(
        'log',
        `the log has no line of this capture, and has the digest of its first segment in lines of ${shown(other)}: ` +
          'somebody has given it another id',
      );
  }
  return log;
}

/** Of the segment with capture.json: later ones hold the same bytes where two captures hold the same large files. */
function firstDigest({ bySegment }: Digests): readonly string[] {
  return [...bySegment].flatMap(([{ number }, { sha256 }]) => (number === 0 ? [sha256] : []));
}

interface Told {
  readonly log: LogDigests;
  readonly joined: JoinedInLog | undefined;
  readonly unread: string | undefined;
  readonly fate: FateOf;
}

function compare(capture: OpenCapture, checks: CheckList, digests: Digests, { log, joined, unread, fate }: Told): void {
  // Findings are bounded: those of what is there come before those that anybody can add by a line.
  const fail = (text: string): void => checks.fail('log', text);
  compareOne('manifest.json', log.manifest, capture.manifestSha256, fail);
  compareOne('the whole', log.whole, isAll(capture) ? digests.whole : undefined, fail);
  let anchored = 0;
  const silent: number[] = [];
  for (const [{ number, committed }, { sha256 }] of digests.bySegment) {
    const logged = number === undefined ? undefined : log.segments.get(number);
    if (number === undefined) continue;
    if (logged === undefined) silent.push(number);
    else anchored += compareSegment({ number, sha256, head: committed?.chainHead }, logged, fail) ? 1 : 0;
  }
  for (const text of joined?.problems ?? []) fail(text);
  if (!capture.alone) tellAbsent(capture, log, fate, fail);
  if (log.ends.size > 1)
    fail(
      `the log has ${many(log.ends.size, 'different last line')} of the capture ` +
        `(${differencesIn('capture', log.ends)}): ` +
        'a capture writes one, so the others were added, and none is believed alone',
    );
  compareEnds(capture, log, fail);
  const late = compareLines(capture, digests, log, fail);
  tellDoubles(log, fail);
  // Without it, only what the attested segments say can contradict a manifest.json that somebody else wrote.
  if (capture.manifestSha256 !== undefined && log.manifest.size === 0)
    checks.skip(
      'marker',
      'the log has no digest of manifest.json: a writer to this place could have changed what stands there alone',
    );
  const held = {
    anchored: anchored + (joined?.anchored ?? 0),
    marker:
      capture.manifestSha256 === undefined ? 'none' : log.manifest.has(capture.manifestSha256) ? 'same' : 'unsaid',
    whole: isAll(capture) && log.whole.has(digests.whole),
  } as const;
  const rest = [
    silent.length === 0 ? '' : `it has no line of ${silent.length === 1 ? 'segment' : 'segments'} ${list(silent)}`,
    joined?.rest ?? '',
    late,
    unread ?? '',
  ].filter((text) => text !== '');
  const told = heldText(held);
  if (told === undefined) checks.skip('log', ['nothing of it could be compared with the log', ...rest].join('; '));
  else checks.ok('log', [told, ...rest].join('; '));
}

/** Lines of one segment that differ. */
function tellDoubles(log: LogDigests, fail: (text: string) => void): void {
  for (const [number, logged] of log.segments) {
    oneDigest(`segment ${number}`, logged.sha256, fail);
    oneDigest(`the chain at segment ${number}`, logged.chain, fail);
    if (logged.says.size > 1)
      fail(
        `the log has ${many(logged.says.size, 'different line')} of segment ${number} ` +
          `(${differencesIn('segment', logged.says)}): a capture writes one, so the others were added`,
      );
  }
}

/**
 * What the last line says of the evidence, against manifest.json. A line with a `code` tells of a fault behind the
 * commit: its capture is partial then, whatever manifest.json says.
 */
function compareEnds({ manifest }: OpenCapture, { ends }: LogDigests, fail: (text: string) => void): void {
  if (manifest === undefined) return;
  for (const end of ends) {
    const [code, completeness, outcomes] = ['code', 'completeness', 'outcomes'].map((name) =>
      saidIn('capture', end, name),
    );
    const pairs = [
      ['outcomes', outcomes, memberText(manifest.outcomes)],
      ['completeness', code === '' ? completeness : '', memberText(field(manifest.completeness, 'state'))],
    ] as const;
    for (const [name, logged = '', found] of pairs)
      if (logged !== '' && found !== '' && logged !== found)
        fail(`the last line in the log says ${name} ${logged}, manifest.json says ${found}`);
  }
}

/** What became of an object that is not there, in words: as a trail tells, else what a line of the log leaves open. */
type FateOf = (names: Iterable<string>) => string;

function fateOf({ location }: OpenCapture, id: string | undefined, trail: TrailObjects | undefined): FateOf {
  return (names) => {
    for (const name of names) {
      const told =
        id === undefined
          ? undefined
          : trail?.of(id, name, location.startsWith('s3:') ? `${location}${name}` : undefined);
      if (told !== undefined) return `${NOT_STORED}: ${told}`;
    }
    return ABSENT;
  };
}

function tellAbsent(capture: OpenCapture, log: LogDigests, fate: FateOf, fail: (text: string) => void): void {
  // One that is there and no file is told by the check of the commit.
  const isGone = capture.manifestSha256 === undefined && capture.manifestProblem === undefined;
  const marker = isGone ? fate(['manifest.json']) : '';
  if (marker !== '' && log.committed.size > 0)
    fail(`manifest.json (SHA-256 ${[...log.committed].join(' or ')}) ${marker}`);
  else if (marker !== '' && log.states.has('whole'))
    fail(`manifest.json ${marker}: the log says that the capture is whole`);
  const present = new Set(capture.parts.map(({ number }) => number));
  // A joined tarball of which the segments are not known may hold any of them.
  const absent = present.has(undefined)
    ? []
    : [...log.segments].filter(([number, { stored }]) => stored && !present.has(number));
  for (const [number, logged] of absent.slice(0, MAX_TOLD)) {
    const [object = 'no name'] = logged.objects;
    fail(`segment ${number} (${object}, SHA-256 ${[...logged.sha256].join(' or ')}) ${fate(logged.objects)}`);
  }
  const more = absent.slice(MAX_TOLD).map(([number]) => number);
  if (more.length > 0) fail(`${many(more.length, 'more segment', 'more segments')} (${ranges(more)}): each ${ABSENT}`);
  if (log.beyond > 0)
    fail(
      `${many(log.beyond, 'line of the log tells', 'lines of the log tell')} of segments that no capture can ` +
        `have: it was flooded`,
    );
}

function ranges(numbers: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const number of numbers) {
    const last = spans.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else spans.push([number, number]);
  }
  const told = spans.slice(0, MAX_TOLD).map(([from, to]) => (from === to ? String(from) : `${from} to ${to}`));
  return `${told.join(', ')}${spans.length > MAX_TOLD ? ' and others' : ''}`;
}

/** The parts are the whole, as far as anything here says. */
function isAll({ manifest, parts }: OpenCapture): boolean {
  return manifest === undefined
    ? parts.every(({ number }) => number === undefined)
    : parts.length === manifest.segments.length;
}

function compareSegment(
  segment: { number: number; sha256: string; head: string | null | undefined },
  logged: LoggedSegment,
  fail: (text: string) => void,
): boolean {
  const { number, sha256, head } = segment;
  if (!logged.sha256.has(sha256))
    fail(`segment ${number} is ${sha256}, the log says ${[...logged.sha256].join(' and ')}`);
  if (typeof head === 'string' && logged.chain.size > 0 && !logged.chain.has(head)) {
    fail(`the chain at segment ${number} is ${head}, the log says ${[...logged.chain].join(' and ')}`);
  }
  return logged.sha256.has(sha256);
}

function compareOne(
  what: string,
  logged: ReadonlySet<string>,
  found: string | undefined,
  fail: (text: string) => void,
): void {
  oneDigest(what, logged, fail);
  if (found !== undefined && logged.size > 0 && !logged.has(found))
    fail(`${what} is ${found}, the log says ${[...logged].join(' and ')}`);
}

function oneDigest(what: string, logged: ReadonlySet<string>, fail: (text: string) => void): void {
  if (logged.size > 1)
    fail(`the log has ${many(logged.size, 'different digest')} for ${what}: somebody has ` + `tampered with it`);
}
