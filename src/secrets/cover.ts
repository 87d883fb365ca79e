/** How a rule takes a secret out of sight: it names the secret, and gets the mark to put in its place. */
import { isBeginning } from './beginnings.ts';
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
  /** Writes down that something was replaced. */
  readonly note: (rule: string) => void;
}

/** One line a redaction at most, this many lines a call. */
const MAX_NOTES = 500;

/** The names of what was taken out: `env.DB_PASSWORD`, `argv[3]`, `headers.authorization`, `text:jwt`. */
export class Notes {
  readonly #before: ReadonlySet<string>;
  #names: Set<string> | undefined;
  #more = 0;

  /** `before`: the notes of an earlier turn over the same value. What has a better name there is not `known` now. */
  constructor(before?: Notes) {
    const names = before === undefined ? [] : [...(before.#names ?? [])];
    this.#before = new Set(names.map((name) => name.replace(/:[^:]*$/u, '')));
    if (before !== undefined) this.#names = new Set(names);
  }

  add(where: string, rule: string): void {
    const place = where === '' ? 'text' : where;
    if (rule === 'known' && this.#before.has(place)) return;
    this.copy(rule === '' ? place : `${place}:${rule}`);
  }

  /** Adds a name as it is. */
  copy(name: string): void {
    this.#names ??= new Set();
    if (this.#names.has(name)) return;
    if (this.#names.size < MAX_NOTES) this.#names.add(name);
    else this.#more++;
  }

  list(): readonly string[] {
    const names = [...(this.#names ?? [])];
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
  note: (rule: string) => void,
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
        note('limit:known-values');
      return shown;
    },
  };
}
