/** `amber verify --all`: every capture at a place, and those that only the log names. */
import type { Absent, Looked } from '../case/log/absent.ts';
import type { LogIndex } from '../case/log/lines.ts';
import type { Place } from '../case/store/locate.ts';
import type { OpenCapture } from '../case/store/open.ts';
import type { LeaveOut } from '../case/store/store.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import { AmberError, isAmberError } from '../errors.ts';
import { leftOutLines } from './left-out.ts';
import type { Output } from './output.ts';
import { logOption, trailOption, verifyOne, type VerifyMeans } from './verify-one.ts';
import { tellAbsent, tellCopies, tellResult } from './verify-tell.ts';
import { exitOf, idsAt, inputsOf, seenIn, unreadIn, type VerifyCommand } from './verify-exit.ts';

/** Captures that only the log names, in the JSON document. */
const MAX_JSON = 10_000;

export async function verifyAll(
  place: Place,
  { identity, logPath, collected }: VerifyCommand,
  out: Output,
): Promise<number> {
  const { store } = place;
  const { leave, unread, notFollowed } = leftOutLines(out);
  const hasLog = logPath !== undefined || collected !== undefined;
  const wanted = hasLog ? await idsAt(place, leave) : new Set<string>();
  const log = await logOption(logPath, wanted, out);
  const trail = await trailOption(collected, { stored: wanted, log }, identity, out);
  const { results, seen, isPartial } = await verifyEvery(place, { identity, log, trail, leave }, out);
  const absent =
    log === undefined ? undefined : await absentIn(log, { location: store.location, seen, isPartial, trail });
  if (results.length + unread.length === 0 && (absent?.captures.length ?? 0) === 0) {
    throw new AmberError('CASE_MISSING', `There is no capture in ${store.location} or below it.`);
  }
  if (absent !== undefined) tellAbsent(absent, out);
  const { copiesAmong, copiesText } = await import('../case/verify/copies.ts');
  const { countCase, countText } = await import('./case-count.ts');
  const copies = copiesAmong(results);
  for (const one of copies) tellCopies(one, copiesText(one), out);
  const count = countCase({ results, absent, unread: unread.length });
  const { judged, verified, gone, notFound, all, contradictory } = count;
  const inputs = inputsOf(log, trail);
  out.line(countText(count, log));
  out.json({
    location: store.location,
    results,
    captures: judged,
    verified,
    all,
    copies: copies.slice(0, MAX_JSON),
    unread,
    notFollowed,
    ...inputs,
    missing: absent?.captures.slice(0, MAX_JSON) ?? [],
    missingInAll: gone + notFound,
    elsewhere: absent?.elsewhere ?? 0,
    leftOut: absent?.leftOut ?? 0,
  });
  if (gone + contradictory > 0) return 1;
  return exitOf(results, unread.length + notFound + unreadIn(inputs));
}

async function absentIn(log: LogIndex, looked: Looked): Promise<Absent> {
  const { absentCaptures } = await import('../case/log/absent.ts');
  return absentCaptures(log, looked);
}

interface Verified {
  readonly results: readonly VerifyResult[];
  /** Ids of captures that are stored. */
  readonly seen: ReadonlySet<string>;
  readonly isPartial: boolean;
}

interface EveryMeans extends VerifyMeans {
  readonly leave: LeaveOut;
}

async function verifyEvery(place: Place, means: EveryMeans, out: Output): Promise<Verified> {
  const { openAll } = await import('../case/store/locate.ts');
  const { idsOf } = await import('../case/verify/log.ts');
  const results: VerifyResult[] = [];
  const seen = new Set<string>();
  const { leave, isPartial } = await seenIn(seen, means.leave);
  for await (const capture of openAll(place, { deleted: true, leave })) {
    for (const id of idsOf(capture).slice(0, 1)) seen.add(id);
    const result = await verifyEach(capture, means, out);
    if (result === undefined) continue;
    results.push(tellResult(result, out));
    if (result.captureId !== undefined) seen.add(result.captureId);
  }
  return { results, seen, isPartial: isPartial() };
}

/** One that cannot be read keeps no other from being verified. */
async function verifyEach(
  capture: OpenCapture,
  { leave, ...means }: EveryMeans,
  out: Output,
): Promise<VerifyResult | undefined> {
  const { formByLog } = await import('../case/verify/log-form.ts');
  try {
    return await verifyOne(await formByLog(capture, means.log), means, out);
  } catch (cause) {
    if (!isAmberError(cause) || !/^(?:CASE_|IDENTITY_)/u.test(cause.code)) throw cause;
    leave({ path: capture.location, kind: 'unread', why: `${cause.code}: ${cause.message}` });
    return undefined;
  }
}
