/** Structured evidence as redacted text, in slices: half a megabyte of JSON must not hold somebody's main thread. */
import type { BytesEntry, Entry, JsonEntry, JsonLinesEntry } from '../contracts/evidence.ts';
import type { Redactor } from '../secrets/contracts.ts';
import { redactInSlices } from '../secrets/slices.ts';

export interface Rendered {
  readonly body: Uint8Array;
  readonly redactions: readonly string[];
  /** Memory that nobody needs once `body` is stored. */
  readonly spent?: Uint8Array;
}

/** Redactions listed for one item; more are counted. */
const MAX_LISTED = 200;
/**
 * Arrays longer than this are rendered row by row, and shorter ones whose rows have this many members and strings in
 * all.
 */
const LONG = 32;
const HEAVY = 500;

export async function render(
  entry: JsonEntry | JsonLinesEntry | BytesEntry,
  redactor: Redactor,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<Rendered> {
  if (entry.kind === 'bytes') {
    const { value, redactions } = await redactInSlices(redactor, entry.body, entry.redaction, yieldIfDue);
    const spent = entry.disposable === true ? { spent: new Uint8Array(entry.body.buffer) } : {};
    return { body: value, redactions: listed(redactions), ...spent };
  }
  const redactions: string[] = [];
  const text: string[] = [];
  for (const piece of entry.kind === 'jsonl' ? rows(entry.rows) : pieces(entry.value)) {
    const redacted = redactor.json(piece.value);
    const json = redacted.value === undefined ? 'null' : JSON.stringify(redacted.value, plain);
    if (entry.kind === 'jsonl') text.push(piece.prefix, oneLine(json), piece.suffix);
    else text.push(piece.prefix, piece.member === true ? json.slice(1, -1) : json, piece.suffix);
    for (const name of redacted.redactions) redactions.push(piece.where === '' ? name : `${piece.where}.${name}`);
    await yieldIfDue();
  }
  const body = Buffer.from(text.join(''), 'utf8');
  return { body, redactions: listed(redactions), spent: body };
}

/**
 * An entry without the secrets that stand beside its body: in its reason, in its notes, in where a link leads (where
 * its collector asked for that), and in its source, unless that is the name of a file: names of files are kept.
 */
export function withoutSecrets(
  entry: Entry,
  redactor: Redactor,
): { readonly entry: Entry; readonly redactions: readonly string[] } {
  const { notes, reason, source } = entry;
  const isFile =
    entry.kind === 'file' || entry.kind === 'directory' || entry.kind === 'special' || entry.kind === 'link';
  const shown =
    notes === undefined && reason === undefined && isFile
      ? entry
      : {
          ...entry,
          ...(notes === undefined
            ? {}
            : { notes: () => redactor.json(notes()).value as Readonly<Record<string, unknown>> }),
          ...(reason === undefined ? {} : { reason: redactor.text(reason).value }),
          ...(isFile
            ? {}
            : { source: Buffer.from(redactor.bytes(Buffer.from(source, 'latin1'), 'text').value).toString('latin1') }),
        };
  // Sockets, pipes and what else has no file have no name of anybody's choice.
  if (shown.kind !== 'link' || shown.redaction === undefined || !shown.target.startsWith('/'))
    return { entry: shown, redactions: [] };
  const { value, redactions } = redactor.bytes(Buffer.from(shown.target, 'latin1'), 'text');
  return { entry: { ...shown, target: Buffer.from(value).toString('latin1') }, redactions };
}

interface Piece {
  readonly prefix: string;
  readonly value: unknown;
  readonly suffix: string;
  /** Where the value stands, for the names of redactions. */
  readonly where: string;
  /** The value is an object of which only the members are written: its key decides about it, so it goes along. */
  readonly member?: true;
}

function* rows(values: readonly unknown[]): Generator<Piece> {
  for (const value of values) yield { prefix: '', value, suffix: '\n', where: '' };
}

/** An object taken apart by key, and long arrays of objects by element; anything else in one piece. */
function* pieces(value: unknown): Generator<Piece> {
  if (isLongTable(value)) {
    yield* elements(value, '', '', '\n');
    return;
  }
  // JSON has no undefined: such a member is left out, as JSON.stringify does.
  const keys = isPlainObject(value) ? Object.keys(value).filter((key) => value[key] !== undefined) : [];
  if (!isPlainObject(value) || keys.length === 0) {
    yield { prefix: '', value, suffix: '\n', where: '' };
    return;
  }
  for (const [index, key] of keys.entries()) {
    const prefix = index === 0 ? '{\n' : '';
    const suffix = index === keys.length - 1 ? '\n}\n' : ',\n';
    const inner = value[key];
    if (isLongTable(inner)) yield* elements(inner, key, `${prefix}${JSON.stringify(key)}:`, suffix);
    else yield { prefix, value: { [key]: inner }, suffix, where: '', member: true };
  }
}

function* elements(values: readonly unknown[], where: string, prefix: string, suffix: string): Generator<Piece> {
  for (const [index, value] of values.entries()) {
    const last = index === values.length - 1;
    yield {
      prefix: index === 0 ? `${prefix}[\n` : '',
      value,
      suffix: last ? `\n]${suffix}` : ',\n',
      where: `${where}[${index}]`,
    };
  }
}

function isLongTable(value: unknown): value is readonly object[] {
  if (!Array.isArray(value) || !value.every((row) => typeof row === 'object' && row !== null)) return false;
  return (
    value.length > LONG ||
    (value.length > 1 && value.reduce((sum: number, row: object) => sum + weightOf(row), 0) > HEAVY)
  );
}

/** Members of a row, and of the objects in it. Calls no getter: rows may come from the function. */
function weightOf(row: object): number {
  let weight = 0;
  for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(row))) {
    const inner = descriptor.value as unknown;
    weight += typeof inner === 'object' && inner !== null ? Object.keys(inner).length : 1;
  }
  return weight;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Readers that end a line at every separator of Unicode (Python's codecs, and so Timesketch's importer) would lose the
 * row.
 */
function oneLine(json: string): string {
  return json.replaceAll(/[\u0085\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function listed(redactions: readonly string[]): readonly string[] {
  if (redactions.length <= MAX_LISTED) return redactions;
  return [...redactions.slice(0, MAX_LISTED), `and ${redactions.length - MAX_LISTED} more`];
}
