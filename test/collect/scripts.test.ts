import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from './child.ts';

interface Row {
  scriptId: string;
  url: string;
  embedderName?: string;
  sha256: string;
  origin: string;
  isModule: boolean;
  hasSourceURL: boolean;
}
interface Entry {
  kind: string;
  path: string;
  rows?: Row[];
  body?: { data: number[] };
  outcome?: string;
}

test('ES modules, eval, vm and code that calls itself a part of Node are listed, and code without a file is stored', () => {
  const entries = runChild(`
    import { createRequire } from 'node:module'; import { mkdtempSync, writeFileSync, rmSync } from 'node:fs'; import vm from 'node:vm'; import { createHash } from 'node:crypto';
    await import(at('../../src/collect/passive.ts'));
    (0, eval)('globalThis.fromEval = () => "marker-of-eval"');
    globalThis.spoof = vm.runInThisContext('(() => "marker-of-spoof")\\n//# sourceURL=node:fs', { filename: 'evil.js' });
    const folder = mkdtempSync('/tmp/amber-script-'); const file = folder + '/dropped.cjs'; writeFileSync(file, 'exports.x = () => "marker-of-tmp"');
    globalThis.dropped = createRequire(file)(file); rmSync(folder, { recursive: true });
    const stopped = performance.now();
    const entries = await collect('scripts', 'scripts', { writable: [folder] });
    await show(entries);
  `) as Entry[];
  const rows = entries.find(({ path }) => path === 'live_response/scripts.jsonl')?.rows ?? [];
  const passive = rows.find(({ url }) => url.endsWith('/src/collect/passive.ts'));
  assert.deepEqual([passive?.origin, passive?.isModule], ['file', true]);
  const bodies = new Map(
    entries
      .filter(({ kind }) => kind === 'bytes')
      .map(({ path, body }) => [/script-(\d+)\.js$/u.exec(path)?.[1], Buffer.from(body!.data).toString()]),
  );
  const bodyWith = (marker: string): Row | undefined =>
    rows.find(({ scriptId, url }) => !url.endsWith('child.mjs') && bodies.get(scriptId)?.includes(marker) === true);
  assert.equal(bodyWith('marker-of-eval')?.origin, 'no-file');
  assert.equal(bodyWith('marker-of-tmp')?.origin, 'writable');
  const spoof = bodyWith('marker-of-spoof');
  assert.deepEqual([spoof?.url, spoof?.origin, spoof?.hasSourceURL], ['node:fs', 'no-file', true]);
  assert.ok(rows.filter(({ origin }) => origin === 'node').length > 50);
  assert.ok(rows.every(({ sha256 }) => /^[0-9a-f]{64}$/u.test(sha256)));
  assert.ok(
    [...bodies.keys()].every(
      (id) => !['node', 'file'].includes(rows.find(({ scriptId }) => scriptId === id)?.origin ?? ''),
    ),
  );
});

test('a debugger statement does not stop the process afterwards, and the debugger is off again', () => {
  const result = runChild(`
    await collect('scripts', 'scripts');
    const run = new Function('debugger; return 7');
    const { url } = await import('node:inspector');
    await show({ value: run(), url: url() ?? null });
  `);
  assert.deepEqual(result, { value: 7, url: null });
});
