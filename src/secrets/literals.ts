/**
 * Where the value behind a name ends: quoted as in JSON, Python, shells and Go, unquoted as in .env, YAML and queries.
 */
import { isMark, MARK_LENGTH } from './mark.ts';

export interface Value {
  readonly start: number;
  readonly end: number;
  /** Backslashes in front of its quotes; -1 without quotes. */
  readonly depth: number;
}

/** What the name says about the value: it may go on to the end of its line, it may be several words. */
export type Extent = 'word' | 'words' | 'line';

const LONGEST_VALUE = 65_536;
/** A value without quotes. A backslash ends it where it begins an escaped line end, tab or quote. */
const UNQUOTED = /(?:[^\s"'`;&\\]|\\[^nrt"'\s]){0,65536}/uy;
/** `&` and `;` are part of the value unless another name or nothing follows. */
const GOES_ON = /[&;](?![\w.%[\] -]{0,80}=|\s|$|["'`\\<)\]}]|amp;|quot;)/uy;
/** A quote inside a shell word: `abc"def"`. */
const WORD_GOES_ON = /(?<![,{[(:=>])["'](?=[\w$%!#@*+./^~?-])/uy;
const REST_OF_LINE = /[^\r\n"\\]{0,8192}/uy;
const PREFIX = /(?:[rRbBuUfF]{1,2}|[$@])(?=["'`])/uy;
const MORE_WORDS = /(?:[ \t]{1,4}(?!#|--)[^\s"'`=:;&{}<>\\,|]{1,64}){1,15}[ \t]{0,4}(?=[\r\n"'`\\]|$)/uy;
/** What a message goes on with: "password: must not be empty". */
const MESSAGE =
  /^(?:is|was|are|not|no|invalid|incorrect|must|required|missing|expired|does|did|for|has|should|cannot|can|the|an?|mismatch|reset|changed|updated|failed|wrong|too|needs?|in|on|and|or|of|to|field|value|provided|authentication|unexpected)$/iu;
const TRAILING = ',)]}>';
const NEXT_ELEMENT = /\\{0,7}["']?[ \t\r\n]{0,64},[ \t\r\n]{0,64}(?=\\{0,7}["'])/uy;

export interface Reader {
  /** The value at an offset. */
  readonly read: (at: number, extent: Extent) => Value;
  /** Where the next element of an array begins, behind the one that ends here. */
  readonly next: (end: number) => number | undefined;
}

export function createReader(text: string): Reader {
  // Values nested in one run (`key=key=key=…`) end together: the run is measured once.
  let runStart = 0;
  let runEnd = 0;
  function unquoted(at: number): number {
    if (at >= runStart && at < runEnd) return runEnd;
    runStart = at;
    runEnd = at + lengthOf(UNQUOTED, text, at);
    for (let turn = 0; turn < 64; turn++) {
      const more = Math.max(lengthOf(GOES_ON, text, runEnd), runEnd > at ? lengthOf(WORD_GOES_ON, text, runEnd) : 0);
      if (more === 0) break;
      runEnd += more;
      runEnd += lengthOf(UNQUOTED, text, runEnd);
    }
    return runEnd;
  }

  function bare(at: number, extent: Extent): Value {
    if (extent === 'line') {
      const line = at + (match(REST_OF_LINE, text, at)?.trimEnd().length ?? 0);
      return { start: at, end: line - trailing(text, at, line), depth: -1 };
    }
    const word = unquoted(at);
    const words =
      extent === 'words' && word > at && !MESSAGE.test(text.slice(at, Math.min(word, at + 20)))
        ? word + (match(MORE_WORDS, text, word)?.trimEnd().length ?? 0)
        : word;
    return { start: at, end: words - trailing(text, at, words), depth: -1 };
  }

  return {
    read(from, extent) {
      const at = from + lengthOf(PREFIX, text, from);
      let quote = at;
      while (text[quote] === '\\' && quote - at < 8) quote++;
      const sign = text[quote];
      if (sign !== '"' && sign !== "'" && sign !== '`') return bare(at, extent);
      const start = quote + 1;
      const depth = quote - at;
      if (depth === 0 && text.startsWith(sign.repeat(2), start)) return tripled(text, start + 2, sign);
      return { start, end: closing(text, start, sign, depth), depth };
    },
    next(end) {
      const border = lengthOf(NEXT_ELEMENT, text, end);
      return border === 0 ? undefined : end + border;
    },
  };
}

function match(expression: RegExp, text: string, at: number): string | undefined {
  expression.lastIndex = at;
  return expression.exec(text)?.[0];
}

function lengthOf(expression: RegExp, text: string, at: number): number {
  return match(expression, text, at)?.length ?? 0;
}

/** `"""…"""` of Python. */
function tripled(text: string, start: number, sign: string): Value {
  const end = text.indexOf(sign.repeat(3), start);
  return {
    start,
    end: end < 0 || end - start > LONGEST_VALUE ? Math.min(text.length, start + LONGEST_VALUE) : end,
    depth: 0,
  };
}

/** Length of the closing brackets and commas behind a value; the end of a mark is none. */
function trailing(text: string, start: number, end: number): number {
  let at = end;
  while (
    at > start &&
    end - at < 16 &&
    TRAILING.includes(text[at - 1] ?? ' ') &&
    !isMark(text.slice(Math.max(start, at - MARK_LENGTH), at))
  )
    at--;
  return end - at;
}

/**
 * Where the quoted value ends: at its quote with the same number of backslashes before it, or where reading stops. A
 * quote behind the quote goes on: `'it'\''s'` of shells, `'it''s'` of SQL, `"a""b"` of CSV.
 */
function closing(text: string, start: number, sign: string, depth: number): number {
  const stop = Math.min(text.length, start + LONGEST_VALUE);
  let slashes = 0;
  for (let at = start; at < stop; at++) {
    const char = text[at];
    if (char === '\\') slashes++;
    else {
      if (char === sign && (depth === 0 ? slashes % 2 === 0 : slashes === depth)) {
        const again =
          depth === 0 && at > start
            ? /^(?:\\'')?["'](?=[^\s,:;)\]}"'])|^\\''/u.exec(text.slice(at + 1, at + 6))?.[0].length
            : undefined;
        if (again === undefined) return at - (depth === 0 ? 0 : depth);
        at += again;
      }
      slashes = 0;
    }
  }
  return stop;
}
