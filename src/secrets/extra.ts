/**
 * The user's own pattern (AMBER_REDACT). It may be any regular expression and the attacker writes the text, so both are
 * bounded.
 */
import { AmberError } from '../errors.ts';
import type { Cover } from './cover.ts';
import { marksIn } from './mark.ts';
import { refusal, WINDOW } from './pattern.ts';
import type { Found } from './hit.ts';

/** Adds a hit for each match in the text as it is: a known value inside a match does not break it up. */
export type ExtraRule = (text: string, cover: Cover, found: Found) => void;

/** The end of a window is seen again, in case a match begins there. */
const OVERLAP = 128;
/** A match that reaches the end of its window is followed so far. */
const LONGEST = 4096;
/** When the pattern has run so long on one text, the rest of that text is not kept. */
const MAX_MS = 50;

/**
 * Makes the rule.
 *
 * @throws AmberError CONFIG_INVALID for a pattern that `refusal` names.
 */
export function createExtraRule(pattern: RegExp): ExtraRule {
  const reason = refusal(pattern);
  if (reason !== undefined)
    throw new AmberError('CONFIG_INVALID', `The pattern of AMBER_REDACT ${reason}. Example: internal-[0-9]{4,12}`);
  const flags = pattern.flags.replaceAll(/[gy]/gu, '');
  const expression = new RegExp(pattern.source, `${flags}g`);
  const here = new RegExp(pattern.source, `${flags}y`);

  function endOf(text: string, at: number, found: string, windowEnd: number): number {
    const end = at + found.length;
    if (end < windowEnd || end >= text.length) return end;
    here.lastIndex = 0;
    return Math.max(end, at + (here.exec(text.slice(at, at + LONGEST))?.[0].length ?? 0));
  }

  return (text, cover, found) => {
    const started = performance.now();
    const marks = marksIn(text);
    let done = 0;
    for (let start = 0; start === 0 || start + OVERLAP < text.length; start += WINDOW - OVERLAP) {
      if (start > 0 && performance.now() - started > MAX_MS) {
        cover.note('limit:pattern', { count: text.length - start, of: 'characters' });
        found.cutAt = Math.min(found.cutAt, start);
        return;
      }
      for (const match of text.slice(start, start + WINDOW).matchAll(expression)) {
        const at = start + match.index;
        if (match[0] === '' || at < done) continue;
        done = endOf(text, at, match[0], start + WINDOW);
        for (const part of between(marks, at, done)) {
          found.hits.push({ ...part, mark: cover.hide(text.slice(part.start, part.end), 'pattern') });
        }
      }
    }
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** What of the span is no mark: another rule may have been there before. */
function between(marks: readonly Span[], start: number, end: number): Span[] {
  const parts: Span[] = [];
  let from = start;
  for (const mark of marks) {
    if (mark.end <= from || mark.start >= end) continue;
    if (mark.start > from) parts.push({ start: from, end: mark.start });
    from = mark.end;
  }
  if (from < end) parts.push({ start: from, end });
  return parts;
}
