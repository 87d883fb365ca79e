/** What an idle function loads: counts, not times (those are test/bench/idle.ts). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { IDLE_MODULES_OF_NODE } from '../../budgets.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

test('only hosts, triggers, configuration and the log line are loaded before a capture', () => {
  const expected =
    /^src\/(?:index|version|defined|printable|signal-after|config\/[\w-]+|record\/[\w/-]+|secrets\/(?:pattern|values)|errors|contracts|lambda\/(?:cores|deadline|log-level|stdout)|report\/log)\.ts$|^src\/(?:host|trigger)\//u;
  assert.deepEqual(
    bundle.idle.filter((path) => !expected.test(path)),
    [],
  );
});

test('no module of Node is loaded for an idle function, and none of its own is found in the global object', () => {
  const module = join(bundle.directory, 'wrapped.mjs');
  writeFileSync(
    module,
    `import { withCapture } from ${JSON.stringify(bundle.entry)};\nexport const handler = withCapture(async () => 1, { destination: 's3://bucket', onError: 'any', deadlineMs: 500 });\n`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', 'test/bench/idle-import.mjs', module], {
    encoding: 'utf8',
    env: {},
  });
  assert.equal(stderr, '');
  const { modules, globals } = JSON.parse(stdout) as { modules: string[]; globals: string[] };
  assert.deepEqual(
    modules.filter((name) => !name.startsWith('Internal Binding')),
    IDLE_MODULES_OF_NODE,
  );
  assert.deepEqual(globals, []);
});
