/** `amber report`: a case as one page. */
import type { OpenCapture } from '../case/store/open.ts';
import type { Absent, Looked } from '../case/log/absent.ts';
import type { LogIndex } from '../case/log/lines.ts';
import type { PageHead, ReportedCapture, ReportPage } from '../case/view/html.ts';
import type { KeyMoments } from '../case/view/key-events.ts';
import type { CaptureView } from '../case/view/view.ts';
import type { LeaveOut } from '../case/store/store.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import { AmberError, isAmberError } from '../errors.ts';
import type { CaseCount } from './case-count.ts';
import {
  identityOption,
  IDENTITY_OPTION,
  S3_OPTIONS,
  s3Options,
  textOption,
  TWO_WORDS,
  type Command,
} from './command.ts';
import { LEFT_OUT, leftOutLines } from './left-out.ts';
import { captureLocation } from './location.ts';
import type { Output } from './output.ts';
import { exitOf, idsAt, seenIn } from './verify-exit.ts';
import { demandFile, logOption, verifyOne, type VerifyMeans } from './verify-one.ts';
import { many } from '../many.ts';

export const report: Command = {
  name: 'report',
  summary: 'Writes a case as one HTML page that opens offline.',
  usage: 'LOCATION [ID] [--to FILE] [--log FILE] [--identity FILE]',
  details: `
Verifies and reads every capture and collection below LOCATION, and writes what \`amber verify\` and \`amber show\`
say of them into one page, the key events of their timeline first: without scripts, with nothing that is loaded from
elsewhere, and with every name escaped. It holds what the captures hold, redacted where they are; with --identity it
holds what is inside of age files, raw.
${TWO_WORDS}
The page is bounded: 1,000 rows of each list, fewer where a case has more than ten captures (10,000 divided by their
number, 20 at least), and of the key events 1,000 of what an intruder did and 1,000 others. What a bound leaves out is
counted in the page; \`amber show\` and \`amber timeline\` have more of it, the tarball all.
${LEFT_OUT}
Exit code 0: all of them verified. 1: one did not, is cut, or is named in the log and not stored. 3: a capture, a folder
or a part of the log was not read. Needs s3:ListBucket and s3:GetObject.

  amber report ./case --to case.html
  amber report s3://evidence-bucket/amber/account=…/region=…/function=checkout --log function.log --to checkout.html`,
  options: {
    to: { type: 'string', value: 'FILE', description: 'Page to make; default report.html.' },
    log: { type: 'string', value: 'FILE', description: 'A log with the digest lines of the captures, in any form.' },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = captureLocation(invocation);
    const logPath = textOption(values, 'log');
    const target = textOption(values, 'to') ?? 'report.html';
    demandFile(logPath);
    const { openAll, openPlace } = await import('../case/store/locate.ts');
    const { ReportPage } = await import('../case/view/html.ts');
    const { KeyMoments } = await import('../case/view/key-events.ts');
    const { demandFree, fillFile } = await import('../case/store/target.ts');
    const { Timeline } = await import('../case/timeline/timeline.ts');
    const { countCase, countText, restText } = await import('./case-count.ts');
    demandFree(target);
    const identity = await identityOption(values);
    const place = await openPlace(location, s3Options(values));
    const left = leftOutLines(out);
    const log = await logOption(logPath, logPath === undefined ? [] : await idsAt(place, left.leave), out);
    const [page, key] = [new ReportPage(), new KeyMoments()];
    const [seen, results] = [new Set<string>(), [] as VerifyResult[]];
    const leave: LeaveOut = (one) => {
      left.leave(one);
      if (one.kind === 'unread') page.addUnread(one.path, `not read: ${one.why}`);
    };
    const timeline = new Timeline(key.window);
    let count: CaseCount;
    try {
      const walk = await seenIn(seen, leave);
      for await (const capture of openAll(place, { leave: walk.leave })) {
        if (await addTo({ page, key, seen, results, leave }, capture, { identity, log }, out))
          await timeline.add(capture, identity);
      }
      const absent = await addAbsent(page, log, { location: place.store.location, seen, isPartial: walk.isPartial() });
      if (page.count === 0)
        throw new AmberError('CASE_MISSING', `There is no capture in ${place.store.location} or below it.`);
      const moments = key.section(timeline);
      count = countCase({ results, absent, unread: left.unread.length });
      const contradictions = await contradictionsIn(results, out);
      const head = { title: `Amber: ${location}`, moments, contradictions, ...headOf(count, countText(count, log)) };
      await fillFile(target, (file) => page.writeTo(file, head));
    } finally {
      page.close();
      timeline.close();
      place.close();
    }
    const [{ unread, notFollowed }, { verified, all, gone, notFound, contradictory }] = [left, count];
    out.json({ page: target, captures: all, verified, unread, notFollowed });
    out.line(`${target}: ${many(all, 'capture')}, ${verified} verified${restText(count, log)}`);
    return gone + contradictory > 0 ? 1 : exitOf(results, unread.length + notFound + (log?.notRead.length ?? 0));
  },
};

