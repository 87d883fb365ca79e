/** What `amber verify` says on a terminal. */
import type { Absent, AbsentCapture } from '../case/log/absent.ts';
import { apartText } from '../case/store/completeness.ts';
import type { Check } from '../case/verify/checks.ts';
import type { Copies } from '../case/verify/copies.ts';
import { renderText } from '../case/view/safe-names.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import type { Output } from './output.ts';
import { many } from '../many.ts';

const WORDS = { ok: 'ok', failed: 'FAILED', 'not-checked': 'not checked' } as const;
const WIDTH = 13;
/** How a log is told that was given and says nothing of the capture. */
const SILENT: Readonly<Partial<Record<VerifyResult['log'], { word: string; why: string }>>> = {
  'not-read': { word: 'NOT READ', why: 'it could not be read.' },
  'no-line': {
    word: 'NO LINE',
    why: 'it was read, and there is no line of this capture in it. Is it the log of this function and time?',
  },
};
/** Captures that only the log names; --json has more. */
const MAX_ABSENT = 50;

export function tellResult(result: VerifyResult, out: Output): VerifyResult {
  out.line(`${result.location}  capture ${result.captureId ?? 'unknown'}`);
  for (const check of result.checks) tellCheck(check, out);
  out.line();
  // That all segments are there says nothing of what could not be collected.
  const lacks = Object.entries(result.shortfalls ?? {}).map(
    ([outcome, count]) => `${String(count)} ${renderText(outcome, 20)}`,
  );
  if (lacks.length > 0) out.line(`The evidence is not complete: ${lacks.join(', ')} (\`amber show\` tells of them)`);
  const apart = apartText(result.apart ?? {});
  if (apart !== '') out.line(`Not collected, and no shortfall: ${renderText(apart, 200)}`);
  const silent = SILENT[result.log];
  const isGood = result.verdict === 'verified' && silent === undefined;
  out.line(out.paint(isGood ? 'good' : 'bad', result.summary));
  if (silent !== undefined) out.note(`${silent.word}: the log says nothing of ${result.location}: ${silent.why}`);
  return result;
}

function tellCheck(check: Check, out: Output): void {
  const word = WORDS[check.state].padEnd(WIDTH);
  out.line(
    out.paint(check.state === 'ok' ? 'good' : check.state === 'failed' ? 'bad' : 'dim', word) +
      check.what +
      (check.state === 'failed' ? '' : `: ${check.detail}`),
  );
  for (const finding of check.findings) out.line(`${' '.repeat(WIDTH)}- ${finding}`);
  if (check.count > check.findings.length)
    out.line(`${' '.repeat(WIDTH)}- and ${check.count - check.findings.length} more`);
}

/** Places that are told of one capture. */
const MAX_COPIES = 10;

export function tellCopies({ differences }: Copies, told: string, out: Output): void {
  out.line(told);
  for (const difference of differences.slice(0, MAX_COPIES)) out.line(`${' '.repeat(WIDTH)}- ${difference}`);
  if (differences.length > MAX_COPIES) out.line(`${' '.repeat(WIDTH)}- and ${differences.length - MAX_COPIES} more`);
}

export function tellAbsent({ captures, elsewhere, leftOut }: Absent, out: Output): void {
  if (captures.length > 0) out.line();
  for (const one of captures.slice(0, MAX_ABSENT)) tellAbsentOne(one, out);
  if (captures.length > MAX_ABSENT) {
    out.line(
      out.paint(
        'bad',
        `${many(captures.length - MAX_ABSENT, 'more capture is', 'more captures are')} named in the log, not ` +
          (captures.some(({ state }) => state === 'not-found')
            ? 'found in what could be read (--json)'
            : 'stored: removed, or never there (--json)'),
      ),
    );
  }
  if (leftOut > 0)
    out.note(
      `PROBLEM: the log has ${many(leftOut, 'line')} of captures that ${leftOut === 1 ? 'was' : 'were'} too ` +
        `many to keep: an intruder may have ` +
        'flooded it. Give a shorter time.',
    );
  if (elsewhere > 0)
    out.note(`The log names ${many(elsewhere, 'capture that is', 'captures that are')} stored outside of this place.`);
}

export function tellAbsentOne(
  { captureId, state, segments, manifest, locations, trail }: AbsentCapture,
  out: Output,
): void {
  const what = [
    many(segments, 'segment'),
    ...manifest.map((digest) => `manifest.json (SHA-256 ${renderText(digest, 100)})`),
  ].join(' and ');
  const where =
    locations.length === 0 ? '' : ` in ${locations.map((location) => renderText(location, 500)).join(' or ')}`;
  const [word, fate] =
    state === 'not-found'
      ? ['NOT FOUND: ', 'not found in what could be read: it may lie in what was not']
      : ['FAILED: ', `not stored: ${trail === undefined ? 'removed, or never there' : renderText(trail)}`];
  out.line(
    out.paint('bad', word) +
      `capture ${renderText(captureId, 100)} is named in the log, ${fate}; the log tells of ${what}${where}`,
  );
}
