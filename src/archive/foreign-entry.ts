/**
 * What a user's collector yields, judged before the archive touches it. A body of another size than its header declares
 * would break the whole tarball. So an entry of another form is refused here, with words that say what was expected.
 */
import { closeSync, fstatSync } from 'node:fs';
import { types } from 'node:util';
import type { AbsentEntry, ByDesign, BytePath, Entry, FileStat, Outcome, Redaction } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { AmberError, describeError } from '../errors.ts';

/** Linux PATH_MAX (limits.h): a longer path cannot be extracted. */
const MAX_PATH_BYTES = 4096;
const REDACTIONS: ReadonlySet<unknown> = new Set<Redaction>(['text', 'environ', 'cmdline', 'content']);
const ABSENT: ReadonlySet<unknown> = new Set<AbsentEntry['outcome']>([
  'missing',
  'denied',
  'skipped',
  'timed-out',
  'failed',
]);
const OUTCOMES: ReadonlySet<unknown> = new Set<unknown>([
  ...ABSENT,
  ...(['collected', 'truncated', 'changed', 'empty'] satisfies Outcome[]),
]);
const BY_DESIGN: ReadonlySet<unknown> = new Set<ByDesign>([
  'stored-elsewhere',
  'policy',
  'no-content',
  'kernel-view',
  'nothing-to-do',
  'never-read',
]);
const STAT: readonly (keyof FileStat)[] = [
  'ino',
  'mode',
  'nlink',
  'uid',
  'gid',
  'rdev',
  'size',
  'atimeNs',
  'mtimeNs',
  'ctimeNs',
];

/**
 * A copy of the entry, of which each member is read once: a getter of it cannot answer otherwise later.
 *
 * @throws AmberError COLLECTOR_FAILED, which says what was expected; the descriptor of a refused file is closed.
 */
export function foreignEntry(value: unknown, collector: string): Entry {
  if (typeof value !== 'object' || value === null)
    throw refused('the entry', value, 'an object with kind, path, source and method');
  if (types.isPromise(value)) {
    value.catch(() => undefined); // nobody else waits for it, and its failure would end the function
    throw new AmberError(
      'COLLECTOR_FAILED',
      'the entry is a promise; expected what it gives: `async *collect()` may wait for it',
    );
  }
  const given: Readonly<Record<string, unknown>> = { ...value };
  try {
    return { ...commonOf(given, collector), ...ownOf(given) } as Entry;
  } catch (cause) {
    if (given['kind'] === 'file') dropDescriptor(given['fd']);
    throw cause;
  }
}

/** Closes what came with an entry that is not stored; never the three streams of the function. */
export function dropDescriptor(fd: unknown): void {
  if (!isDescriptor(fd)) return;
  try {
    closeSync(fd);
  } catch {
    // It was not open: there is nothing to free.
  }
}

function commonOf(given: Readonly<Record<string, unknown>>, collector: string): object {
  const { source = collector, method = 'collector', outcome, reason, byDesign, notes } = given;
  if (outcome !== undefined && !OUTCOMES.has(outcome))
    throw refused('outcome', outcome, `one of ${[...OUTCOMES].join(', ')}`);
  if (byDesign !== undefined && !BY_DESIGN.has(byDesign))
    throw refused('byDesign', byDesign, `one of ${[...BY_DESIGN].join(', ')}`);
  return {
    path: pathOf(given['path']),
    source: bytesOf('source', source),
    method: textOf('method', method),
    ...defined({ outcome }),
    ...(reason === undefined ? {} : { reason: textOf('reason', reason) }),
    ...defined({ byDesign }),
    ...(notes === undefined ? {} : { notes: safeNotes(functionOf('notes', notes)) }),
  };
}

