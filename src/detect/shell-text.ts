/**
 * A text for a shell, split into simple commands (POSIX.1-2024, Shell Command Language, 2.3 and 2.9). Nothing is
 * expanded: `$NAME` and `$(…)` stay as they are written.
 */

/** Words of one command, where it reads and writes, and what is run for its words. */
export interface Simple {
  readonly words: readonly string[];
  /** Files of its redirections. */
  readonly redirects: readonly string[];
  /** Each list of commands whose output stands in a word. */
  readonly within: readonly (readonly Simple[])[];
  /** It reads what the command before it writes. */
  readonly piped?: true;
}

/** Longest text that is looked at. */
const MAX_TEXT = 4096;
const MAX_DEPTH = 6;

interface Draft {
  words: string[];
  redirects: string[];
  within: (readonly Simple[])[];
  piped: boolean;
}

interface Reader {
  readonly text: string;
  at: number;
  readonly depth: number;
  readonly list: Simple[];
  draft: Draft;
  /** The word that is being read; undefined between words. */
  word: string | undefined;
  /** The next word is the file of a redirection. */
  isTarget: boolean;
  /** A quote that nobody closes: the word is a beginning, and no more is known. */
  isCut: boolean;
}

/** Never throws; of a text that ends inside a quote, what stands before that word. */
export function readShell(text: string): readonly Simple[] {
  return listIn(readerOf(text.slice(0, MAX_TEXT), 0, 0), '');
}

function readerOf(text: string, at: number, depth: number): Reader {
  return { text, at, depth, list: [], draft: fresh(), word: undefined, isTarget: false, isCut: false };
}

function fresh(): Draft {
  return { words: [], redirects: [], within: [], piped: false };
}

function listIn(reader: Reader, end: ')' | ''): readonly Simple[] {
  const { text } = reader;
  while (reader.at < text.length && !reader.isCut) {
    const char = text[reader.at] ?? '';
    if (char === end) {
      reader.at += 1;
      break;
    }
    if (!step(reader, char)) break;
  }
  endCommand(reader);
  return reader.list;
}

/** False where the rest is not to be read. */
function step(reader: Reader, char: string): boolean {
  const next = reader.text[reader.at + 1];
  if (char === ' ' || char === '\t' || char === '\r') endWord(reader);
  else if (char === '#' && reader.word === undefined) skipLine(reader);
  else if (char === '>' || char === '<' || (char === '&' && next === '>')) {
    // What a here-document holds is input, and where it ends is not looked for.
    if (/^<<(?!<)/u.test(reader.text.slice(reader.at, reader.at + 3))) return false;
    if (char !== '&' && next === '(') substitute(reader, 2);
    else redirect(reader);
    return true;
  } else if (char === '|' && next !== '|') {
    endCommand(reader);
    reader.draft.piped = true;
    if (next === '&') reader.at += 1;
  } else if (/[\n;&|()]/u.test(char)) endCommand(reader);
  else {
    letter(reader, char);
    return true;
  }
  reader.at += 1;
  return true;
}

function letter(reader: Reader, char: string): void {
  const { text, at } = reader;
  if (char === "'") quoted(reader, text.indexOf("'", at + 1));
  else if (char === '"') doubleQuoted(reader);
  else if (char === '\\') {
    append(reader, text[at + 1] === '\n' ? '' : (text[at + 1] ?? ''));
    reader.at += 2;
  } else if (char === '$' && text[at + 1] === '(') substitute(reader, 2);
  else if (char === '`') backquoted(reader);
  else {
    append(reader, char);
    reader.at += 1;
  }
}

function append(reader: Reader, text: string): void {
  reader.word = (reader.word ?? '') + text;
}

function quoted(reader: Reader, end: number): void {
  if (end < 0) reader.isCut = true;
  else append(reader, reader.text.slice(reader.at + 1, end));
  reader.at = end + 1;
}

function doubleQuoted(reader: Reader): void {
  const { text } = reader;
  append(reader, '');
  reader.at += 1;
  while (!reader.isCut && text[reader.at] !== '"') {
    const char = text[reader.at];
    if (char === undefined) reader.isCut = true;
    else if (char === '\\' || char === '`' || (char === '$' && text[reader.at + 1] === '(')) letter(reader, char);
    else {
      append(reader, char);
      reader.at += 1;
    }
  }
  reader.at += 1;
}

/** `$(…)`, `<(…)`: its commands, and in the word the text as it stands. */
function substitute(reader: Reader, opening: number): void {
  const { text, at, depth } = reader;
  if (depth >= MAX_DEPTH) {
    reader.isCut = true;
    return;
  }
  const inner = readerOf(text, at + opening, depth + 1);
  const list = listIn(inner, ')');
  reader.isCut = inner.isCut || text[inner.at - 1] !== ')';
  if (!reader.isCut) reader.draft.within.push(list);
  append(reader, text.slice(at, inner.at));
  reader.at = inner.at;
}

function backquoted(reader: Reader): void {
  const { text, at, depth } = reader;
  const end = text.indexOf('`', at + 1);
  if (end < 0 || depth >= MAX_DEPTH) {
    reader.isCut = true;
    return;
  }
  reader.draft.within.push(listIn(readerOf(text.slice(at + 1, end), 0, depth + 1), ''));
  append(reader, text.slice(at, end + 1));
  reader.at = end + 1;
}

/** `2>&1`, `&>file`, `<>file`: a number before it belongs to it. */
function redirect(reader: Reader): void {
  if (reader.word !== undefined && /^\d+$/u.test(reader.word)) reader.word = undefined;
  endWord(reader);
  const operator = /^&?[<>]{1,3}[&|]?/u.exec(reader.text.slice(reader.at, reader.at + 5))?.[0] ?? '>';
  reader.at += operator.length;
  reader.isTarget = true;
}

function skipLine(reader: Reader): void {
  const end = reader.text.indexOf('\n', reader.at);
  reader.at = end < 0 ? reader.text.length : end - 1;
}

function endWord(reader: Reader): void {
  const { word, draft } = reader;
  reader.word = undefined;
  if (word === undefined || reader.isCut) return;
  if (reader.isTarget) draft.redirects.push(word);
  else draft.words.push(word);
  reader.isTarget = false;
}

function endCommand(reader: Reader): void {
  endWord(reader);
  const { piped, ...draft } = reader.draft;
  if (draft.words.length > 0 || draft.redirects.length > 0) reader.list.push(piped ? { ...draft, piped: true } : draft);
  reader.draft = fresh();
  reader.isTarget = false;
}
