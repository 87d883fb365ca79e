/**
 * Walks any value and gives a plain copy of it: bounded in depth, size and number of nodes, with every string redacted.
 */
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import type { Left } from './hit.ts';
import { GETTER, primitive, takeApart } from './foreign.ts';
import type { Plain } from './foreign.ts';
import { LIMIT } from './mark.ts';
import { isSecretBranch, isSecretByName, mayBeSecret } from './names.ts';
import { isContent, isLabel } from './pairs.ts';

const MAX_DEPTH = 64;
const MAX_NODES = 200_000;
const MAX_STRING = 8_388_608;
const MAX_CHARS = 67_108_864;
const CYCLE = '<cycle>';

/** What the name of a place says about the strings in it. */
export type Place = 'plain' | 'secret' | 'environment' | 'argv';

export interface Strings {
  /** A string value under `name` (the nearest key). */
  readonly value: (text: string, name: string, place: Place) => string;
  readonly key: (text: string) => string;
  /** A list of strings that is a command line. */
  readonly argv: (list: readonly string[]) => string[];
  readonly bytes: (bytes: Uint8Array) => Uint8Array;
}

export interface Walk {
  readonly strings: Strings;
  /** Where the walk stands; for the names of redactions. Array indexes are `[]`. */
  readonly path: string[];
  /** A limit was met here, and left so much. */
  readonly limit: (which: string, left: Left) => void;
  readonly ancestors: Set<object>;
  nodes: number;
  chars: number;
}

export function startWalk(strings: Strings, path: string[], limit: Walk['limit']): Walk {
  return { strings, path, limit, ancestors: new Set(), nodes: 0, chars: 0 };
}

const ENVIRONMENT = /^(?:env|environ|environment|environmentVariables|variables)$/iu;
const ARGV = /^(?:argv|args|cmdline|commandLine|execArgv|command)$/iu;
const HEADER_NAME = /^[A-Za-z][\w-]{1,60}$/u;
/** Upper-case names are environment variables wherever they stand. */
const VARIABLE = /^[A-Z_][A-Z0-9_]{2,100}$/u;

/** The plain copy of `value`, which stands under `name`. */
export function walk(value: unknown, name: string, place: Place, state: Walk): unknown {
  if (++state.nodes > MAX_NODES) return over(state, 'nodes', 1, 'members');
  if (typeof value === 'string') return value === GETTER ? value : text(value, name, place, state);
  if (typeof value === 'number' && (place === 'secret' || (mayBeSecret(name) && isSecretByName(name, String(value)))))
    return digits(value, name, place, state);
  if (typeof value !== 'object' || value === null) return primitive(value);
  if (state.ancestors.has(value)) return CYCLE;
  if (state.ancestors.size >= MAX_DEPTH) return over(state, 'depth', 1, 'objects');
  state.ancestors.add(value);
  const copy = structured(value, name, place, state);
  state.ancestors.delete(value);
  return copy;
}

/** What is below a member that was left is not counted: nobody has looked there. */
function over(state: Walk, which: string, count: number, of: Left['of']): string {
  state.limit(which, { count, of });
  return LIMIT;
}

function leave(state: Walk, count: number): void {
  if (count > 0) state.limit('nodes', { count, of: 'members' });
}

/** A number stays one unless it is taken for a secret. */
function digits(value: number, name: string, place: Place, state: Walk): unknown {
  const shown = text(String(value), name, place, state);
  return shown === String(value) ? primitive(value) : shown;
}

function text(value: string, name: string, place: Place, state: Walk): string {
  const room = Math.min(MAX_STRING, MAX_CHARS - state.chars);
  state.chars += Math.min(value.length, room);
  if (value.length <= room) return state.strings.value(value, name, place);
  const kept = value.slice(0, Math.max(0, room));
  return state.strings.value(kept, name, place) + over(state, 'size', value.length - kept.length, 'characters');
}

function structured(value: object, name: string, place: Place, state: Walk): unknown {
  const plain = takeApart(value);
  switch (plain.kind) {
    case 'leaf':
      return typeof plain.value === 'string' ? text(plain.value, name, place, state) : plain.value;
    case 'bytes':
      return bytes(plain.bytes, state);
    case 'list':
      return list(plain.length, plain.at, name, place, state);
    case 'record':
      return record(plain, name, place, state);
  }
}

function bytes(value: Uint8Array, state: Walk): unknown {
  const room = Math.min(MAX_STRING, MAX_CHARS - state.chars);
  const kept = value.subarray(0, Math.max(0, room));
  state.chars += kept.length;
  const shown = state.strings.bytes(kept);
  const base64 = Buffer.from(shown.buffer, shown.byteOffset, shown.byteLength).toString('base64');
  const left = value.length - kept.length;
  return { length: value.length, base64: left > 0 ? base64 + over(state, 'size', left, 'bytes') : base64 };
}

function list(length: number, at: (index: number) => unknown, name: string, place: Place, state: Walk): unknown[] {
  const copy: unknown[] = [];
  if (place !== 'secret' && factsOf(name).argv) {
    const strings = length > MAX_NODES - state.nodes ? undefined : stringsOf(length, at);
    if (strings !== undefined) {
      state.nodes += length;
      return state.strings.argv(strings);
    }
  }
  state.path.push('[]');
  const pairs = factsOf(name).pairs && length % 2 === 0;
  for (let index = 0; index < length; index++) {
    const before = pairs && index % 2 === 1 ? at(index - 1) : undefined;
    const called = typeof before === 'string' && HEADER_NAME.test(before) ? before : name;
    copy.push(walk(at(index), called, called === name ? place : placeOf(factsOf(called), place), state) ?? null);
    if (state.nodes <= MAX_NODES) continue;
    leave(state, length - index - 1);
    break;
  }
  state.path.pop();
  return copy;
}

