/** Decodes escapes of a text and keeps where each character came from, so that a find can be mapped back. */

export interface Decoded {
  readonly text: string;
  /** Offset in the source of the character at this offset of `text`; also for the end. */
  readonly origin: (at: number) => number;
}

/** What an escape that begins at `at` stands for: `code * 8 + length`, or -1 if none begins there. */
type Step = (codes: Uint16Array, at: number) => number;

const PERCENT = 37;
const BACKSLASH = 92;

/** `source` with every escape decoded that `step` knows behind a `lead`; undefined if there was none. */
function decode(source: string, lead: number, step: Step): Decoded | undefined {
  const codes = codesOf(source);
  const out = new Uint16Array(codes.length);
  // Behind each escape: how far the text has moved against its source.
  const places: number[] = [];
  const shifts: number[] = [];
  let length = 0;
  for (let at = 0; at < codes.length; ) {
    const code = codes[at] ?? 0;
    const escape = code === lead ? step(codes, at) : -1;
    if (escape < 0) {
      out[length++] = code;
      at++;
      continue;
    }
    out[length++] = escape >>> 3;
    at += escape & 7;
    places.push(length);
    shifts.push(at - length);
  }
  if (places.length === 0) return undefined;
  const text = Buffer.from(out.buffer, 0, length * 2).toString('utf16le');
  return { text, origin: (at) => at + (shifts[countUpTo(places, at) - 1] ?? 0) };
}

/** The characters as numbers: an array is read faster than a text, but costs the copy. */
export function codesOf(source: string): Uint16Array {
  const bytes = Buffer.allocUnsafeSlow(source.length * 2);
  bytes.write(source, 'utf16le');
  return new Uint16Array(bytes.buffer, 0, source.length);
}

/** Number of entries that are not above `value`. */
function countUpTo(places: readonly number[], value: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** The number that `digits` hex digits at `from` spell, or -1. */
function hexNumber(codes: Uint16Array, from: number, digits: number): number {
  let value = 0;
  for (let at = from; at < from + digits; at++) {
    const digit = hexDigit(codes[at] ?? 0);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function percent(codes: Uint16Array, at: number): number {
  const code = hexNumber(codes, at + 1, 2);
  return code < 0 ? -1 : code * 8 + 3;
}

/** By the code of the letter behind the backslash. */
const LETTERS: ReadonlyMap<number, number> = new Map(
  [
    ['n', 10],
    ['r', 13],
    ['t', 9],
    ['b', 8],
    ['f', 12],
    ['"', 34],
    ['\\', 92],
    ['/', 47],
    ["'", 39],
  ].map(([letter, code]) => [String(letter).charCodeAt(0), Number(code)]),
);

function backslash(codes: Uint16Array, at: number): number {
  const letter = codes[at + 1] ?? 0;
  const digits = letter === 117 ? 4 : letter === 120 ? 2 : 0; // \u and \x
  const code = digits > 0 ? hexNumber(codes, at + 2, digits) : (LETTERS.get(letter) ?? -1);
  return code < 0 ? -1 : code * 8 + 2 + digits;
}

/** `%41` to `A`. Bytes above 0x7f become latin1 characters, as in any byte string here. */
export const decodePercent = (source: string): Decoded | undefined =>
  /%[0-9A-Fa-f]{2}/u.test(source) ? decode(source, PERCENT, percent) : undefined;

/** JSON's escapes, and `\xHH` and `\'` of shells and JavaScript. */
export const decodeBackslash = (source: string): Decoded | undefined =>
  source.includes('\\') ? decode(source, BACKSLASH, backslash) : undefined;

/** The view behind `outer`, mapped back to the first source. */
export function compose(outer: Decoded, inner: Decoded): Decoded {
  return { text: inner.text, origin: (at) => outer.origin(inner.origin(at)) };
}

/** Without the escapes of a URL or of JSON around it. */
export function plainly(found: string): string {
  return found.includes('\\') ? (decodeBackslash(found)?.text ?? found) : unescape(found);
}

/** What percent escapes stand for, where they spell valid UTF-8; else the text itself. */
export function unescape(text: string): string {
  const bytes = decodePercent(text)?.text;
  if (bytes === undefined) return text;
  const decoded = Buffer.from(bytes, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? bytes : decoded;
}
