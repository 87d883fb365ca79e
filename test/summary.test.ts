/** What `npm test` says at the end, of a run that has one of everything. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ON_NODE_22 } from './node-22.ts';
import { durationsOf, longestFirst, needsOf, readTold, summary, type Durations, type Run } from './summary.ts';

const SCRIPT = `
import { describe, test } from 'node:test';
test('one', (t) => t.skip('not run: needs tar, zstd'));
test('two', (t) => t.skip('not run: needs zstd'));
test('three', (t) => t.skip('not run: needs root, for namespaces'));
describe('four', { skip: 'run by another' }, () => { test('never', () => {}); });
test('five', () => { throw new Error('as it should'); });
describe('six', () => { test('seven', () => { throw new Error('as it should'); }); test('eight', () => {}); });
`;

const nodes = [process.execPath, resolve('node_modules/node-22/bin/node')];

for (const node of nodes) {
  describe(`what is told by ${node === process.execPath ? 'this Node' : 'Node 22'}`, () => {
    let folder = '';
    let run: Run;
    let spec = '';

    before(() => {
      // Node looks for no test below node_modules.
      folder = mkdtempSync(join(tmpdir(), 'amber-summary-'));
      const [file, broken, tally] = ['tried.test.mjs', 'broken.test.mjs', 'tally.jsonl'].map((name) =>
        join(folder, name),
      ) as [string, string, string];
      writeFileSync(file, SCRIPT);
      writeFileSync(broken, 'process.exit(3);\n');
      const env = { ...process.env };
      delete env['NODE_TEST_CONTEXT'];
      const ran = spawnSync(
        node,
        ['--disable-warning=ExperimentalWarning', 'test/in-order.ts', tally, '1', '60000', file, broken],
        { encoding: 'utf8', env },
      );
      assert.deepEqual([ran.status, ran.stderr], [1, '']);
      spec = ran.stdout;
      run = { node: 'v0', told: readTold(readFileSync(tally, 'utf8')) };
    });
    after(() => rmSync(folder, { recursive: true }));

    test('tests that did not run are summed up by what they need, each once in the sum', () => {
      const lines = summary([run]).split('\n');
      assert.deepEqual(lines.slice(0, 6), [
        '# not run for want of something: 3 tests',
        '#   needs zstd: 2 tests',
        '#   needs root, for namespaces: 1 tests',
        '#   needs tar: 1 tests',
        '# left out for another reason: 0 tests, 1 suites as a whole',
        '#   run by another: 0 tests, 1 suites as a whole',
      ]);
    });

    test('failed tests and files stand at the end, their suites do not', () => {
      const lines = summary([run]).trimEnd().split('\n');
      const failed = lines.slice(lines.findIndex((line) => line.startsWith('# failed')));
      const [file, broken] = [`${folder}/tried.test.mjs`, `${folder}/broken.test.mjs`];
      assert.equal(failed[0], '# failed: 3 tests');
      assert.deepEqual(
        failed.slice(1).sort(),
        [`#   ${broken} (v0)`, `#   ${file}: five (v0)`, `#   ${file}: seven (v0)`].sort(),
      );
    });

    test('files are started in the order given', () => {
      const files = run.told.flatMap((one) => (one.told === 'fail' ? [one.file] : []));
      assert.deepEqual(
        [...new Set(files)],
        ['tried.test.mjs', 'broken.test.mjs'].map((name) => join(folder, name)),
      );
    });

    test("node's own closing lines stand beside it, and ours begin otherwise", () => {
      assert.match(spec, /^ℹ tests 7$[^]*^ℹ fail 3$[^]*^ℹ skipped 3$/mu);
      assert.doesNotMatch(summary([run]), /^ℹ/mu);
      assert.ok((durationsOf([run]).get(`${folder}/tried.test.mjs`) ?? 0) > 0);
    });
  });
}

test('no more than fifteen files are named, the slowest first', () => {
  const told = Array.from({ length: 20 }, (_, ms) => ({ told: 'file', file: `f${ms}`, ms: ms * 1000 }) as const);
  const named = summary([{ node: 'v0', told }])
    .split('\n')
    .filter((line) => / s {2}f/u.test(line));
  assert.deepEqual([named.length, named[0], named[14]], [15, '#      19.0 s  f19 (v0)', '#       5.0 s  f5 (v0)']);
});

test('needs are programs where they are a list of programs, and words elsewhere', () => {
  assert.deepEqual(needsOf('not run: needs tar, 7z'), ['tar', '7z']);
  assert.deepEqual(needsOf('not run: needs root, for namespaces'), ['root, for namespaces']);
  assert.deepEqual(needsOf('run by the tests on Node 24, which start both'), []);
});

test('files start longest first, unknown ones before all', () => {
  assert.deepEqual(longestFirst(['a', 'b', 'c', 'd'], { a: 1, c: 3 }), ['b', 'd', 'c', 'a']);
});

test('what is named for Node 22, and what has a known duration, is there', () => {
  const durations = JSON.parse(readFileSync('test/durations.json', 'utf8')) as Durations;
  for (const path of [...ON_NODE_22, ...Object.keys(durations)]) assert.ok(existsSync(path), path);
  for (const path of ON_NODE_22)
    if (!path.endsWith('.ts')) assert.ok(globSync(`${path}/**/*.test.ts`).length > 0, path);
});
