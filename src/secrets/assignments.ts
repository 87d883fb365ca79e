/**
 * `NAME=value`, `"name": "value"`, `name: value` and `&name=value` inside a text: configuration, JSON, query strings,
 * logs, connection strings. The name decides. Each value is read once, so the work grows with the text.
 */
import type { Cover } from './cover.ts';
import { decodeBackslash } from './escapes.ts';
import { hideCookies, hideCredential } from './headers.ts';
import { holdsMark, isMark, MARK_LENGTH } from './mark.ts';
import { isAuthorizationName, isCookieName, isSecretByName, mayBeSecret } from './names.ts';
import { hideShapes, unescape } from './shapes.ts';

/** A word that may make a name secret, the rest of the name, the end of its quotes, and the sign between name and value. */
const NAME = new RegExp(
  `(?:${[
    'secret', 'pass', 'pwd', 'token', 'credential', 'key', 'signature', 'authorization', 'bearer', 'auth', 'cookie', 'session', 'cred', 'dsn', 'jwt', 'otp', 'connectionstring', 'connstr', 'sig', 'sid', 'sas', 'psk', 'pin', 'pat', 'mnemonic', 'salt', 'hmac',
  ].join('|')})[\\w.-]{0,40}((?:\\\\{0,7}["'])?(?:\\])?[ \\t]{0,8}(?:=>|:=|[:=])[ \\t]{0,8}(?:\\[[ \\t\\r\\n]{0,64}(?=\\\\{0,7}["']))?)`, 'giu',
);
const NAME_CHAR = /[\w.-]/u;
const LONGEST_NAME = 80;
const LONGEST_VALUE = 65_536;
/** A value without quotes. A backslash ends it where it begins an escaped line end, tab or quote. */
const UNQUOTED = /(?:[^\s"'`;&\\]|\\[^nrt"'\s]){0,65536}/uy;
const REST_OF_LINE = /[^\r\n"\\]{0,8192}/uy;
const TRAILING = ',)]}>';
const OPENING_ONLY = /^[[{(<]{0,8}$/u;
const NEXT_ELEMENT = /\\{0,7}["']?[ \t\r\n]{0,64},[ \t\r\n]{0,64}(?=\\{0,7}["'])/uy;
const XML = /(<[\w:.-]{0,40}(?:secret|passw|token|credential|api_?key)[\w:.-]{0,40}>)([^<]{1,4096})(?=<\/)/giu;

interface Value {
  readonly start: number;
  readonly end: number;
  /** Backslashes in front of its quotes; -1 without quotes. */
  readonly depth: number;
}

/** The text with the values of secret names hidden. */
export function hideAssignments(text: string, cover: Cover, nesting = 0): string {
  const shown = text.includes('=') || text.includes(':') ? hideNamedValues(text, cover, nesting) : text;
  return shown.includes('</') ? shown.replace(XML, (_all, tag: string, value: string) => tag + cover.hide(value, 'xml')) : shown;
}

function hideNamedValues(text: string, cover: Cover, nesting: number): string {
  const parts: string[] = [];
  const reader = createReader(text);
  let done = 0;
  for (const { name, separator, start } of namesIn(text, () => done)) {
    // `["a", "b"]`: every element of the array.
    for (let at: number | undefined = start; at !== undefined; ) {
      const value = reader.read(at, isAuthorizationName(name) || isCookieName(name));
      const shown = hideValue(name, { raw: text.slice(value.start, value.end), depth: value.depth, nesting }, cover);
      if (shown !== undefined) {
        parts.push(text.slice(done, value.start), shown);
        done = value.end;
      }
      at = separator.includes('[') && value.depth >= 0 ? reader.next(value.end) : undefined;
    }
  }
  return done === 0 ? text : parts.join('') + text.slice(done);
}

interface NameFound {
  readonly name: string;
  readonly separator: string;
  /** Where its value begins. */
  readonly start: number;
}

/** The names that may be a secret's, from left to right; `done`: where what was read already ends. */
function* namesIn(text: string, done: () => number): Generator<NameFound> {
  const expression = new RegExp(NAME);
  for (let match = expression.exec(text); match !== null; match = expression.exec(text)) {
    const separator = match[1] ?? '';
    const start = expression.lastIndex;
    const name = text.slice(nameStart(text, match.index, done()), start - separator.length);
    if (!mayBeSecret(name) || (separator === ':' && isInArn(text, match.index))) continue;
    yield { name, separator, start };
    expression.lastIndex = Math.max(start, done());
  }
}

function nameStart(text: string, from: number, least: number): number {
  let start = from;
  while (start > least && from - start < LONGEST_NAME && NAME_CHAR.test(text[start - 1] ?? '')) start--;
  return start;
}

/** `arn:aws:secretsmanager:…:secret:prod/db` names a secret and holds none. */
function isInArn(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 200), at);
  const start = before.lastIndexOf('arn:aws');
  return start >= 0 && !/[\s"'`;=]/u.test(before.slice(start));
}

interface Reader {
  /** The value at an offset; `line`: without quotes it goes on to the end of the line. */
  readonly read: (at: number, line: boolean) => Value;
  /** Where the next element of an array begins, behind the one that ends here. */
  readonly next: (end: number) => number | undefined;
}

function createReader(text: string): Reader {
  // Values nested in one run (`key=key=key=…`) end together: the run is measured once.
  let runStart = 0;
  let runEnd = 0;
  function unquoted(at: number): number {
    if (at >= runStart && at < runEnd) return runEnd;
    UNQUOTED.lastIndex = at;
    runStart = at;
    runEnd = at + (UNQUOTED.exec(text)?.[0].length ?? 0);
    return runEnd;
  }
  return {
    read(at, line) {
      let quote = at;
      while (text[quote] === '\\' && quote - at < 8) quote++;
      const sign = text[quote];
      const start = quote + 1;
      if (sign === '"' || sign === "'") return { start, end: closing(text, start, sign, quote - at), depth: quote - at };
      REST_OF_LINE.lastIndex = at;
      const end = line ? at + (REST_OF_LINE.exec(text)?.[0].trimEnd().length ?? 0) : unquoted(at);
      return { start: at, end: end - trailing(text, at, end), depth: -1 };
    },
    next(end) {
      NEXT_ELEMENT.lastIndex = end;
      const border = NEXT_ELEMENT.exec(text)?.[0];
      return border === undefined ? undefined : end + border.length;
    },
  };
}

/** Length of the closing brackets and commas behind a value; the end of a mark is none. */
function trailing(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && end - at < 16 && TRAILING.includes(text[at - 1] ?? ' ') && !isMark(text.slice(Math.max(start, at - MARK_LENGTH), at))) at--;
  return end - at;
}

/** Where the quoted value ends: at its quote with the same number of backslashes before it, or where reading stops. */
function closing(text: string, start: number, sign: string, depth: number): number {
  const stop = Math.min(text.length, start + LONGEST_VALUE);
  let slashes = 0;
  for (let at = start; at < stop; at++) {
    const char = text[at];
    if (char === '\\') slashes++;
    else {
      if (char === sign && (depth === 0 ? slashes % 2 === 0 : slashes === depth)) return at - (depth === 0 ? 0 : depth);
      slashes = 0;
    }
  }
  return stop;
}

/** Values inside values (a connection string in JSON in a log line) are looked at this deep. */
const MAX_NESTING = 2;

function hideValue(name: string, { raw, depth, nesting }: { raw: string; depth: number; nesting: number }, cover: Cover): string | undefined {
  if (OPENING_ONLY.test(raw) || isMark(raw) || !isSecretByName(name, raw)) return undefined;
  const meant = meaning(raw, depth);
  const rule = ruleOf(name);
  if (isAuthorizationName(name)) return hideCredential(raw, cover, rule);
  if (isCookieName(name)) return hideCookies(raw, cover, rule);
  // All of it goes; what it holds is learned for itself.
  if (nesting < MAX_NESTING && /[:=@]/u.test(meant)) hideInside(meant, { ...cover, note: () => undefined }, nesting + 1);
  // The dot may end the sentence: it goes with the value, and the value is learned without it as well.
  if (depth < 0 && meant.endsWith('.')) cover.hide(meant.slice(0, -1), rule);
  // Part of it is hidden already: cover the rest as well, but do not learn a value with a mark in it.
  return cover.hide(raw, rule, holdsMark(raw) ? raw : meant);
}

function hideInside(value: string, cover: Cover, nesting: number): void {
  hideShapes(hideAssignments(value, cover, nesting), cover);
}

/** The value without the escapes of the text around it. */
function meaning(raw: string, depth: number): string {
  if (depth < 0) return unescape(raw);
  let value = raw;
  // Inside "…" one level of escapes, inside \"…\" two, inside \\\"…\\\" three.
  for (let level = 0; level <= Math.log2(depth + 1) && value.includes('\\'); level++) value = decodeBackslash(value)?.text ?? value;
  return value;
}

/** The name as the list of redactions shows it. */
function ruleOf(name: string): string {
  return name.slice(-60).toLowerCase().replace(/^[-.]+/u, '');
}
