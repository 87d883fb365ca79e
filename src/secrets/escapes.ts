/** Decodes escapes of a text and keeps where each character came from, so that a find can be mapped back. */

export interface Decoded {
  readonly text: string;
  /** Offset in the source of each character, and the end of the source behind the last. */
  readonly origin: Uint32Array;
}

type Step = (source: string, at: number) => { readonly code: number; readonly length: number } | undefined;

/** Characters of `source`, with those that `step` recognises decoded; undefined if there was none. */
function decode(source: string, step: Step): Decoded | undefined {
  const codes = new Uint16Array(source.length);
  const origin = new Uint32Array(source.length + 1);
  let length = 0;
  let wide = 0;
  let changed = false;
  for (let at = 0; at < source.length; ) {
    const found = step(source, at);
    if (found !== undefined) changed = true;
    const code = found?.code ?? source.charCodeAt(at);
    codes[length] = code;
    origin[length++] = at;
    wide |= code;
    at += found?.length ?? 1;
  }
  if (!changed) return undefined;
  origin[length] = source.length;
  const kept = codes.subarray(0, length);
  const text = wide < 256 ? Buffer.from(kept).toString('latin1') : Buffer.from(kept.buffer, 0, length * 2).toString('utf16le');
  return { text, origin: origin.subarray(0, length + 1) };
}

function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function hexNumber(source: string, from: number, digits: number): number {
  let value = 0;
  for (let at = from; at < from + digits; at++) {
    const digit = at < source.length ? hexValue(source.charCodeAt(at)) : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

const percent: Step = (source, at) => {
  if (source.charCodeAt(at) !== 37) return undefined;
  const code = hexNumber(source, at + 1, 2);
  return code < 0 ? undefined : { code, length: 3 };
};

const form: Step = (source, at) => (source.charCodeAt(at) === 43 ? { code: 32, length: 1 } : percent(source, at));

const LETTERS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, f: 12, '"': 34, '\\': 92, '/': 47, "'": 39 };

const backslash: Step = (source, at) => {
  if (source.charCodeAt(at) !== 92) return undefined;
  const letter = source[at + 1] ?? '';
  const digits = letter === 'u' ? 4 : letter === 'x' ? 2 : 0;
  const code = digits > 0 ? hexNumber(source, at + 2, digits) : (LETTERS[letter] ?? -1);
  return code < 0 ? undefined : { code, length: 2 + digits };
};

/** `%41` to `A`. Bytes above 0x7f become latin1 characters, as in any byte string here. */
export const decodePercent = (source: string): Decoded | undefined =>
  source.includes('%') ? decode(source, percent) : undefined;

/** The same, and `+` to a blank (application/x-www-form-urlencoded). */
export const decodeForm = (source: string): Decoded | undefined =>
  source.includes('+') ? decode(source, form) : undefined;

/** JSON's escapes, and `\xHH` and `\'` of shells and JavaScript. */
export const decodeBackslash = (source: string): Decoded | undefined =>
  source.includes('\\') ? decode(source, backslash) : undefined;

/** The view behind `outer`, mapped back to the first source. */
export function compose(outer: Decoded, inner: Decoded): Decoded {
  return { text: inner.text, origin: inner.origin.map((at) => outer.origin[at] ?? 0) };
}
