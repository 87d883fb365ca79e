import assert from 'node:assert/strict';
import { fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { runCollector } from '../../src/archive/run-collector.ts';
import type { Tarball } from '../../src/archive/tarball.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Collector, Entry, ManifestItem, CollectorContext } from '../../src/contracts/evidence.ts';
import { testBudget } from './scene.ts';

/** Runs a collector over these entries; gives what reached the tarball. */
async function driven(entries: readonly Entry[]): Promise<readonly Entry[]> {
  const added: Entry[] = [];
  const collector: Collector = { name: 'custom', description: '', tier: 'files', collect: () => entries };
  const context = {
    config: resolveConfig({}, {}),
    inProcess: true,
    budget: testBudget(),
  } as Partial<CollectorContext> as CollectorContext;
  const tarball = {
    add: (entry: Entry) => added.push(entry) as unknown as ManifestItem,
    age: () => Promise.resolve(),
  } as Partial<Tarball> as Tarball;
  await runCollector(collector, context, tarball);
  return added;
}

test('a collector cannot name what leaves the archive, or its manifest parts', async () => {
  const fd = openSync(import.meta.filename, 'r');
  const bad: readonly Entry[] = [
    ...['/abs', '../up', 'a/../b', 'manifest/0000.jsonl', 'manifest/x'].map(
      (path): Entry => ({ kind: 'json', path, source: 's', method: 'm', value: 1 }),
    ),
    { kind: 'file', path: 'a/..', source: 's', method: 'm', fd, stat: fstatSync(fd, { bigint: true }) },
  ];
  const good: Entry = { kind: 'json', path: 'custom/..hidden/manifest/0', source: 's', method: 'm', value: 1 };
  const added = await driven([...bad, good]);
  assert.deepEqual(
    added.map((entry) => [entry.path, entry.kind, entry.outcome]),
    [...bad.map(() => ['refused', 'absent', 'failed']), [good.path, 'json', undefined]],
  );
  assert.match(String(added[3]?.reason), /the archive's own/u);
  assert.throws(() => fstatSync(fd), { code: 'EBADF' }, 'the descriptor of a refused entry is closed');
});
