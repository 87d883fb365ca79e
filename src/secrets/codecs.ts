/** Encodings in which one text stands inside another: where their runs are, and how a run is read and written again. */
import { isUtf8 } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { codesOf, decodeBackslash, decodePercent } from './escapes.ts';

/** A text, or `TOO_LONG`. */
export type Opened = string | typeof TOO_LONG | undefined;

export const TOO_LONG: unique symbol = Symbol('too long');

export interface Run {
  readonly start: number;
  readonly end: number;
  /** What the run says, or that it is longer than anything that is looked into. */
  readonly read: () => Opened;
  /** The run that says `shown`. */
  readonly write: (shown: string) => string;
}

/** Gives the runs of a text from left to right. */
export type Codec = (text: string) => Iterable<Run>;

const MARK_ESCAPED = /%3Credacted%3A([0-9a-f]{16})%3E/gu;
const IN_PERCENT = flags('%+.~*!$(),-_', { withLetters: true });
/** Signs of a structure: quotes, `=`, `:`, `{`, `&`, `<`, line ends. */
const STRUCTURAL = /%(?:25)*(?:22|27|26|3[ACDacd]|7[Bb]|0[ADad])/u;
const MAX_RUN = 1_048_576;

/** Form and URL encoding (https://url.spec.whatwg.org/#urlencoded-serializing), as it stands between `=` and `&`. */
export function* percentRuns(text: string): Iterable<Run> {
  for (let at = text.indexOf('%'); at >= 0; ) {
    let start = at;
    while (start > 0 && isIn(IN_PERCENT, text, start - 1)) start--;
    let end = at;
    while (end < text.length && isIn(IN_PERCENT, text, end)) end++;
    const run = text.slice(start, end);
    if (STRUCTURAL.test(run)) {
      const isForm = run.includes('+') && !run.includes('%20');
      yield {
        start,
        end,
        read: () =>
          run.length > MAX_RUN ? TOO_LONG : textOf(decodePercent(isForm ? run.replaceAll('+', ' ') : run)?.text),
        write: (shown) => escapeLike(shown, run, { isForm }),
      };
    }
    at = text.indexOf('%', end);
  }
}

