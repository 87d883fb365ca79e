/** How a rule takes a secret out of sight: it names the secret, and gets the mark to put in its place. */
import { isBeginning } from './beginnings.ts';
import type { Left, Note } from './hit.ts';
import { bytesOf, isMark } from './mark.ts';
import type { View } from './mark.ts';
import { isLearnable, LEAST_LEARNED } from './values.ts';
import type { KnownValues, Lessons } from './known.ts';

export interface Cover {
  /**
   * Learns the secret, writes down the rule and gives its mark. `meant` is the secret without the encoding of the
   * place where it stood (`a%40b` in a URL means `a@b`): equal secrets get equal marks that way.
   */
  readonly hide: (secret: string, rule: string, meant?: string) => string;
  /** Writes down that something was replaced, or that a limit was met and what it left. */
  readonly note: Note;
}

/** One line a redaction at most, this many lines a call. */
const MAX_NOTES = 500;
/** Limits that are told by their places; all others of a kind are one line, so that none is lost. */
const MAX_LIMITS = 20;

/** The names of what was taken out: `env.DB_PASSWORD`, `argv[3]`, `headers.authorization`, `text:jwt`. */
export class Notes {
  readonly #before: ReadonlySet<string>;
  #names: Set<string> | undefined;
  /** By the name of a limit and its unit: what it has left in this turn, and in the one before. */
  readonly #left = new Map<string, { now: number; readonly earlier: number }>();
  #more = 0;

  /** `before`: the notes of an earlier turn over the same value. What has a better name there is not `known` now. */
  constructor(before?: Notes) {
    const names = before === undefined ? [] : [...(before.#names ?? [])];
    this.#before = new Set(names.map((name) => name.replace(/:[^:]*$/u, '')));
    if (before === undefined) return;
    this.#names = new Set(names);
    for (const [name, { now, earlier }] of before.#left)
      this.#left.set(name, { now: 0, earlier: Math.max(now, earlier) });
  }

  add(where: string, rule: string, left?: Left): void {
    const place = where === '' ? 'text' : where;
    if (rule === 'known' && this.#before.has(place)) return;
    this.copy(rule === '' ? place : `${place}:${rule}`, left);
  }

  /** Adds a name as it is. */
  copy(name: string, left?: Left): void {
    this.#names ??= new Set();
    if (left !== undefined) {
      this.#addLimit(`${name}\0${left.of}`, left.count);
      return;
    }
    if (this.#names.has(name)) return;
    if (this.#names.size < MAX_NOTES) this.#names.add(name);
    else this.#more++;
  }

  #addLimit(name: string, count: number): void {
    const isKnown = this.#left.has(name) || this.#left.size < MAX_LIMITS;
    const key = isKnown ? name : name.slice(name.lastIndexOf('limit:'));
    const old = this.#left.get(key);
    if (old === undefined) this.#left.set(key, { now: count, earlier: 0 });
    else old.now += count;
  }

  list(): readonly string[] {
    const names = [...(this.#names ?? [])];
    for (const [name, { now, earlier }] of this.#left) {
      const [limit = '', unit = ''] = name.split('\0');
      names.push(`${limit} (${Math.max(now, earlier)} ${unit})`);
    }
    return this.#more === 0 ? names : [...names, `and ${this.#more} more`];
  }
}

/**
 * `mark` gives the mark of bytes. What is beyond the lessons is hidden where it stands and not searched for elsewhere.
 */
export function createCover(
  view: View,
  known: KnownValues,
  mark: (secret: Buffer) => string,
  note: Note,
  lessons: Lessons,
): Cover {
  return {
    note,
    hide(secret, rule, meant = secret) {
      if (secret === '' || isMark(secret)) return secret;
      const bytes = bytesOf(meant, view);
      const shown = mark(bytes);
      note(rule);
      // Read from a file it often has a line end behind it, and is used without.
      const learned = bytesOf(meant.trim(), view);
      if (
        learned.length >= LEAST_LEARNED &&
        isLearnable(meant) &&
        !isBeginning(meant.trim()) &&
        !known.learn(learned, shown, lessons)
      )
        note('limit:known-values', { count: 1, of: 'values' });
      return shown;
    },
  };
}
