/**
 * The types that users see, against `public-types.snapshot`. To change them on purpose:
 *
 * ```sh
 * npx node --test --test-update-snapshots test/package/public-types.test.ts
 * ```
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rollup } from 'rollup';
import { loadConfigFile } from 'rollup/loadConfigFile';
import ts from 'typescript';

test('the public types are those of the snapshot, comments and the version aside', { timeout: 300_000 }, async (t) => {
  const { options } = await loadConfigFile('layer/declarations.config.mjs', {});
  const [config] = options;
  const into = config?.output[0];
  assert.ok(config !== undefined && into !== undefined);
  const bundle = await rollup(config);
  const { output } = await bundle.generate(into);
  await bundle.close();
  assert.equal(output.length, 1);
  const source = ts.createSourceFile('index.d.ts', output[0].code, ts.ScriptTarget.Latest);
  const bare = ts
    .createPrinter({ removeComments: true })
    .printFile(source)
    .replace(/(VERSION = )"[^"]*"/u, '$1"…"');
  t.assert.fileSnapshot(bare, 'test/package/public-types.snapshot', { serializers: [String] });
});
