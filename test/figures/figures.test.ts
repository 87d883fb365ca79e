/** The documents quote figures as the committed output has them, with the day and the commit of the run. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { QUOTES } from './quotes.ts';
import type { Saved } from './save.ts';

const files = globSync('test/figures/*.json').sort();

test('every figure that is quoted has its output here, and every output is quoted', () => {
  assert.deepEqual(
    files.map((file) => basename(file, '.json')),
    Object.keys(QUOTES).sort(),
  );
});

for (const file of files) {
  const saved = JSON.parse(readFileSync(file, 'utf8')) as Saved;
  test(`${saved.name} of ${saved.date} is quoted word for word`, () => {
    assert.equal(`${saved.name}.json`, basename(file));
    assert.match(saved.commit, /^[0-9a-f]{7,40}$/u);
    assert.match(saved.date, /^\d{4}-\d\d-\d\d$/u);
    assert.notEqual(saved.command, '');
    for (const { document, says } of QUOTES[saved.name] ?? []) {
      const text = readFileSync(document, 'utf8');
      for (const words of says(saved)) assert.ok(text.includes(words), `${document} does not say: ${words}`);
    }
  });
}
