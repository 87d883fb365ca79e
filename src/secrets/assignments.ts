/**
 * `NAME=value`, `"name": "value"`, `name: value` and `&name=value` inside a text: configuration, JSON, query strings,
 * logs, connection strings. The name decides. Each value is read once, so the work grows with the text.
 */
import { blockAt } from './blocks.ts';
import type { Cover } from './cover.ts';
import { decodeBackslash, unescape } from './escapes.ts';
import { hideCookies, hideCredential } from './headers.ts';
import { createReader } from './literals.ts';
import type { Extent, Reader } from './literals.ts';
import { holdsMark, isMark } from './mark.ts';
import {
  isAboutSecret,
  isAuthorizationName,
  isCookieName,
  isSecretBranch,
  isSecretByName,
  mayBeSecret,
  mayStayInBranch,
} from './names.ts';
import { valueOf } from './separators.ts';
import type { ValuePlace } from './separators.ts';
import { findShapes } from './shapes.ts';
import { isPlain, isUuid, looksRandom } from './values.ts';

/** A word that may make a name secret, the rest of the name, and a sign that its value may be near. */
const NAME = new RegExp(
  `(?:${[
    'secret',
    'pass',
    'pwd',
    'token',
    'credential',
    'key',
    'signature',
    'authorization',
    'bearer',
    'auth',
    'cookie',
    'session',
    'cred',
    'dsn',
    'jwt',
    'otp',
    'connectionstring',
    'connstr',
    'sig',
    'sid',
    'sas',
    'psk',
    'pin',
    'pat',
    'mnemonic',
    'salt',
    'hmac',
    'seed',
    'phrase',
    'webhook',
    'identified[ \\t]{1,4}by',
  ].join('|')})[\\w.-]{0,40}(?=[=:"'>\\] \\t\\r\\n%\\\\<!])`,
  'giu',
);
const NAME_CHAR = /[\w.-]/u;
const LONGEST_NAME = 80;
const OPENING_ONLY = /^[[{(<]{0,8}$/u;
/** Names whose value people choose: it may have blanks in it. */
const WORDY = /pass|pwd|secret|phrase|mnemonic|seed/iu;

/** The text with the values of secret names hidden. */
export function hideAssignments(text: string, cover: Cover, nesting = 0): string {
  NAME.lastIndex = 0;
  const first = NAME.exec(text);
  if (first === null) return text;
  const parts: string[] = [];
  const reader = createReader(text);
  let done = 0;
  const put = (start: number, end: number, shown: string): void => {
    if (start < done) return;
    parts.push(text.slice(done, start), shown);
    done = end;
  };
  const hiding: Hiding = { reader, cover, nesting, put, branches: { done: 0 } };
  for (const found of namesIn(text, first.index, () => done)) hideValues(text, found, hiding);
  return done === 0 ? text : parts.join('') + text.slice(done);
}

interface NameFound {
  readonly name: string;
  readonly place: ValuePlace;
  /** Where the name begins. */
  readonly at: number;
}

interface Hiding {
  readonly reader: Reader;
  readonly cover: Cover;
  readonly nesting: number;
  readonly put: (start: number, end: number, shown: string) => void;
  /** So far branches are hidden. */
  readonly branches: { done: number };
}

function hideValues(text: string, found: NameFound, hiding: Hiding): void {
  const { name, place } = found;
  const { start } = place;
  const { reader, cover, nesting, put } = hiding;
  if (place.end !== undefined) {
    hideGiven(text, found, place.end, hiding);
    return;
  }
  const block = blockAt(text, found.at, start);
  if (block !== undefined) {
    for (const { at, end, meant } of block)
      if (isSecretByName(name, meant) && !isMark(meant))
        put(at, end, cover.hide(text.slice(at, end), ruleOf(name), meant));
    return;
  }
  if (text[start] === '{' && isSecretBranch(name)) {
    hideBranch(text, start, hiding);
    return;
  }
  // `["a", "b"]`: every element of the array.
  for (let at: number | undefined = start; at !== undefined; ) {
    const value = reader.read(at, extentOf(name, place));
    const raw = text.slice(value.start, value.end);
    if (place.isProse === true && !looksRandom(raw) && !isUuid(raw)) return;
    if (place.isDoubtful === true && isPlain(raw) && text[found.at - 2] !== '(' && text[found.at - 3] !== '(') return;
    const shown = hideValue(name, { raw, depth: value.depth, nesting }, cover);
    if (shown !== undefined) put(value.start, value.end, shown);
    at = place.isArray === true && value.depth >= 0 ? reader.next(value.end) : undefined;
  }
}

/** The form has told where the value ends. */
function hideGiven(text: string, { name, place }: NameFound, end: number, { cover, nesting, put }: Hiding): void {
  const raw = text.slice(place.start, end);
  const start = place.start + raw.length - raw.trimStart().length;
  const shown = hideValue(name, { raw: raw.trim(), depth: -1, nesting }, cover);
  if (shown !== undefined) put(start, start + raw.trim().length, shown);
}

function extentOf(name: string, { isDoubtful }: ValuePlace): Extent {
  if (isAuthorizationName(name) || isCookieName(name)) return 'line';
  return WORDY.test(name) && isDoubtful !== true && !isAboutSecret(name) ? 'words' : 'word';
}

/** The names that may be a secret's, from left to right, behind `from`; `done`: where what was read already ends. */
function* namesIn(text: string, from: number, done: () => number): Generator<NameFound> {
  NAME.lastIndex = from;
  for (let match = NAME.exec(text); match !== null; match = NAME.exec(text)) {
    const end = match.index + match[0].length;
    const at = nameStart(text, match.index, done());
    const name = text.slice(at, end);
    const place =
      (mayBeSecret(name) || isKeyOf(text, name, end)) && !(text[end] === ':' && isInArn(text, match.index))
        ? valueOf(text, at, end)
        : undefined;
    if (place !== undefined) yield { name, place, at };
    // The values of this text may have been looked into with the same pattern.
    NAME.lastIndex = Math.max(end, done());
  }
}

/**
 * `?key=…` of a URL and `Key=…`: a word so common that its value has to look like a key. In JSON it is the name of an
 * object.
 */
function isKeyOf(text: string, name: string, end: number): boolean {
  return (
    name.length === 3 &&
    text[end] === '=' &&
    /^key$/iu.test(name) &&
    looksRandom(/^["']?([\w.~+/-]*={0,2})/u.exec(text.slice(end + 1, end + 513))?.[1] ?? '')
  );
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

const LONGEST_BRANCH = 65_536;
const MEMBER = /([\w.$-]{1,80})\\{0,7}["']?[ \t\r\n]{0,64}[:=][ \t\r\n]{0,64}(?:\[[ \t\r\n]{0,64})?(?=\\{0,7}["'])/gu;

/** Where the branch that begins at `from` ends; so far is looked if it does not. */
function branchEnd(text: string, from: number): { readonly end: number; readonly isWhole: boolean } {
  let open = 0;
  const stop = Math.min(text.length, from + LONGEST_BRANCH);
  for (let at = from; at < stop; at++) {
    if (text[at] === '{') open++;
    else if (text[at] === '}' && --open === 0) return { end: at, isWhole: true };
  }
  return { end: stop, isWhole: stop === text.length };
}

/**
 * `"credentials": {"accessKeyId": …}`: every text in the object, as in an object that is one (structure.ts). A branch
 * in a branch is done with the outer one. So each character is looked at once, twice where the outer one is longer than
 * a look.
 */
function hideBranch(text: string, from: number, { reader, cover, put, branches }: Hiding): void {
  if (from < branches.done) return;
  const { end, isWhole } = branchEnd(text, from);
  branches.done = isWhole ? end : from + LONGEST_BRANCH / 2;
  if (!isWhole) cover.note('limit:branch', { count: text.length - end, of: 'characters' });
  const members = new RegExp(MEMBER);
  // No search goes on behind the branch. One character more: a value may begin there.
  const inside = text.slice(from, end + 1);
  for (let match = members.exec(inside); match !== null; match = members.exec(inside)) {
    for (let at: number | undefined = from + members.lastIndex; at !== undefined; ) {
      const value = reader.read(at, 'word');
      const raw = text.slice(value.start, value.end);
      if (raw !== '' && !isMark(raw) && !mayStayInBranch(match[1] ?? '', raw))
        put(value.start, value.end, cover.hide(raw, ruleOf(match[1] ?? ''), meaning(raw, value.depth)));
      else if (isSecretByName(match[1] ?? '', raw) && !isMark(raw))
        put(value.start, value.end, cover.hide(raw, ruleOf(match[1] ?? ''), meaning(raw, value.depth)));
      members.lastIndex = value.end - from;
      at = match[0].includes('[') ? reader.next(value.end) : undefined;
    }
  }
}

/** Values inside values (a connection string in JSON in a log line) are looked at this deep. */
const MAX_NESTING = 2;

function hideValue(
  name: string,
  { raw, depth, nesting }: { raw: string; depth: number; nesting: number },
  cover: Cover,
): string | undefined {
  if (
    OPENING_ONLY.test(raw) ||
    isMark(raw) ||
    !(isSecretByName(name, raw) || (/^key$/iu.test(name) && looksRandom(raw)))
  )
    return undefined;
  const meant = meaning(raw, depth);
  const rule = ruleOf(name);
  if (isAuthorizationName(name)) return hideCredential(raw, cover, rule);
  if (isCookieName(name)) return hideCookies(raw, cover, rule);
  // All of it goes; what it holds is learned for itself.
  if (nesting < MAX_NESTING && /[:=@]/u.test(meant))
    hideInside(meant, { ...cover, note: () => undefined }, nesting + 1);
  // The dot may end the sentence: it goes with the value, and the value is learned without it as well.
  if (depth < 0 && meant.endsWith('.')) cover.hide(meant.slice(0, -1), rule);
  // Part of it is hidden already: cover the rest as well, but do not learn a value with a mark in it.
  return cover.hide(raw, rule, holdsMark(raw) ? raw : meant);
}

function hideInside(value: string, cover: Cover, nesting: number): void {
  findShapes(value, cover, []);
  hideAssignments(value, cover, nesting);
}

/** The value without the escapes of the text around it. */
function meaning(raw: string, depth: number): string {
  if (depth < 0) return unescape(raw);
  let value = raw;
  // Inside "…" one level of escapes, inside \"…\" two, inside \\\"…\\\" three.
  for (let level = 0; level <= Math.log2(depth + 1) && value.includes('\\'); level++)
    value = decodeBackslash(value)?.text ?? value;
  return value;
}

/** The name as the list of redactions shows it. */
function ruleOf(name: string): string {
  return name
    .slice(-60)
    .toLowerCase()
    .replace(/^[-.]+/u, '');
}
