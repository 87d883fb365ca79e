/**
 * Judges a user's regular expression before it meets text that an attacker wrote. Imports nothing: the configuration
 * asks it.
 */

const MAX_SOURCE = 1000;
/** Characters that the pattern sees at a time. */
export const WINDOW = 512;
/** Steps that a pattern may take on one window in the worst case: two repetitions without a limit are within it. */
const MAX_STEPS = WINDOW ** 3;

/**
 * Why a pattern is refused, in words that go on "the pattern …", or undefined if it may be used. JavaScript cannot stop
 * a regular expression, and one with nested or many repetitions takes time that explodes with the text.
 */
export function refusal(pattern: RegExp): string | undefined {
  const { source } = pattern;
  if (source.length > MAX_SOURCE) return `is longer than ${MAX_SOURCE} characters`;
  if (new RegExp(source, pattern.flags.replaceAll(/[gy]/gu, '')).test('')) return 'matches the empty text';
  const { nested, ways, backreference } = repetitions(source);
  if (nested) return 'repeats a group that itself repeats or chooses, such as (a+)+';
  if (backreference) return 'refers back to a group';
  return ways * WINDOW > MAX_STEPS
    ? 'repeats too often; write fewer and shorter repetitions, such as {1,20} instead of +'
    : undefined;
}

interface Repetitions {
  readonly nested: boolean;
  /** In how many ways the repetitions may share a text. */
  readonly ways: number;
  readonly backreference: boolean;
}

function repetitions(source: string): Repetitions {
  /** For each open group: does it hold a repetition or an alternative? */
  const groups: boolean[] = [];
  let ways = 1;
  let nested = false;
  let backreference = false;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '\\') {
      at++;
      backreference ||= /[1-9k]/u.test(source[at] ?? '');
    } else if (char === '[') {
      at = classEnd(source, at);
    } else if (char === '(') {
      groups.push(false);
    } else if (char === ')') {
      const holds = groups.pop() ?? false;
      nested ||= holds && repeatAt(source, at + 1) !== undefined;
      if (holds) mark(groups);
    } else if (char === '|') {
      mark(groups);
    }
    const repeat = repeatAt(source, at + 1);
    if (repeat === undefined || char === '(' || char === '|') continue;
    ways *= Math.min(repeat, WINDOW);
    mark(groups);
  }
  return { nested, ways, backreference };
}

function mark(groups: boolean[]): void {
  if (groups.length > 0) groups[groups.length - 1] = true;
}

function classEnd(source: string, from: number): number {
  let at = from + 1;
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1;
  return at;
}

/**
 * How many lengths the repetition that stands at `at` may have, or undefined if there is none. `?` and `{3}` repeat
 * nothing.
 */
function repeatAt(source: string, at: number): number | undefined {
  if (source[at] === '*' || source[at] === '+') return Number.POSITIVE_INFINITY;
  const limits = /^\{(\d{1,6}),(\d{0,6})\}/u.exec(source.slice(at, at + 16));
  if (limits === null) return undefined;
  return limits[2] === '' ? Number.POSITIVE_INFINITY : Math.max(1, Number(limits[2]) - Number(limits[1]) + 1);
}
