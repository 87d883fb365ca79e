/**
 * Secrets that were met once, searched for in every text from then on.
 *
 * Every form has at least 8 characters. So it holds a whole group of 4 at one of its first 5 offsets that falls on a
 * multiple of 5: looking at every fifth position is enough. Few groups pass that filter, and only there the 8 leading
 * characters are looked up. The work on one text is bounded: a text that was made of near misses of planted secrets is
 * cut, not searched for ever.
 */
import { compose, decodeBackslash, decodePercent } from './escapes.ts';
import type { Decoded } from './escapes.ts';
import { insert, longestAt } from './family.ts';
import type { Family } from './family.ts';
import { formsOf, LEAST_FORM } from './forms.ts';
import type { Found, Note } from './hit.ts';

const MAX_VALUES = 4096;
const MAX_BYTES = 1_048_576;
/** Forms of all values together: characters held in memory. */
const MAX_FORM_CHARS = 8_388_608;
/** Longer secrets are searched for in pieces, so that one compare is short and a cut secret is found as well. */
const PIECE = 1024;
const LEAST_PIECE = 64;

const GROUP = 4;
const STRIDE = LEAST_FORM - GROUP + 1;
const WORK_PER_CHAR = 64;
const WORK_FLOOR = 1_000_000;
/** Texts longer than this are scanned as bytes: typed arrays are faster than strings, but cost a copy. */
const SCAN_AS_BYTES = 256;

/**
 * How many secrets one call may still learn: a text of 100,000 assignments must not hold the thread for half a second.
 */
export interface Lessons {
  left: number;
}

export interface KnownValues {
  /** Adds a secret; false if the bounds forbid it. Adding a known one changes nothing. */
  readonly learn: (secret: Buffer, mark: string, lessons: Lessons) => boolean;
  /** Adds a hit for each known secret in the text. */
  readonly find: (text: string, found: Found, note: Note) => void;
  /** Grows whenever a secret was added: what was clean before may no longer be. */
  readonly generation: () => number;
}

export function createKnownValues(): KnownValues {
  const values = new Set<string>();
  const forms = new Set<string>();
  const families = new Map<string, Family>();
  const filter = new Uint8Array(65_536);
  let bytes = 0;
  let chars = 0;
  let escapable = false;

  function add(form: string, mark: string): void {
    if (forms.has(form)) return;
    forms.add(form);
    chars += form.length;
    const head = form.slice(0, LEAST_FORM);
    const family = families.get(head) ?? { forms: [], longest: 0 };
    families.set(head, family);
    insert(family, form, mark);
    letPass(filter, form);
  }

  return {
    generation: () => values.size,
    learn(secret, mark, lessons) {
      const name = secret.toString('latin1');
      if (values.has(name)) return true;
      if (lessons.left <= 0 || values.size >= MAX_VALUES || bytes + secret.length > MAX_BYTES || chars > MAX_FORM_CHARS)
        return false;
      lessons.left -= 1;
      values.add(name);
      bytes += secret.length;
      escapable ||= /[^\w !#-%(-.:;=?@[\]^`{|}~]/u.test(name);
      for (const piece of piecesOf(secret)) for (const form of formsOf(piece)) add(form, mark);
      return true;
    },
    find(text, found, note) {
      if (values.size === 0 || text.length < LEAST_FORM) return;
      const before = found.hits.length;
      const { cutAt } = found;
      const search: Search = { filter, families, found };
      find({ text, origin: (at) => at }, search);
      if (text.includes('%') || text.includes('\\')) {
        for (const view of decodedViews(text, { escapable })) find(view, search);
      }
      if (found.hits.length > before) note('known');
      if (found.cutAt < cutAt) note('limit:work', { count: cutAt - found.cutAt, of: 'characters' });
    },
  };
}

/** The groups of 4 at the first offsets of a form pass the filter from then on. */
function letPass(filter: Uint8Array, form: string): void {
  for (let offset = 0; offset < STRIDE; offset++) {
    const slot = slotOf(
      form.charCodeAt(offset),
      form.charCodeAt(offset + 1),
      form.charCodeAt(offset + 2),
      form.charCodeAt(offset + 3),
    );
    filter[slot] = (filter[slot] ?? 0) | (1 << offset);
  }
}

/** Whole characters of UTF-8 stay together. The last piece is never so short that it would hit by chance. */
function* piecesOf(secret: Buffer): Generator<Buffer> {
  let start = 0;
  while (secret.length - start > PIECE + LEAST_PIECE) {
    let end = start + PIECE;
    while (end > start + PIECE - 4 && ((secret[end] ?? 0) & 0xc0) === 0x80) end--;
    yield secret.subarray(start, end);
    start = end;
  }
  yield secret.subarray(start);
}

/** The text with its escapes decoded, twice where they nest. */
function* decodedViews(text: string, { escapable }: { readonly escapable: boolean }): Generator<Decoded> {
  const percent = decodePercent(text);
  if (percent !== undefined) yield percent;
  yield* nested(percent, decodePercent);
  if (!escapable) return;
  const backslash = decodeBackslash(text);
  if (backslash !== undefined) yield backslash;
  yield* nested(backslash, decodeBackslash);
  yield* nested(backslash, decodePercent);
  yield* nested(percent, decodeBackslash);
}

function* nested(outer: Decoded | undefined, decode: (source: string) => Decoded | undefined): Generator<Decoded> {
  const inner = outer === undefined ? undefined : decode(outer.text);
  if (outer !== undefined && inner !== undefined) yield compose(outer, inner);
}

/** 16 bits that depend on the low byte of each of four characters. */
function slotOf(a: number, b: number, c: number, d: number): number {
  return Math.imul((a & 255) | ((b & 255) << 8) | ((c & 255) << 16) | ((d & 255) << 24), 0x9e3779b1) >>> 16;
}

interface Search {
  readonly filter: Uint8Array;
  readonly families: ReadonlyMap<string, Family>;
  readonly found: Found;
}

function find({ text, origin }: Decoded, search: Search): void {
  const { filter, families, found } = search;
  const work = { left: text.length * WORK_PER_CHAR + WORK_FLOOR };
  const bytes = text.length > SCAN_AS_BYTES ? Buffer.from(text, 'latin1') : undefined;
  const last = text.length - GROUP;
  let done = 0;
  for (let at = 0; at <= last; at += STRIDE) {
    const slot =
      bytes === undefined
        ? slotOf(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2), text.charCodeAt(at + 3))
        : slotOf(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0);
    const offsets = filter[slot] ?? 0;
    if (offsets === 0) continue;
    for (let offset = STRIDE - 1; offset >= 0; offset--) {
      const start = at - offset;
      if ((offsets & (1 << offset)) === 0 || start < done) continue;
      const family = families.get(text.slice(start, start + LEAST_FORM));
      const form = family === undefined ? undefined : longestAt(family, text, start, work);
      if (work.left < 0) {
        found.cutAt = Math.min(found.cutAt, origin(start));
        return;
      }
      if (form === undefined) continue;
      done = start + form.text.length;
      const hit = { start: origin(start), end: origin(done), mark: form.mark };
      found.hits.push(hit.end - hit.start >= PIECE - GROUP ? { ...hit, piece: true } : hit);
    }
  }
}
