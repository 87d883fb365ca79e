/**
 * JSON that anybody may have written, parsed in bounded memory. V8 takes 46 bytes for each `[` of a text of nothing
 * else. A walk of what is nested a few thousand deep ends the process: depth and number of values are judged before.
 */

export interface JsonLimits {
  readonly depth: number;
  /** Members, elements and containers. */
  readonly values: number;
}

/** Our deepest document, a policy inside of a collection, has 12. */
export const JSON_LIMITS: JsonLimits = { depth: 64, values: 400_000 };

/** Shorter texts cannot cost much, nor be nested too deep to be walked: most lines are. */
const HARMLESS = 2048;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** The value; undefined for what is no JSON, or goes beyond the limits. */
export function parseJson(text: string, limits: JsonLimits = JSON_LIMITS): unknown {
  if (text.length > HARMLESS && !isWithin(text, limits)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isWithin(text: string, { depth: deepest, values: most }: JsonLimits): boolean {
  let [depth, values] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA) values += 1;
    else if (code === OPEN || code === OPEN_LIST) {
      depth += 1;
      values += 1;
    } else if (code === CLOSE || code === CLOSE_LIST) depth -= 1;
    if (depth > deepest || values > most) return false;
  }
  return true;
}

/**
 * The first name that one object of a valid JSON text has twice. Readers differ in which of the two they take, so who
 * writes both shows each another text.
 */
export function nameTwice(text: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === OPEN) objects.push(new Set());
    else if (code === OPEN_LIST) objects.push(undefined);
    else if (code === CLOSE || code === CLOSE_LIST) objects.pop();
    if (code !== QUOTE) continue;
    const end = endOfString(text, at);
    const names = objects.at(-1);
    if (names !== undefined && isName(text, end)) {
      const name = String(JSON.parse(text.slice(at, end + 1)));
      if (names.has(name)) return name;
      names.add(name);
    }
    at = end;
  }
  return undefined;
}

/** A colon stands behind the string that ends there. */
function isName(text: string, end: number): boolean {
  let at = end + 1;
  while (' \t\n\r'.includes(text.charAt(at)) && at < text.length) at += 1;
  return text.charAt(at) === ':';
}

/** Index of the quote that ends the string which begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  return text.length;
}
