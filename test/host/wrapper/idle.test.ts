/** What an idle function loads: counts, not times (those are test/bench/idle.ts). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { IDLE_MODULES_OF_NODE, WATCHING_MODULES_OF_NODE } from '../../budgets.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

test('of the library the wrapper, what watches and what records is evaluated for an idle function', () => {
  const expected =
    /^(?:text:amber:(?:due|texts)|layer\/(?:idle|late|compiled)\.ts|src\/(?:version|defined|errors|lambda\/deadline)\.ts|src\/record\/(?:arm|begin|format|kept|place|hooks\/places)\.ts|src\/host\/(?:wrapper\/(?:facts|idle|mark|plain|progress|proxied|record)|monitor\/(?:builtins|change-monitor|local-trees|notes|probe)|limits\/state)\.ts)$/u;
  assert.deepEqual(
    bundle.idle.filter((path) => !expected.test(path)),
    [],
  );
});

/** Modules of Node and globals that come with a handler that is wrapped with these options. */
function loadedWith(options: string): { readonly modules: readonly string[]; readonly globals: readonly string[] } {
  const module = join(bundle.directory, 'wrapped.mjs');
  writeFileSync(
    module,
    `import { withCapture } from ${JSON.stringify(bundle.entry)};\nexport const handler = withCapture(async () => 1, ${options});\n`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', 'test/bench/idle-import.mjs', module], {
    encoding: 'utf8',
    env: {},
  });
  assert.equal(stderr, '');
  const { modules, globals } = JSON.parse(stdout) as { modules: string[]; globals: string[] };
  return { modules: modules.filter((name) => !name.startsWith('Internal Binding')), globals };
}

test('no module of Node is loaded for an idle function, and none of its own is found in the global object', () => {
  for (const options of ['{}', "{ destination: 's3://bucket' }", "{ destination: 's3://bucket', record: 'paths' }"])
    assert.deepEqual(loadedWith(options), { modules: IDLE_MODULES_OF_NODE, globals: [] }, options);
});

test('where triggers watch invocations, what compiles the host is loaded, and nothing else', () => {
  const { modules, globals } = loadedWith("{ destination: 's3://bucket', onError: 'any', deadlineMs: 500 }");
  assert.deepEqual(
    modules.filter((name) => !WATCHING_MODULES_OF_NODE.includes(name)),
    [],
  );
  assert.deepEqual(globals, []);
});
