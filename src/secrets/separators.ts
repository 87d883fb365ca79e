/**
 * From the name of a secret to its value: by `=` and `:`, by the next argument, by the member beside it, by a tag, by a
 * line end. Every pattern is asked at one place only, so the work grows with the number of names.
 */
import { isContent, isLabel } from './pairs.ts';

/** Where a value begins; with its end where that is told by the form and not by the value. */
export interface ValuePlace {
  readonly start: number;
  readonly end?: number;
  /** `["a", "b"]`: more values follow. */
  readonly isArray?: boolean;
  /** Two arguments or two elements: the second need not be the value of the first. */
  readonly isDoubtful?: boolean;
  /** A quoted word in a sentence: `token - '…'`. */
  readonly isProse?: boolean;
}

const QUOTE = '\\\\{0,7}["\']';
const GAP = '[ \\t\\r\\n]{0,64}';
const END = '(?:\\r?\\n|(?:\\\\{1,7}r)?\\\\{1,7}n)';
/** A member between the two of a pair, with a plain value. */
const MEMBER = `${GAP},${GAP}${QUOTE}\\w{1,40}${QUOTE}${GAP}:${GAP}(?:${QUOTE}[\\w .:/-]{0,100}${QUOTE}|[\\w.]{1,20})`;

/** Python's and TypeScript's `name: type = "value"`. */
const ANNOTATED = /:[ \t]{0,8}[A-Za-z&][\w.&<>|[\] ]{0,40}=[ \t]{0,8}(?=[A-Za-z]{0,2}["'`])/y;
const ASSIGNED = new RegExp(
  `(?:${QUOTE}|%22)?(?:\\]|%5[Dd])?[ \\t]{0,8}(?:=>|:=|!?={2,3}(?=[ \\t]{0,8}["'])|=|:)[ \\t]{0,8}(?:\\r?\\n[ \\t]{0,40}(?=["']))?(\\[[ \\t\\r\\n]{0,64}(?=${QUOTE}))?`,
  'y',
);
/** `setenv("name", "value")`, `["name", "value"]`. */
const NEXT = new RegExp(`${QUOTE},[ \\t\\r\\n]{0,16}(?=${QUOTE})`, 'y');
/** `"Key": "name", "Value": …` */
const BESIDE = new RegExp(
  `${QUOTE}(?:${MEMBER}){0,2}?${GAP},${GAP}${QUOTE}(\\w{1,32})${QUOTE}${GAP}:${GAP}(?=${QUOTE})`,
  'y',
);
const LABEL_BEFORE = new RegExp(`${QUOTE}(\\w{1,32})${QUOTE}${GAP}:${GAP}${QUOTE}$`);
/** `"Value": "…", "Key": "name"`: the value stands in front. */
const VALUE_BEFORE = new RegExp(
  `${QUOTE}(\\w{1,32})${QUOTE}${GAP}:${GAP}${QUOTE}((?:[^"'\\\\]|\\\\(?!\\\\{0,6}["'])){1,2048})${QUOTE}(?:${MEMBER}){0,2}?${GAP},${GAP}$`,
);
/** `name: DB_PASSWORD`, and `value: …` on the next line. */
const BELOW = new RegExp(`["']?[ \\t]{0,8}${END}[ \\t]{0,64}(\\w{1,32}):[ \\t]{1,8}`, 'y');
const LABEL_ABOVE = /(\w{1,32}):[ \t]{1,8}["']?$/;
/** `<name attribute="…">value<`, `<x key="name">value<`, `<key>name</key><string>value<`, `&lt;` apart. */
const TAG = /(?:[ \t][^<>]{0,200})?>(?:\s{0,64}<!\[CDATA\[)?([^<]{1,4096})(?=<)/y;
const ATTRIBUTE = new RegExp(`${QUOTE}[^<>]{0,200}?>(?:\\s{0,64}<!\\[CDATA\\[)?([^<]{1,4096})(?=<)`, 'y');
const TWIN = /\s{0,64}<\\?\/[A-Za-z]{1,24}>(?:\s|\\n){0,64}<([A-Za-z]{1,24})>([^<]{1,4096})(?=<)/y;
const ATTRIBUTES = new RegExp(
  `${QUOTE}\\s{1,64}(?:\\w{1,24}=${QUOTE}[\\w .:/-]{0,100}${QUOTE}\\s{1,64}){0,2}?(\\w{1,32})=(?=${QUOTE})`,
  'y',
);
const LABEL_ATTRIBUTE = new RegExp(`[\\s"'](\\w{1,32})=${QUOTE}$`);
/** RFC 7578: a field of a form. */
const FIELD = new RegExp(
  `\\\\{0,7}"[^\\r\\n\\\\]{0,200}(?:${END}[\\w-]{1,60}:[^\\r\\n\\\\]{0,200}){0,4}${END}${END}((?:[^\\r\\n\\\\]|\\\\(?![rn\\\\])|${END}(?!--)){1,4096})`,
  'y',
);
/** `--password value`, `PASSWORD 'value'` of SQL. */
const OPTION = /[ \t]{1,4}(?=[^\s\-<>])/y;
const PROSE = /[ \t]{1,4}(?:(?:-|is)[ \t]{1,4})?(?=["'`])/y;
const SQL = /[ \t]{1,4}(?=')/y;

/** Where the value of the name at `at` … `end` stands, or undefined. */
export function valueOf(text: string, at: number, end: number): ValuePlace | undefined {
  switch (text[end]) {
    case '>':
      return text[at - 1] === '<' || text[at - 1] === ':' ? inTag(TAG, text, end) : undefined;
    case '<':
      return twin(text, at, end);
    case '\r':
    case '\n':
      return below(text, at, end);
    case ' ':
    case '\t':
      return apart(text, at, end);
    default:
      return assigned(text, at, end) ?? behindQuote(text, at, end);
  }
}

function apart(text: string, at: number, end: number): ValuePlace | undefined {
  const place = assigned(text, at, end);
  if (place !== undefined) return place;
  if (text[at - 1] === '<') return inTag(TAG, text, end);
  if (text[at] === '-' && end - at > 4) return after(OPTION, text, end);
  return /passw(?:or)?d$|passphrase$|by$/iu.test(text.slice(Math.max(at, end - 12), end))
    ? after(SQL, text, end)
    : prose(text, end);
}

function prose(text: string, end: number): ValuePlace | undefined {
  const place = after(PROSE, text, end);
  return place === undefined ? undefined : { ...place, isProse: true };
}

function assigned(text: string, _at: number, end: number): ValuePlace | undefined {
  if (text[end] === ':') {
    const annotated = after(ANNOTATED, text, end);
    if (annotated !== undefined) return annotated;
  }
  ASSIGNED.lastIndex = end;
  const found = ASSIGNED.exec(text);
  return found === null ? undefined : { start: ASSIGNED.lastIndex, isArray: found[1] !== undefined };
}

/** The name is itself a quoted text: the label of a pair, an argument, an attribute. */
function behindQuote(text: string, at: number, end: number): ValuePlace | undefined {
  const sign = text[end];
  if (sign !== '"' && sign !== "'" && sign !== '\\') return undefined;
  const before = text.slice(Math.max(0, at - 64), at);
  const label = LABEL_BEFORE.exec(before);
  if (label !== null) return isLabel(label[1] ?? '') ? beside(text, at - label[0].length, end) : undefined;
  const attribute = LABEL_ATTRIBUTE.exec(before)?.[1];
  if (attribute !== undefined && /form-data;[^\r\n]{0,60}$/u.test(text.slice(Math.max(0, at - 90), at)))
    return grouped(FIELD, text, end);
  if (attribute !== undefined && isLabel(attribute)) {
    ATTRIBUTES.lastIndex = end;
    const name = ATTRIBUTES.exec(text)?.[1];
    return name !== undefined && isContent(name) ? { start: ATTRIBUTES.lastIndex } : inTag(ATTRIBUTE, text, end);
  }
  if (LABEL_ABOVE.test(before)) return below(text, at, end);
  const next = after(NEXT, text, end);
  return next === undefined ? undefined : { ...next, isDoubtful: true };
}

function beside(text: string, labelAt: number, end: number): ValuePlace | undefined {
  BESIDE.lastIndex = end;
  const content = BESIDE.exec(text)?.[1];
  if (content !== undefined && isContent(content)) return { start: BESIDE.lastIndex };
  const front = VALUE_BEFORE.exec(text.slice(Math.max(0, labelAt - 2560), labelAt));
  if (front === null || !isContent(front[1] ?? '')) return undefined;
  const value = front[2] ?? '';
  const start = Math.max(0, labelAt - 2560) + front.index + front[0].indexOf(value, front[0].indexOf(':'));
  return { start, end: start + value.length };
}

function below(text: string, at: number, end: number): ValuePlace | undefined {
  const label = LABEL_ABOVE.exec(text.slice(Math.max(0, at - 48), at))?.[1];
  BELOW.lastIndex = end;
  const content = label === undefined || !isLabel(label) ? undefined : BELOW.exec(text)?.[1];
  return content !== undefined && isContent(content) ? { start: BELOW.lastIndex } : undefined;
}

function twin(text: string, at: number, end: number): ValuePlace | undefined {
  const label = /<(\w{1,32})>\s{0,64}$/u.exec(text.slice(Math.max(0, at - 100), at))?.[1];
  TWIN.lastIndex = end;
  const found = label === undefined || !isLabel(label) ? null : TWIN.exec(text);
  if (found === null || !isContent(found[1] ?? '')) return undefined;
  return { start: TWIN.lastIndex - (found[2]?.length ?? 0), end: TWIN.lastIndex };
}

function after(pattern: RegExp, text: string, end: number): ValuePlace | undefined {
  pattern.lastIndex = end;
  return pattern.test(text) ? { start: pattern.lastIndex } : undefined;
}

/** Farthest that the next tag is looked for. */
const MAX_CONTENT = 4500;

/** The content of a tag. That there is none is seen before the pattern has read all of it. */
function inTag(pattern: RegExp, text: string, end: number): ValuePlace | undefined {
  return text.slice(end, end + MAX_CONTENT).includes('<') ? grouped(pattern, text, end) : undefined;
}

/** The value is the first group, and the pattern ends with it. */
function grouped(pattern: RegExp, text: string, end: number): ValuePlace | undefined {
  pattern.lastIndex = end;
  const value = pattern.exec(text)?.[1];
  return value === undefined || value.trim() === ''
    ? undefined
    : { start: pattern.lastIndex - value.length, end: pattern.lastIndex };
}
