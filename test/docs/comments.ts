/** The sentences of comments in TypeScript, as the scanner of the compiler finds them. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { proseSentences, type Prose } from './markdown.ts';

/** A comment's text without its marks, with the line on which it begins. Line comments below each other are one. */
function commentsOf(path: string): Prose[] {
  const text = readFileSync(path, 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const found = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []) found.set(range.pos, range);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? []) found.set(range.pos, range);
    // Tokens too: a comment may stand before a bracket that closes, or beside a comma.
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  const comments: Prose[] = [];
  let below = { line: -1, column: -1 };
  for (const range of [...found.values()].sort((one, other) => one.pos - other.pos)) {
    const { line, character } = file.getLineAndCharacterOfPosition(range.pos);
    const isLine = range.kind === ts.SyntaxKind.SingleLineCommentTrivia;
    const raw = text.slice(range.pos, range.end);
    const last = comments.at(-1);
    if (isLine && last !== undefined && below.line === line && below.column === character)
      comments[comments.length - 1] = { line: last.line, text: `${last.text}\n${withoutMarks(raw)}` };
    else comments.push({ line: line + 1, text: withoutMarks(raw) });
    below = isLine ? { line: line + 1, column: character } : { line: -1, column: -1 };
  }
  return comments;
}

function withoutMarks(raw: string): string {
  if (raw.startsWith('//')) return raw.slice(2).replace(/^ /u, '');
  return raw
    .replace(/^\/\*\*?/u, '')
    .replace(/\*\/$/u, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/u, ''))
    .join('\n');
}

/**
 * Sentences by their words. An empty line, an item of a list and a tag of TSDoc begin a new one, and a block that is
 * indented by four is a drawing.
 */
export function commentSentences(path: string): readonly Prose[] {
  return commentsOf(path).flatMap(({ line, text }) => {
    const paragraphs: Prose[] = [];
    let open: { readonly line: number; text: string } | undefined;
    for (const [index, one] of text.split('\n').entries()) {
      if (one.trim() === '' || /^ {4}/u.test(one)) open = undefined;
      else if (open === undefined || /^(?:@|\s*[-*] |\s*\d+\. )/u.test(one)) {
        open = { line: line + index, text: one.trim() };
        paragraphs.push(open);
      } else open.text += ` ${one.trim()}`;
    }
    return paragraphs.flatMap((paragraph) => proseSentences(paragraph));
  });
}
