/**
 * Finds the records of Amber in any text that holds them: raw lines, strings inside of JSON at whatever depth, cells of
 * CSV, pretty-printed JSON over several lines. The function's log takes text from an intruder, so work is linear in the
 * text and memory is bounded, whatever it says.
 */

export type LogRecord = Readonly<Record<string, unknown>>;

/** A digest in the letters in which ours are written: the same bytes in upper case are the same digest. */
export function plainDigest(text: string): string {
  return /^[0-9a-fA-F]{64}$/u.test(text) ? text.toLowerCase() : text;
}

/** A record of ours has 32 KiB at most; quoting twice makes four times that. */
const MAX_RECORD = 256 * 1024;
/** Text that is kept before a mark: fields that a log forwarder put into the same object. */
const MAX_BEFORE = 4096;
/** Text is searched in pieces of this size, so that small chunks do not search the same text again. */
const MIN_WINDOW = 64 * 1024;
/** More than a mark with its quotes takes: at the end of a piece it may not be there as a whole yet. */
const MARK_CHARS = 1024;
/** Braces before a mark that are tried as the beginning of its object. */
const MAX_TRIES = 8;
/** Backslashes before a quote at the seventh depth of quoting. */
const MAX_BACKSLASHES = 127;
const NAME = 'amber';
const SPACE: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** `"amber":"segment"`, quoted in whatever way. */
interface Mark {
  /** Of the name; the quote stands before it. */
  readonly index: number;
  readonly backslashes: number;
  /** A quote in a cell of CSV is written twice. */
  readonly doubled: boolean;
}

/** Give it the text in pieces of any size, then call `end`. */
export class RecordScanner {
  readonly #kinds: readonly string[];
  #waiting: string[] = [];
  #waitingChars = 0;
  #held = '';
  /** Marks before this index of the held text have been read. */
  #done = 0;
  #broken = 0;

  constructor(...kinds: readonly string[]) {
    this.#kinds = kinds;
  }

  push(text: string): readonly LogRecord[] {
    this.#waiting.push(text);
    this.#waitingChars += text.length;
    return this.#waitingChars < MIN_WINDOW ? [] : this.#scan({ last: false });
  }

  /** Marks of a record that no record stands around. */
  get broken(): number {
    return this.#broken;
  }

  /** The text ends here; the scanner can be used for another one. */
  end(): readonly LogRecord[] {
    const records = this.#scan({ last: true });
    this.#held = '';
    this.#done = 0;
    return records;
  }

  #scan({ last }: { readonly last: boolean }): LogRecord[] {
    // System.Text.Json writes a quote inside of a string as \u0022.
    const text = (this.#held + this.#waiting.join('')).replaceAll('\\u0022', '\\"');
    this.#waiting = [];
    this.#waitingChars = 0;
    let done = last ? text.length : Math.max(this.#done, text.length - MARK_CHARS);
    const marks = marksIn(text, this.#kinds);
    const limits = limitsOf(marks, text.length);
    const records: LogRecord[] = [];
    for (const [place, mark] of marks.entries()) {
      if (mark.index < this.#done) continue;
      if (mark.index >= done) break;
      const limit = limits[place] ?? text.length;
      const found = recordAround(text, mark, (marks[place - 1]?.index ?? -NAME.length) + NAME.length, limit);
      if (typeof found === 'object') records.push(found);
      else if (found === 'open' && !last && limit === text.length && text.length - mark.index < MAX_RECORD) {
        done = mark.index;
        break;
      } else this.#broken += 1;
    }
    const from = Math.max(0, done - MAX_BEFORE);
    this.#held = text.slice(from);
    this.#done = done - from;
    return records;
  }
}

/** Every record of these kinds in a text that is there as a whole. */
export function recordsIn(text: string, ...kinds: readonly string[]): readonly LogRecord[] {
  const scanner = new RecordScanner(...kinds);
  return [...scanner.push(text), ...scanner.end()];
}

function marksIn(text: string, kinds: readonly string[]): Mark[] {
  const marks: Mark[] = [];
  for (let index = text.indexOf(NAME); index >= 0; index = text.indexOf(NAME, index + NAME.length)) {
    const mark = markAt(text, index, kinds);
    if (mark !== undefined) marks.push(mark);
  }
  return marks;
}

function markAt(text: string, index: number, kinds: readonly string[]): Mark | undefined {
  if (text[index - 1] !== '"') return undefined;
  const doubled = text[index - 2] === '"';
  let start = index - (doubled ? 2 : 1);
  while (text[start - 1] === '\\' && index - start <= MAX_BACKSLASHES) start -= 1;
  const quote = text.slice(start, index);
  if (!text.startsWith(quote, index + NAME.length)) return undefined;
  const colon = skipSpace(text, index + NAME.length + quote.length);
  if (text[colon] !== ':') return undefined;
  const value = skipSpace(text, colon + 1);
  if (!kinds.some((kind) => text.startsWith(`${quote}${kind}${quote}`, value))) return undefined;
  return { index, backslashes: quote.length - (doubled ? 2 : 1), doubled };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at - from < 64 && /\s/u.test(text[at] ?? '')) at += 1;
  return at;
}

/** Where the next mark with the same quoting begins: no record of ours holds another one. */
function limitsOf(marks: readonly Mark[], end: number): readonly number[] {
  const next = new Map<string, number>();
  const limits: number[] = [];
  for (const [place, { index, backslashes, doubled }] of [...marks.entries()].reverse()) {
    const quoting = `${String(backslashes)} ${String(doubled)}`;
    limits[place] = next.get(quoting) ?? end;
    next.set(quoting, index);
  }
  return limits;
}

/** The object that holds the mark; `open` where its end is not there. */
function recordAround(text: string, mark: Mark, floor: number, limit: number): LogRecord | 'open' | undefined {
  let open = false;
  let start = text.lastIndexOf('{', mark.index);
  for (let tries = 0; tries < MAX_TRIES && start >= Math.max(floor, mark.index - MAX_BEFORE); tries += 1) {
    const plain = unquoted(text.slice(start, Math.min(limit, start + MAX_RECORD)), mark);
    const end = endOfObject(plain);
    open ||= end === undefined;
    const record = end === undefined ? undefined : parse(plain.slice(0, end));
    if (record !== undefined && typeof record[NAME] === 'string') return record;
    if (start === 0) break;
    start = text.lastIndexOf('{', start - 1);
  }
  return open ? 'open' : undefined;
}

function unquoted(quoted: string, { backslashes, doubled }: Mark): string {
  let text = doubled ? quoted.replaceAll('""', '"') : quoted;
  // A quote inside n strings has 2^n - 1 backslashes before it.
  for (let level = backslashes; level > 0; level = (level - 1) / 2) {
    text = text.replaceAll(/\\(["\\/nrt])/gu, (_escape, letter: string) => SPACE[letter] ?? letter);
  }
  return text;
}

/** Index behind the brace that closes the object at the start. */
function endOfObject(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character === '\\') index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth += 1;
    else if (character === '}' && (depth -= 1) === 0) return index + 1;
  }
  return undefined;
}

function parse(text: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogRecord) : undefined;
  } catch {
    return undefined;
  }
}
