/** The comments of src are sentences that are read once: at most 25 words, and none of the phrases that tell nothing. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commentSentences } from './comments.ts';
import { countWords, MAX_WORDS, UNCLEAR } from './markdown.ts';

describe('the comments of src', () => {
  const all = globSync('src/**/*.ts').flatMap((path) =>
    commentSentences(path).map(({ line, text }) => ({ place: `${path}:${String(line)}: ${text}`, text })),
  );

  test('are found', () => assert.ok(all.length > 4000, String(all.length)));

  test(`have sentences of at most ${String(MAX_WORDS)} words`, () => {
    const long = all.filter(({ text }) => countWords(text) > MAX_WORDS);
    assert.deepEqual(
      long.map(({ place }) => place),
      [],
    );
  });

  test('have plain ones', () => {
    const unclear = all.filter(({ text }) => UNCLEAR.test(text));
    assert.deepEqual(
      unclear.map(({ place }) => place),
      [],
    );
  });
});

test('a comment is found wherever it stands, and nothing else is one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'amber-comments-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'some.ts');
  writeFileSync(
    path,
    [
      '/**',
      ' * One. Two goes',
      ' * on.',
      ' *',
      ' * @returns three',
      ' */',
      "const url = 'https://example.com'; // four",
      'const pattern = /a//* five */;',
      'call(',
      '  // six goes',
      '  // on',
      ');',
      '// seven',
    ].join('\n'),
  );
  assert.deepEqual(
    commentSentences(path).map(({ line, text }) => `${String(line)} ${text}`),
    ['2 One.', '2 Two goes on.', '5 @returns three', '7 four', '8 five', '10 six goes on', '13 seven'],
  );
});
