/** Completeness is another word than the state: what is stored may be whole, and hold three of thirteen items. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { completenessIn, completenessText } from '../../src/case/store/completeness.ts';
import { verifyCapture } from '../../src/case/verify/verify.ts';
import { openLocal } from '../../src/case/store/open.ts';
import type { Entry, ManifestItem } from '../../src/contracts/evidence.ts';
import { completenessOf, Shortfalls } from '../../src/seal/completeness.ts';
import { headRows } from '../../src/case/view/sections.ts';
import { viewCapture } from '../../src/case/view/view.ts';
import { bytesEntry, makeCapture } from '../case/captures.ts';
import { takeApart } from '../case/forge.ts';

const absent = (number: number, outcome: 'skipped' | 'missing' | 'denied', reason: string): Entry => ({
  kind: 'absent',
  path: `[root]/tmp/${number}`,
  source: 'x',
  method: 'openat',
  outcome,
  reason,
});

async function itemsIn(folder: string): Promise<readonly ManifestItem[]> {
  const parts = (await takeApart(folder)).flat().filter(({ path }) => path.startsWith('manifest/'));
  return parts.flatMap(({ body }) =>
    body
      .toString('utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as ManifestItem),
  );
}

describe('completeness', () => {
  test('is partial, with counts and reasons, in a whole capture of which the time was over', async () => {
    const late = Array.from({ length: 10 }, (_, index) => absent(index, 'skipped', 'the time of the capture was over'));
    const made = await makeCapture({ entries: [bytesEntry('capture.json', '{}'), ...late] });
    assert.equal(made.manifest.state, 'whole');
    assert.deepEqual(made.manifest.completeness, {
      state: 'partial',
      outcomes: { skipped: 10 },
      reasons: [{ reason: 'the time of the capture was over', count: 10 }],
    });
    const { verdict, summary } = await verifyCapture(await openLocal(made.folder));
    assert.equal(verdict, 'verified');
    assert.match(summary, /; evidence partial: 10 skipped \(the time of the capture was over\)$/u);
  });

  test('is complete where all else is there already, left out on purpose, or gone', async () => {
    const { manifest } = await makeCapture({
      entries: [
        bytesEntry('a', 'x'),
        absent(1, 'missing', 'ENOENT'),
        { ...absent(2, 'skipped', 'hard link to /tmp/a'), byDesign: 'stored-elsewhere' },
      ],
    });
    assert.equal(completenessText(manifest), 'complete');
  });

  test('goes by the code that a collector sets, kept in the manifest part, and never by words', async () => {
    const words = makeCapture({ entries: [bytesEntry('a', 'x'), absent(1, 'skipped', 'not a regular file')] });
    assert.equal((await words).manifest.completeness?.state, 'partial');
    const { folder, manifest } = await makeCapture({
      entries: [
        bytesEntry('a', 'x'),
        { ...absent(1, 'skipped', 'in words of any kind'), byDesign: 'policy' },
        { ...absent(2, 'denied', 'EACCES'), byDesign: 'policy' },
      ],
    });
    assert.deepEqual(manifest.completeness?.outcomes, { denied: 1 });
    const lines = await itemsIn(folder);
    assert.deepEqual(
      lines.map(({ outcome, byDesign }) => [outcome, byDesign]),
      [
        ['collected', undefined],
        ['skipped', 'policy'],
        ['denied', undefined],
      ],
    );
  });

  test('of an older capture is read from the words of its items, by verify and by show', async () => {
    const entries = [
      bytesEntry('a', 'x'),
      absent(1, 'skipped', 'hard link to /tmp/a'),
      absent(2, 'skipped', 'not a regular file'),
    ];
    const { folder, manifest } = await makeCapture({ entries });
    Reflect.deleteProperty(manifest, 'completeness');
    const capture = { ...(await openLocal(folder)), manifest };
    assert.match((await verifyCapture(capture)).summary, /; evidence complete$/u);
    const rows = new Map(headRows(capture, await viewCapture(capture, undefined)));
    assert.equal(rows.get('evidence'), 'complete');
    assert.match(completenessText(manifest), /^partial: 2 skipped/u, 'and from its counts where they were not read');
  });

  test('of an older capture is what its outcomes say', async () => {
    const older = (await makeCapture()).manifest;
    Reflect.deleteProperty(older, 'completeness');
    assert.equal(completenessText(older), 'partial: 1 denied');
    assert.equal(completenessIn({ ...older, outcomes: { collected: 3, missing: 2 } }).state, 'complete');
    assert.equal(completenessIn({ ...older, outcomes: { collected: 3 }, endedEarly: 'SHUTDOWN' }).state, 'partial');
    assert.equal(completenessOf({ collected: 3 }, { isWhole: false }, undefined).state, 'partial');
  });

  test('counts lost segments and an early end, and bounds its reasons', () => {
    const short = new Shortfalls();
    for (let number = 0; number < 100; number += 1) short.add({ outcome: 'failed', reason: `reason ${number}` });
    const { reasons, outcomes } = short.result(2, 'a signed order to stop');
    assert.deepEqual(outcomes, { failed: 100 });
    assert.ok(reasons.length <= 15);
    assert.deepEqual(reasons.slice(0, 2), [
      { reason: 'segments could not be stored', count: 2 },
      { reason: 'ended early: a signed order to stop', count: 1 },
    ]);
  });
});
