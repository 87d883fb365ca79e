/**
 * Finds secrets by their shape, wherever they stand: one walk over the text looks for the beginnings of all shapes, and
 * only where one stands is its pattern asked. The work grows with the text: see {@link Shape} for what a pattern may
 * be.
 */
import type { Cover } from './cover.ts';
import { plainly } from './escapes.ts';
import type { Finder } from './hits.ts';
import { LONGEST_LINE, PLACES } from './places.ts';
import { SHAPES } from './shape-table.ts';
import type { Shape } from './shape-table.ts';
import type { Hit } from './hit.ts';

interface Lead {
  readonly text: string;
  readonly find: Finder;
  /** It looks at the rest of its line, so it is asked once a line. */
  readonly takesLine?: true;
}

/** `://:a@` with a scheme is the shortest. */
const LEAST_SHAPE = 8;
const HEAD = 3;
/** What a pair may be to a lead: its beginning, all of it, or its second and third character. */
const BEGINS = 1;
const IS_LEAD = 2;
const GOES_ON = 4;
/** Longer texts are copied to bytes: they are read faster than the characters of a text, but cost the copy. */
const SCAN_AS_BYTES = 256;

interface Index {
  /** By the low bytes of two characters. */
  readonly pairs: Uint8Array;
  /** A bit for the hash of the low bytes of three characters that begin a lead. */
  readonly filter: Uint32Array;
  /** By the low bytes of their first three characters, or two where a lead has no more; longer leads first. */
  readonly heads: ReadonlyMap<number, readonly Lead[]>;
}

let index: Index | undefined;

interface Search {
  readonly text: string;
  readonly cover: Cover;
  readonly hits: Hit[];
  /** So far secrets are found. */
  done: number;
  /** So far a lead that takes its line was asked. */
  line: number;
}

/**
 * Adds a hit for every secret that has a shape of its own. Only pairs at even places are looked at: every lead has one,
 * as its beginning or behind its first character.
 */
export function findShapes(text: string, cover: Cover, hits: Hit[]): void {
  if (text.length < LEAST_SHAPE) return;
  index ??= createIndex();
  const search: Search = { text, cover, hits, done: 0, line: 0 };
  if (text.length > SCAN_AS_BYTES) scanBytes(Buffer.from(text, 'latin1'), index, search);
  else scanText(text, index, search);
}

function scanBytes(bytes: Uint8Array, index: Index, search: Search): void {
  const { pairs } = index;
  for (let at = 0; at < bytes.length - 1; at += 2) {
    const one = bytes[at] ?? 0;
    const other = bytes[at + 1] ?? 0;
    const may = pairs[(one << 8) | other] ?? 0;
    if (may === 0) continue;
    if ((may & GOES_ON) !== 0 && at > 0 && mayBegin(index, bytes[at - 1] ?? 0, one, other)) ask(at - 1, index, search);
    if ((may & BEGINS) !== 0 && mayBegin(index, one, other, bytes[at + 2] ?? 0)) ask(at, index, search);
  }
}

/** The same, for a text that is not worth a copy. */
function scanText(text: string, index: Index, search: Search): void {
  const { pairs } = index;
  for (let at = 0; at < text.length - 1; at += 2) {
    const one = text.charCodeAt(at) & 255;
    const other = text.charCodeAt(at + 1) & 255;
    const may = pairs[(one << 8) | other] ?? 0;
    if (may === 0) continue;
    if ((may & GOES_ON) !== 0 && at > 0 && mayBegin(index, text.charCodeAt(at - 1) & 255, one, other))
      ask(at - 1, index, search);
    if ((may & BEGINS) !== 0 && mayBegin(index, one, other, text.charCodeAt(at + 2) & 255)) ask(at, index, search);
  }
}