/** Characters that stood there without an escape stay without one, and so do marks. */
function escapeLike(shown: string, run: string, { isForm }: { readonly isForm: boolean }): string {
  const escaped = encodeURIComponent(shown.toWellFormed()).replaceAll(MARK_ESCAPED, '<redacted:$1>');
  return escaped.replaceAll(/%[0-9A-F]{2}/gu, (code) => {
    if (code === '%20' && isForm) return '+';
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return char !== '%' && char < '\u0080' && run.includes(char) ? char : code;
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#34;': '"',
  '&#x22;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&#10;': '\n',
  '&#13;': '\r',
};
const ENTITY = /&(?:quot|#34|#x22|apos|#39|lt|gt|amp|#10|#13);/gu;

/** A document in the text or an attribute of XML or HTML. */
export function* entityRuns(text: string): Iterable<Run> {
  if (!/&(?:quot|#34|#x22|lt);/u.test(text)) return;
  for (const { index, 0: run } of text.matchAll(/[^<>"]{1,1048576}/gu)) {
    if (!run.includes('&')) continue;
    yield {
      start: index,
      end: index + run.length,
      read: () => run.replaceAll(ENTITY, (entity) => ENTITIES[entity] ?? entity),
      write: (shown) =>
        shown.replaceAll(
          /<(?!redacted:)|(?<!<redacted:[0-9a-f]{16})>|["'&]/gu,
          (char) => ({ '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[char] ?? '&amp;',
        ),
    };
  }
}

/**
 * JSON in JSON whose quotes are `\u0022`, as .NET writes it. Other quotes are read where they stand (assignments.ts).
 */
export function* unicodeRuns(text: string): Iterable<Run> {
  if (!text.includes('\\u0022')) return;
  for (const { index, 0: run } of text.matchAll(/[^"]{1,1048576}/gu)) {
    if (!run.includes('\\u0022')) continue;
    yield {
      start: index,
      end: index + run.length,
      read: () => decodeBackslash(run)?.text,
      write: (shown) => JSON.stringify(shown).slice(1, -1).replaceAll('\\"', '\\u0022'),
    };
  }
}

export const LEAST_BASE64 = 16;
const PROBE = 12;
const DIGIT = Uint8Array.from({ length: 256 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(
    String.fromCharCode(code === 45 ? 43 : code === 95 ? 47 : code),
  );
  return at < 0 ? 255 : at;
});
const LINE_END = /(?:\r?\n|(?:\\{1,7}r)?\\{1,7}n)(?=[A-Za-z0-9+/_-])/y;
/** How a JSON document, a list of them and gzip begin in base64: there a run may have something else in front. */
const OPENING = /eyJ|ewo[gJ]|ew0K|W3si|H4sI/gu;

/** Longer texts are read from an array. */
const SCAN_AS_CODES = 256;
type Codes = Uint16Array | undefined;

interface Base64Run extends Run {
  /** Where its digits end, and the search goes on. */
  readonly digitsEnd: number;
}

/** Base64 and base64url (RFC 4648), in lines as well, of text or of gzip. */
export function base64Runs(text: string): Iterable<Run> {
  const codes = text.length > SCAN_AS_CODES ? codesOf(text) : undefined;
  const first = nextBase64(text, codes, 0);
  return first === undefined ? [] : runsFrom(text, codes, first);
}

function* runsFrom(text: string, codes: Codes, first: Base64Run): Iterable<Run> {
  for (let run: Base64Run | undefined = first; run !== undefined; run = nextBase64(text, codes, run.digitsEnd))
    yield run;
}

function nextBase64(text: string, codes: Codes, from: number): Base64Run | undefined {
  const isDigit = (at: number): boolean => {
    const code = codes === undefined ? text.charCodeAt(at) : (codes[at] ?? 0);
    return code < 128 && (DIGIT[code] ?? 255) < 64;
  };
  // Where the first run that is long enough may end. It is read backwards: no run goes beyond what is no digit.
  for (let at = from + LEAST_BASE64 - 1; at < text.length; ) {
    let before = at;
    while (before >= from && isDigit(before)) before--;
    if (at - before < LEAST_BASE64) {
      at = before + LEAST_BASE64;
      continue;
    }
    let end = at + 1;
    while (end < text.length && isDigit(end)) end++;
    const opened = openingOf(text, before + 1, end);
    if (opened >= 0) {
      const digitsEnd = lastLine(text, opened, end);
      return { ...base64Run(text, opened, digitsEnd), digitsEnd };
    }
    at = end + LEAST_BASE64;
  }
  return undefined;
}

/** Where in the run the base64 of something readable begins, or -1. */
function openingOf(text: string, start: number, end: number): number {
  if (isReadable(text, start)) return start;
  if (end - start < 24) return -1;
  const run = text.slice(start, end);
  OPENING.lastIndex = 0;
  const at = OPENING.exec(run)?.index ?? -1;
  return at > 0 && end - start - at >= LEAST_BASE64 && isReadable(text, start + at) ? start + at : -1;
}

/** The first 12 bytes are text, or they begin gzip (RFC 1952). One in a million random runs passes. */
function isReadable(text: string, start: number): boolean {
  if (text.startsWith('H4sI', start)) return true;
  for (let at = start; at < start + (PROBE * 4) / 3; at += 4) {
    const a = digitAt(text, at);
    const b = digitAt(text, at + 1);
    const c = digitAt(text, at + 2);
    const d = digitAt(text, at + 3);
    if (
      !isPrintable((a << 2) | (b >> 4)) ||
      !isPrintable(((b & 15) << 4) | (c >> 2)) ||
      !isPrintable(((c & 3) << 6) | d)
    )
      return false;
  }
  return true;
}

const digitAt = (text: string, at: number): number => DIGIT[text.charCodeAt(at) & 255] ?? 255;
const isPrintable = (byte: number): boolean => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13;

/** Where the last of several lines of equal length (MIME: 76) ends. */
function lastLine(text: string, start: number, firstEnd: number): number {
  const width = firstEnd - start;
  let end = firstEnd;
  while (width >= 60 && width <= 76) {
    LINE_END.lastIndex = end;
    const border = LINE_END.exec(text)?.[0].length;
    if (border === undefined) break;
    let next = end + border;
    while (next < text.length && digitAt(text, next) < 64 && next - end - border < width) next++;
    const isLast = next - end - border < width;
    end = next;
    if (isLast) break;
  }
  return end;
}

function base64Run(text: string, start: number, digitsEnd: number): Run {
  let end = digitsEnd;
  while (text[end] === '=' && end - digitsEnd < 2) end++;
  const run = text.slice(start, end);
  const bytes = Buffer.from(run.replaceAll(/\\{1,7}[rn]|\s/gu, ''), 'base64');
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let encoding: 'utf8' | 'latin1' = 'utf8';
  return {
    start,
    end,
    read: () => {
      const content = isZipped ? unzipped(bytes) : bytes;
      if (content === TOO_LONG || content === undefined) return content;
      encoding = isUtf8(content) ? 'utf8' : 'latin1';
      return content.toString(encoding);
    },
    write: (shown) => {
      const content = Buffer.from(shown, encoding);
      const digits = (isZipped ? gzipSync(content) : content).toString(/[-_]/u.test(run) ? 'base64url' : 'base64');
      return run.endsWith('=') || run.length % 4 === 0 ? digits : digits.replaceAll('=', '');
    },
  };
}

/** Bytes that come out of one gzip. */
const MAX_UNZIPPED = 1_048_576;

function unzipped(bytes: Buffer): Buffer | typeof TOO_LONG | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNZIPPED });
  } catch (error) {
    return error instanceof RangeError ? TOO_LONG : undefined;
  }
}

/** A Buffer as JSON.stringify and as util.inspect write it. */
export function* bufferRuns(text: string): Iterable<Run> {
  if (!text.includes('Buffer')) return;
  for (const { index, 0: all, 1: numbers, 2: hex } of text.matchAll(
    /\\{0,7}"data\\{0,7}"\s{0,32}:\s{0,32}\[([\d,\s]{2,1048576})\](?<=Buffer\\{0,7}"[\s\S]{1,64}?)|<Buffer ((?:[0-9a-f]{2} ?){2,64})/gu,
  )) {
    const list = numbers ?? hex ?? '';
    const end = index + all.length - (numbers === undefined ? 0 : 1);
    const bytes =
      numbers === undefined
        ? Buffer.from(list.replaceAll(' ', ''), 'hex')
        : Buffer.from(numbers.split(',').map(Number));
    const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
    yield {
      start: end - list.length,
      end,
      read: () => bytes.toString(encoding),
      write: (shown) =>
        numbers === undefined
          ? [...Buffer.from(shown, encoding)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
          : Buffer.from(shown, encoding).join(','),
    };
  }
}

function textOf(bytes: string | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const latin = Buffer.from(bytes, 'latin1');
  return latin.toString('latin1') === bytes && isUtf8(latin) ? latin.toString('utf8') : bytes;
}

function flags(characters: string, { withLetters }: { readonly withLetters: boolean }): Uint8Array {
  const table = new Uint8Array(128);
  for (const char of characters) table[char.charCodeAt(0)] = 1;
  if (withLetters)
    for (let code = 48; code < 123; code++) if (/[0-9A-Za-z]/u.test(String.fromCharCode(code))) table[code] = 1;
  return table;
}

function isIn(table: Uint8Array, text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 128 && table[code] === 1;
}
