/**
 * Values that go on below their name: block scalars and lists of YAML
 * (https://yaml.org/spec/1.2.2/#81-block-scalar-styles).
 */

export interface Line {
  readonly at: number;
  readonly end: number;
  /** The value without its indentation. */
  readonly meant: string;
}

const END = '(?:\\r?\\n|(?:\\\\{1,7}r)?\\\\{1,7}n)';
const HEAD = new RegExp(`[|>][+-]?\\d?[+-]?[ \\t]{0,8}(?:#[^\\r\\n\\\\]{0,200})?${END}`, 'y');
const LIST = new RegExp(`(?:${END}[ \\t]{0,64}-[ \\t]{1,8}[^\\r\\n\\\\"]{1,1024}){1,100}`, 'y');
const MAX = 65_536;
const LINES = new RegExp(END, 'g');
const MAX_INDENT = 200;

/** The block that begins at `start`, where the value of the name at `name` would stand; undefined if there is none. */
export function blockAt(text: string, name: number, start: number): readonly Line[] | undefined {
  const sign = text[start];
  if (sign === '|' || sign === '>') return scalar(text, name, start);
  if (sign !== '\n' && sign !== '\r' && sign !== '\\') return undefined;
  LIST.lastIndex = start;
  const items = LIST.exec(text)?.[0];
  if (items === undefined) return undefined;
  return [...items.matchAll(/-[ \t]{1,8}(["']?)([^\r\n\\"]{1,1024}?)\1(?=[ \t]*(?:[\r\n\\]|$))/gu)].map((item) => {
    const at = start + item.index + item[0].indexOf(item[2] ?? '', 1);
    return { at, end: at + (item[2] ?? '').length, meant: item[2] ?? '' };
  });
}

function scalar(text: string, name: number, start: number): readonly Line[] | undefined {
  HEAD.lastIndex = start;
  const head = HEAD.exec(text)?.[0];
  if (head === undefined) return undefined;
  const least = indentOf(text, name) + 1;
  const rest = text.slice(start + head.length, start + head.length + MAX);
  const lines: string[] = [];
  let first = -1;
  let end = 0;
  const quote = quoteIn(rest);
  for (let at = 0; at < rest.length; ) {
    LINES.lastIndex = at;
    const border = LINES.exec(rest);
    const lineEnd = Math.min(border?.index ?? rest.length, quote);
    const line = rest.slice(at, lineEnd);
    const indent = line.length - line.trimStart().length;
    if (line.trim() !== '' && indent < least) break;
    if (line.trim() !== '') {
      if (first < 0) first = at + indent;
      end = at + line.trimEnd().length;
    }
    lines.push(line.trim());
    if (border === null || lineEnd < border.index) break;
    at = border.index + border[0].length;
  }
  if (first < 0) return undefined;
  const from = start + head.length;
  return [{ at: from + first, end: from + end, meant: lines.join('\n').trim() }];
}

/** Where the lines end in escapes, an unescaped quote ends the text in which the block stands. */
function quoteIn(text: string): number {
  const quote = text.includes('\n') ? -1 : text.indexOf('"');
  return quote < 0 ? text.length : quote;
}

/** Blanks in front of the line of the name; `- ` counts. */
function indentOf(text: string, name: number): number {
  let at = name;
  while (at > 0 && name - at < MAX_INDENT && (text[at - 1] === ' ' || text[at - 1] === '-' || text[at - 1] === '"'))
    at--;
  return name - at;
}