function stringsOf(length: number, at: (index: number) => unknown): string[] | undefined {
  const strings: string[] = [];
  for (let index = 0; index < length; index++) {
    const value = at(index);
    if (typeof value !== 'string') return undefined;
    strings.push(value);
  }
  return strings;
}

type Fields = Extract<Plain, { kind: 'record' }>;

function record(fields: Fields, name: string, place: Place, state: Walk): Record<string, unknown> {
  const buffer = bufferOf(fields);
  if (buffer !== undefined) return { type: 'Buffer', data: bufferText(buffer, name, place, state) };
  const copy: Record<string, unknown> = {};
  const inner: Place = place === 'secret' ? 'secret' : factsOf(name).environment ? 'environment' : 'plain';
  const kind = kindOf(fields);
  let label: string | undefined;
  let renamed = false;
  for (const [index, key] of fields.keys.entries()) {
    const value = fields.get(key);
    const clean = state.strings.key(key);
    renamed ||= clean !== key;
    const shownKey = renamed ? unused(copy, clean) : key;
    const facts = factsOf(key);
    // {name: 'DB_PASSWORD', value: '…'}: the value goes by the name beside it, on either side.
    if (facts.label && typeof value === 'string') label = value;
    else if (facts.labelled) label ??= labelIn(fields);
    const called = label !== undefined && facts.labelled ? label : key;
    const where = kind?.test(key) === true ? 'secret' : placeOf(called === key ? facts : factsOf(called), inner);
    state.path.push(shownKey);
    const shown = walk(value, called, where, state);
    state.path.pop();
    if (shown !== undefined) set(copy, shownKey, shown);
    if (state.nodes <= MAX_NODES) continue;
    leave(state, fields.keys.length - index - 1);
    break;
  }
  return copy;
}

/** A label may stand behind its value; only this many members are asked. */
const MAX_MEMBERS = 32;

function labelIn(fields: Fields): string | undefined {
  for (const key of fields.keys.slice(0, MAX_MEMBERS)) {
    const value = factsOf(key).label ? fields.get(key) : undefined;
    if (typeof value === 'string') return value;
  }
  return undefined;
}

/**
 * Members that are secret because of what the record is: a private JSON Web Key (RFC 7518, section 6), a SecureString
 * of SSM.
 */
function kindOf(fields: Fields): RegExp | undefined {
  if (fields.keys.length > MAX_MEMBERS) return undefined;
  if (fields.keys.includes('kty')) return /^(?:d|p|q|dp|dq|qi|k|oth)$/u;
  return fields.keys.includes('Type') && fields.get('Type') === 'SecureString' ? /^Value$/u : undefined;
}

/** What JSON.stringify makes of a Buffer. */
function bufferOf({ keys, get }: Fields): Buffer | undefined {
  if (keys.length !== 2 || !keys.includes('type') || !keys.includes('data') || get('type') !== 'Buffer')
    return undefined;
  const data = get('data');
  if (!Array.isArray(data) || types.isProxy(data) || data.length > MAX_NODES) return undefined;
  const numbers: unknown[] = Array.from(
    { length: data.length },
    (_, index) => Object.getOwnPropertyDescriptor(data, index)?.value as unknown,
  );
  return numbers.every((byte): byte is number => typeof byte === 'number' && byte >= 0 && byte < 256)
    ? Buffer.from(numbers)
    : undefined;
}

function bufferText(buffer: Buffer, name: string, place: Place, state: Walk): unknown {
  state.nodes += buffer.length;
  const encoding = isUtf8(buffer) ? 'utf8' : 'latin1';
  return [...Buffer.from(text(buffer.toString(encoding), name, place, state), encoding)];
}

/** What a key says about its value. Remembered: rows by the thousand have the same keys. */
interface KeyFacts {
  readonly secret: boolean;
  readonly variable: boolean;
  readonly environment: boolean;
  readonly argv: boolean;
  readonly label: boolean;
  readonly labelled: boolean;
  /** Its list may be name, value, name, value: `rawHeaders` of node:http, `headers` of undici. */
  readonly pairs: boolean;
}

const REMEMBERED = 4096;
const keyFacts = new Map<string, KeyFacts>();

function factsOf(key: string): KeyFacts {
  const old = keyFacts.get(key);
  if (old !== undefined) return old;
  const facts: KeyFacts = {
    secret: isSecretBranch(key),
    variable: VARIABLE.test(key),
    environment: ENVIRONMENT.test(key),
    argv: ARGV.test(key),
    label: isLabel(key),
    labelled: isContent(key),
    pairs: /headers$/iu.test(key),
  };
  if (keyFacts.size >= REMEMBERED) keyFacts.clear();
  if (key.length <= 200) keyFacts.set(key, facts);
  return facts;
}

function placeOf(facts: KeyFacts, place: Place): Place {
  if (place === 'secret' || facts.secret) return 'secret';
  if (place === 'environment' || facts.variable) return 'environment';
  return facts.argv ? 'argv' : 'plain';
}

/** Two keys that become one are both kept. */
function unused(copy: Record<string, unknown>, key: string): string {
  let name = key;
  for (let turn = 2; Object.hasOwn(copy, name); turn++) name = `${key}~${turn}`;
  return name;
}

/** As an own property, also for `__proto__`. */
function set(copy: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(copy, key, { value, enumerable: true, writable: true, configurable: true });
  else copy[key] = value;
}
