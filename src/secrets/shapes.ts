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
/** Characters fall into 64 classes; three classes in a row are one bit of the filter. */
const CLASSES = 64;

interface Index {
  readonly classes: Uint8Array;
  readonly filter: Uint32Array;
  /** By their first three characters, or two where a lead has no more; longer leads first. */
  readonly heads: ReadonlyMap<string, readonly Lead[]>;
}

let index: Index | undefined;

/** Adds a hit for every secret that has a shape of its own. */
export function findShapes(text: string, cover: Cover, hits: Hit[]): void {
  if (text.length < LEAST_SHAPE) return;
  const { classes, filter, heads } = (index ??= createIndex());
  let slot = 0;
  let done = 0;
  let line = 0;
  for (let at = 0; at < text.length; at++) {
    slot = ((slot << 6) | (classes[text.charCodeAt(at) & 255] ?? 0)) & 0x3ffff;
    if ((((filter[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) continue;
    const start = at + 1 - HEAD;
    if (start < done) continue;
    const head = text.slice(start, at + 1);
    for (const lead of heads.get(head) ?? heads.get(head.slice(0, 2)) ?? []) {
      if (!text.startsWith(lead.text, start) || (lead.takesLine === true && start < line)) continue;
      if (lead.takesLine === true) line = Math.min(start + LONGEST_LINE, endOfLine(text, start));
      const found = lead.find(text, start, start + lead.text.length, cover);
      const last = found.at(-1);
      if (last === undefined) continue;
      hits.push(...found);
      done = last.end;
      break;
    }
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
  leads.sort((one, other) => other.text.length - one.text.length);
  const classes = new Uint8Array(256);
  const filter = new Uint32Array(CLASSES ** HEAD / 32);
  const heads = new Map<string, Lead[]>();
  let used = 0;
  const classOf = (char: number): number => (classes[char] ||= 1 + (used++ % (CLASSES - 1)));
  for (const lead of leads) {
    const head = lead.text.slice(0, HEAD);
    (heads.get(head) ?? heads.set(head, []).get(head))?.push(lead);
    const slot = (classOf(head.charCodeAt(0)) << 12) | (classOf(head.charCodeAt(1)) << 6);
    const thirds =
      head.length < HEAD ? Array.from({ length: CLASSES }, (_, third) => third) : [classOf(head.charCodeAt(2))];
    for (const third of thirds)
      filter[(slot | third) >>> 5] = (filter[(slot | third) >>> 5] ?? 0) | (1 << ((slot | third) & 31));
  }
  // A lead of two characters is asked beside those of three that begin with it.
  for (const [head, own] of heads) if (head.length === HEAD) own.push(...(heads.get(head.slice(0, 2)) ?? []));
  return { classes, filter, heads };
}

function finderOf(shape: Shape): Finder {
  const { tail, back, fresh, keep = 0, accept, name } = shape;
  let patterns: { readonly tail: RegExp; readonly back?: RegExp; readonly run?: RegExp } | undefined;
  return (text, at, behind, cover) => {
    patterns ??= {
      tail: new RegExp(tail, 'y'),
      ...(back === undefined ? {} : { back: new RegExp(`(?<=(${back}))`, 'y') }),
      ...(fresh === undefined ? {} : { run: new RegExp(`[${fresh}]`) }),
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

/** Whether the character in front belongs to the same run. The end of an escape (`%3D`, `\n`, `\u003d`) does not. */
function isInside(text: string, at: number, run: RegExp): boolean {
  const before = text[at - 1];
  if (before === undefined || !run.test(before)) return false;
  return (
    text[at - 2] !== '\\' && text[at - 3] !== '%' && !/\\u[0-9a-f]{4}$/iu.test(text.slice(Math.max(0, at - 6), at))
  );
}