/** Members of its kind. */
function ownOf(given: Readonly<Record<string, unknown>>): object {
  const { kind } = given;
  switch (kind) {
    case 'json':
      return { kind, value: given['value'] };
    case 'jsonl':
      return { kind, rows: listOf(given['rows']) };
    case 'bytes':
      return {
        kind,
        body: bodyOf(given['body']),
        redaction: redactionOf(given['redaction'] ?? 'text'),
        ...statIn(given),
      };
    case 'file':
      return { kind, ...openFile(given['fd']), ...(given['store'] === false ? { store: false } : {}) };
    case 'stream':
      return { kind, size: sizeOf(given['size']), chunks: functionOf('chunks', given['chunks']), ...statIn(given) };
    case 'link':
      return {
        kind,
        target: bytesOf('target', given['target']),
        ...(given['redaction'] === undefined ? {} : { redaction: 'text' }),
        ...statIn(given),
      };
    case 'directory':
      return { kind, ...statIn(given) };
    case 'special':
      return { kind, stat: statOf(given['stat']) };
    case 'absent':
      if (!ABSENT.has(given['outcome'])) throw refused('outcome', given['outcome'], `one of ${[...ABSENT].join(', ')}`);
      return { kind, reason: textOf('reason', given['reason']), ...statIn(given) };
    default:
      throw refused('kind', kind, 'one of json, jsonl, bytes, file, stream, link, directory, special, absent');
  }
}

function pathOf(value: unknown): BytePath {
  const path = bytesOf('path', value);
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (last === '' || last === '.')
    throw refused('path', path, 'a path that ends with the name of an item, for example live_response/mine.json');
  if (/[\0\n\r]/u.test(path)) throw refused('path', path, 'a path without newline and NUL');
  if (path.length > MAX_PATH_BYTES) throw refused('path', path, `a path of at most ${String(MAX_PATH_BYTES)} bytes`);
  return path;
}

/** Text beyond latin1 is no byte path: it becomes its UTF-8, as the name of a file would be. */
function bytesOf(member: string, value: unknown): BytePath {
  const text = textOf(member, value);
  if (text.includes('\0')) throw refused(member, text, 'a text without NUL');
  return /[^\u0000-\u00ff]/u.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

function textOf(member: string, value: unknown): string {
  if (typeof value !== 'string') throw refused(member, value, 'a text');
  return value;
}

function functionOf(member: string, value: unknown): () => unknown {
  if (typeof value !== 'function') throw refused(member, value, 'a function');
  return value as () => unknown;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw refused('rows', value, 'an array');
  return value;
}

function bodyOf(value: unknown): Uint8Array {
  if (!types.isUint8Array(value)) throw refused('body', value, 'a Uint8Array or a Buffer');
  return value;
}

function redactionOf(value: unknown): unknown {
  if (!REDACTIONS.has(value)) throw refused('redaction', value, `one of ${[...REDACTIONS].join(', ')}`);
  return value;
}

function sizeOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw refused('size', value, 'a whole number of bytes');
  return value;
}

/** The stat is read again: what a FIFO or a closed descriptor says of itself would hang or end the capture. */
function openFile(fd: unknown): { readonly fd: number; readonly stat: FileStat } {
  if (!isDescriptor(fd)) throw refused('fd', fd, 'an open descriptor above 2');
  const stat = fstatSync(fd, { bigint: true });
  if (!stat.isFile()) throw refused('fd', fd, 'a descriptor of a regular file');
  return { fd, stat };
}

function isDescriptor(fd: unknown): fd is number {
  return typeof fd === 'number' && Number.isInteger(fd) && fd > 2 && fd < 2 ** 31;
}

function statIn({ stat }: Readonly<Record<string, unknown>>): { readonly stat?: FileStat } {
  return stat === undefined ? {} : { stat: statOf(stat) };
}

function statOf(value: unknown): FileStat {
  const stat = value as Partial<FileStat> | null | undefined;
  const wrong = STAT.find((name) => typeof stat?.[name] !== 'bigint');
  if (wrong !== undefined)
    throw refused(`stat.${wrong}`, stat?.[wrong], 'a bigint: what fs.statSync(path, { bigint: true }) gives');
  return value as FileStat;
}

/** Notes are asked for when the body is written already: what they throw is a note. */
function safeNotes(notes: () => unknown): () => Readonly<Record<string, unknown>> {
  return () => {
    try {
      const given = notes();
      return typeof given === 'object' && given !== null ? { ...given } : { notes: given };
    } catch (cause) {
      return { failed: describeError(cause) };
    }
  };
}

function refused(member: string, value: unknown, expected: string): AmberError {
  return new AmberError('COLLECTOR_FAILED', `${member} is ${shown(value)}; expected ${expected}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null
    ? 'an object'
    : typeof value === 'function'
      ? 'a function'
      : String(value);
}
