/** What src prints is read under stress: none of the phrases that must be read twice stands in it. */
import { deepEqual, ok } from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UNCLEAR } from './markdown.ts';

test('the texts of src and of the layer name who does what', () => {
  const files = [...globSync('src/**/*.ts'), ...globSync('layer/**/*.{ts,mjs,py}', { exclude: ['**/node_modules'] })];
  ok(files.length > 400, `${files.length} files`);
  const found = files.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, at) => (UNCLEAR.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
  deepEqual(found, []);
});
