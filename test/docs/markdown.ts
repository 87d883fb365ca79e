/** What the tests read of a document: its blocks of code, headings, links and sentences. */
import { readFileSync } from 'node:fs';

export interface Block {
  readonly document: string;
  /** Of the line that opens it. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export interface Prose {
  readonly line: number;
  readonly text: string;
}

/** Of a sentence. */
export const MAX_WORDS = 25;
/** Phrases that say nothing, or that must be read twice. */
export const UNCLEAR: RegExp = /\b(?:whoever|so many|that is none|cannot be had)\b/iu;

const FENCE = /^(\s*)```(\w*)\s*$/u;

/** Every fenced block, without the indent of its fence. */
export function blocksOf(document: string): readonly Block[] {
  const blocks: Block[] = [];
  let open:
    | { readonly indent: number; readonly line: number; readonly language: string; readonly lines: string[] }
    | undefined;
  for (const [index, line] of readFileSync(document, 'utf8').split('\n').entries()) {
    const [, indent = '', language = ''] = FENCE.exec(line) ?? [];
    if (!FENCE.test(line)) open?.lines.push(line.slice(open.indent));
    else if (open === undefined) open = { indent: indent.length, line: index + 1, language, lines: [] };
    else {
      blocks.push({ document, line: open.line, language: open.language, text: open.lines.join('\n') });
      open = undefined;
    }
  }
  return blocks;
}

/** The one block of this language that begins so. */
export function blockOf(document: string, language: string, begins: string): string {
  const found = blocksOf(document).filter((one) => one.language === language && one.text.startsWith(begins));
  if (found.length !== 1)
    throw new Error(`${document} has ${String(found.length)} blocks of ${language} that begin with ${begins}`);
  return found[0]?.text ?? '';
}

/** The lines that are no code, and not written by `npm run docs`. */
function linesOf(document: string): readonly Prose[] {
  const lines: Prose[] = [];
  let isCode = false;
  let isTable = false;
  for (const [index, text] of readFileSync(document, 'utf8').split('\n').entries()) {
    const isFence = FENCE.test(text);
    if (isFence) isCode = !isCode;
    if (text.startsWith('<!-- table:')) isTable = true;
    if (!isFence && !isCode && !isTable && !/^ {4}/u.test(text)) lines.push({ line: index + 1, text });
    if (text.startsWith('<!-- /table')) isTable = false;
  }
  return lines;
}

/** What a reader reads: words of prose, tables and headings. */
export function wordsOf(document: string): readonly Prose[] {
  return linesOf(document);
}

/** Anchors of the headings, as GitHub makes them. */
export function anchorsOf(document: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = linesOf(document).flatMap(({ text }) => {
    const heading = /^#{1,6} (.*)$/u.exec(text)?.[1];
    if (heading === undefined) return [];
    const slug = plain(heading)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/gu, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return [before === 0 ? slug : `${slug}-${String(before)}`];
  });
  return new Set(anchors);
}

/** Targets of links that lead into this repository. */
export function linksOf(document: string): readonly string[] {
  return linesOf(document).flatMap(({ text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/gu)].map((match) => match[1] ?? ''),
  );
}

/** Texts in backticks. */
export function codeOf(document: string): readonly string[] {
  return linesOf(document).flatMap(({ text }) => [...text.matchAll(/`([^`]+)`/gu)].map((match) => match[1] ?? ''));
}

/** Links and emphasis as their text; code keeps its words. */
function plain(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, '$1').replaceAll(/[*`]/gu, '');
}

/**
 * The sentences of paragraphs and lists. A piece of code counts as one word, what stands in brackets is left out, and a
 * colon ends a sentence: what follows it is a list or a sentence of its own.
 */
export function sentencesOf(document: string): readonly Prose[] {
  const paragraphs: Prose[] = [];
  let current: { readonly line: number; text: string } | undefined;
  const close = (): void => {
    if (current !== undefined) paragraphs.push(current);
    current = undefined;
  };
  for (const { line, text } of linesOf(document)) {
    if (text.trim() === '' || /^(?:#|\||<!--)/u.test(text.trim())) close();
    else {
      if (/^\s*(?:[-*]|\d+\.) /u.test(text)) close();
      current ??= { line, text: '' };
      current.text += ` ${text.trim()}`;
    }
  }
  close();
  return paragraphs.flatMap(proseSentences);
}

/** The sentences of one paragraph. */
export function proseSentences({ line, text }: Prose): Prose[] {
  const bare = plain(text.replaceAll(/`[^`]*`/gu, 'CODE')).replaceAll(/\([^()]*\)/gu, '');
  return bare
    .split(/(?<=[.!?:])\s+/u)
    .map((sentence) => ({ line, text: sentence.trim() }))
    .filter((one) => one.text !== '');
}

export function countWords(sentence: string): number {
  return sentence.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