function headOf({ verified, all }: CaseCount, count: string): Pick<PageHead, 'count' | 'isGood' | 'madeMs'> {
  return { count, isGood: verified === all, madeMs: Date.now() };
}

interface Filled {
  readonly page: ReportPage;
  readonly key: KeyMoments;
  /** Ids of captures that are stored. */
  readonly seen: Set<string>;
  readonly results: VerifyResult[];
  readonly leave: LeaveOut;
}

/** Captures that only the log names, in the page. */
const MAX_ABSENT = 100;

/** A capture that the log tells of and that is not there belongs into the page: an intruder may have removed it. */
async function addAbsent(page: ReportPage, log: LogIndex | undefined, looked: Looked): Promise<Absent | undefined> {
  if (log === undefined) return undefined;
  const { absentCaptures } = await import('../case/log/absent.ts');
  const absent = absentCaptures(log, looked);
  const { captures } = absent;
  const fate = looked.isPartial ? 'not found in what could be read' : 'not stored: removed, or never there';
  for (const { captureId, segments } of captures.slice(0, MAX_ABSENT)) {
    const told = `the log tells of ${many(segments, 'segment')}`;
    page.addUnread(`capture ${captureId}`, `named in the log, ${fate}; ${told}`);
  }
  if (captures.length > MAX_ABSENT)
    page.addUnread(many(captures.length - MAX_ABSENT, 'more capture'), `named in the log, ${fate}`);
  return absent;
}

/** Copies of one capture that cannot both be it. */
async function contradictionsIn(results: readonly VerifyResult[], out: Output): Promise<readonly string[]> {
  const { copiesAmong, copiesText } = await import('../case/verify/copies.ts');
  const contradictions = copiesAmong(results).flatMap((one) => (one.contradictory ? copiesText(one) : []));
  for (const text of contradictions) out.note(`PROBLEM: ${text}`);
  return contradictions;
}

/** False for a capture that cannot be read: it keeps no other from the page. */
async function addTo(
  { page, key, seen, results, leave }: Filled,
  capture: OpenCapture,
  means: VerifyMeans,
  out: Output,
): Promise<boolean> {
  try {
    const { idsOf } = await import('../case/verify/log.ts');
    for (const id of idsOf(capture).slice(0, 1)) seen.add(id);
    const { reported, view } = await read(capture, means, out);
    if (reported.verified.captureId !== undefined) seen.add(reported.verified.captureId);
    page.add(reported);
    results.push(reported.verified);
    key.expect(view);
    return true;
  } catch (cause) {
    if (!isAmberError(cause) || !/^(?:CASE_|IDENTITY_)/u.test(cause.code)) throw cause;
    leave({ path: capture.location, kind: 'unread', why: `${cause.code}: ${cause.message}` });
    return false;
  }
}

async function read(
  opened: OpenCapture,
  means: VerifyMeans,
  out: Output,
): Promise<{ reported: ReportedCapture; view: CaptureView }> {
  const { viewCapture } = await import('../case/view/view.ts');
  const { bodySections, headRows } = await import('../case/view/sections.ts');
  const { formByLog } = await import('../case/verify/log-form.ts');
  const capture = await formByLog(opened, means.log);
  const verified = await verifyOne(capture, means, out);
  const meter = out.meter('reading');
  try {
    const view = await viewCapture(capture, means.identity, meter.update);
    return {
      view,
      reported: { head: headRows(capture, view), sections: bodySections(view), verified, problem: view.problem },
    };
  } finally {
    meter.end();
  }
}