/** Whether a lead may begin with these bytes. */
function mayBegin({ pairs, filter }: Index, one: number, other: number, third: number): boolean {
  const pair = (one << 8) | other;
  const may = pairs[pair] ?? 0;
  if ((may & BEGINS) === 0) return false;
  const slot = slotOf((pair << 8) | third);
  return (may & IS_LEAD) !== 0 || (((filter[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 1;
}

const slotOf = (head: number): number => Math.imul(head, 0x9e3779b1) >>> 16;
/** The key of a lead of two characters. */
const short = (pair: number): number => pair | (1 << 24);
const pairIn = (text: string, at: number): number =>
  ((text.charCodeAt(at) & 255) << 8) | (text.charCodeAt(at + 1) & 255);

/** Asks the leads that may begin here. */
function ask(start: number, { heads }: Index, search: Search): void {
  const { text, cover, hits } = search;
  if (start < search.done) return;
  const pair = pairIn(text, start);
  const leads = heads.get((pair << 8) | (text.charCodeAt(start + 2) & 255)) ?? heads.get(short(pair)) ?? [];
  for (const lead of leads) {
    if (!text.startsWith(lead.text, start) || (lead.takesLine === true && start < search.line)) continue;
    if (lead.takesLine === true) search.line = Math.min(start + LONGEST_LINE, endOfLine(text, start));
    const found = lead.find(text, start, start + lead.text.length, cover);
    const last = found.at(-1);
    if (last === undefined) continue;
    hits.push(...found);
    search.done = last.end;
    return;
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function createIndex(): Index {
  const leads: Lead[] = PLACES.flatMap(({ leads: all, ...rule }) => all.map((text) => ({ text, ...rule })));
  for (const shape of SHAPES) {
    const find = finderOf(shape);
    for (const text of shape.leads) leads.push({ text, find });
  }
  return indexOf(leads.sort((one, other) => other.text.length - one.text.length));
}

function indexOf(leads: readonly Lead[]): Index {
  const pairs = new Uint8Array(65_536);
  const filter = new Uint32Array(2048);
  const heads = new Map<number, Lead[]>();
  for (const lead of leads) {
    const pair = pairIn(lead.text, 0);
    const isShort = lead.text.length < HEAD;
    pairs[pair] = (pairs[pair] ?? 0) | BEGINS | (isShort ? IS_LEAD : 0);
    const third = lead.text.charCodeAt(2);
    const head = isShort ? short(pair) : (pair << 8) | third;
    (heads.get(head) ?? heads.set(head, []).get(head))?.push(lead);
    // Behind a lead of two characters stands anything.
    const first = (pair & 255) << 8;
    for (let next = isShort ? 0 : third; next <= (isShort ? 255 : third); next++)
      pairs[first | next] = (pairs[first | next] ?? 0) | GOES_ON;
    const slot = slotOf(head);
    filter[slot >>> 5] = (filter[slot >>> 5] ?? 0) | (1 << (slot & 31));
  }
  // A lead of two characters is asked beside those of three that begin with it.
  for (const [head, own] of heads) if (head < short(0)) own.push(...(heads.get(short(head >>> 8)) ?? []));
  return { pairs, filter, heads };
}

function finderOf(shape: Shape): Finder {
  const { tail, back, fresh, keep = 0, accept, name } = shape;
  let patterns: { readonly tail: RegExp; readonly back?: RegExp; readonly run?: Uint8Array } | undefined;
  return (text, at, behind, cover) => {
    patterns ??= {
      tail: new RegExp(tail, 'y'),
      ...(back === undefined ? {} : { back: new RegExp(`(?<=(${back}))`, 'y') }),
      ...(fresh === undefined ? {} : { run: charactersOf(fresh) }),
    };
    if (patterns.run !== undefined && isInside(text, at, patterns.run)) return [];
    const before = patterns.back === undefined ? '' : behindOf(patterns.back, text, at);
    if (before === undefined) return [];
    patterns.tail.lastIndex = behind;
    const end = behind + (patterns.tail.exec(text)?.[0].length ?? -1);
    if (end < behind) return [];
    const start = at - (shape.apart === true ? 0 : before.length) + keep;
    const secret = text.slice(start, end);
    if (accept?.(secret) === false) return [];
    return [{ start, end, mark: cover.hide(secret, name, plainly(secret)) }];
  };
}

function behindOf(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[1];
}

/** A flag for each character of a class. None of them is beyond ASCII. */
function charactersOf(run: string): Uint8Array {
  const pattern = new RegExp(`[${run}]`);
  return Uint8Array.from({ length: 128 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));
}

/** Whether the character in front belongs to the same run. The end of an escape (`%3D`, `\n`, `\u003d`) does not. */
function isInside(text: string, at: number, run: Uint8Array): boolean {
  if (at === 0 || run[text.charCodeAt(at - 1)] !== 1) return false;
  if (text[at - 2] === '\\' || text[at - 3] === '%') return false;
  return text[at - 6] !== '\\' || !/^\\u[0-9a-f]{4}$/iu.test(text.slice(at - 6, at));
}
