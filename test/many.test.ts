/** A count and its noun agree, everywhere. */
import { deepEqual, equal } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { many } from '../src/many.ts';
import { bytesEntry, freshFolder, makeCapture } from './case/captures.ts';
import { program } from './cli/program.ts';

test('one is singular, none and more are plural', () => {
  deepEqual(
    [0, 1, 2].map((count) => many(count, 'entry', 'entries')),
    ['0 entries', '1 entry', '2 entries'],
  );
  equal(many(1, 'segment'), '1 segment');
  equal(many(5, 'segment'), '5 segments');
});

/** What ends with an s behind a number and is no noun of it. */
const NO_NOUN = new Set(['as', 'has', 'is', 'its', 'less', 'ms', 'was', 'this', 'does', 'plus', 'ends', 'are bodies']);
/** A number that never changes stands in capitals. */
const COUNTED =
  /\$\{(?!(?:String\()?[A-Z][A-Z_]{2,}\b)(?!many\()(?!(?:String\()?(?:\w+\.)*(?:max|most)[A-Z])(?:String\()?([^}]*?)\)?\} (?:more |further |of )?((?:[a-z]+ )?[a-z]+s)\b/gu;
const NUMBERS = /(?:\.length|\.size|count|[a-z]s|beyond|left|missing|total)$/iu;

test('no sentence puts a number before a plural by itself', () => {
  const files = execFileSync('git', ['ls-files', 'src'], { encoding: 'utf8' });
  const found = files
    .split('\n')
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(COUNTED)]
        .filter(([, value = '', noun = '']) => NUMBERS.test(value) && !NO_NOUN.has(noun))
        .map(([text]) => `${path}: ${text}`),
    );
  deepEqual(found, []);
});

test('of one thing every command speaks in the singular', async () => {
  const { base } = await makeCapture({ entries: [bytesEntry('[root]/tmp/a', 'x')] });
  const to = freshFolder();
  for (const argv of [
    ['verify', base],
    ['verify', base, '--all'],
    ['show', base],
    ['captures', base],
    ['timeline', base],
    ['salvage', base, '--to', join(to, 'salvaged')],
    ['pull', base, '--to', join(to, 'pulled'), '--extract'],
    ['report', base, '--to', join(to, 'case.html')],
  ]) {
    const { out, err } = await program(argv);
    const plurals = [...`${out}${err}`.matchAll(/(?<![\d.-])1 (?:more |other )?([a-z]+s)\b/gu)];
    deepEqual(
      plurals.map(([text, noun = '']) => (NO_NOUN.has(noun) ? '' : text)).filter((text) => text !== ''),
      [],
      argv.join(' '),
    );
  }
});
