/** Completeness is another word than the state: what is stored may be whole, and hold three of thirteen items. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { completenessIn, completenessText } from '../../src/case/completeness.ts';
import { verifyCapture } from '../../src/case/verify.ts';
import { openLocal } from '../../src/case/open.ts';
import type { Entry } from '../../src/contracts.ts';
import { completenessOf, Shortfalls } from '../../src/seal/completeness.ts';
import { bytesEntry, makeCapture } from '../case/captures.ts';

const absent = (number: number, outcome: 'skipped' | 'missing' | 'denied', reason: string): Entry => ({ kind: 'absent', path: `[root]/tmp/${number}`, source: 'x', method: 'openat', outcome, reason });

describe('completeness', () => {
  test('is partial, with counts and reasons, in a whole capture of which the time was over', async () => {
    const late = Array.from({ length: 10 }, (_, index) => absent(index, 'skipped', 'the time of the capture was over'));
    const made = await makeCapture({ entries: [bytesEntry('capture.json', '{}'), ...late] });
    assert.equal(made.manifest.state, 'whole');
    assert.deepEqual(made.manifest.completeness, { state: 'partial', outcomes: { skipped: 10 }, reasons: [{ reason: 'the time of the capture was over', count: 10 }] });
    const { verdict, summary } = await verifyCapture(await openLocal(made.folder));
    assert.equal(verdict, 'verified');
    assert.match(summary, /; evidence partial: 10 skipped \(the time of the capture was over\)$/u);
  });

  test('is complete where all else is there already, left out on purpose, or gone', async () => {
    const { manifest } = await makeCapture({ entries: [bytesEntry('a', 'x'), absent(1, 'missing', 'ENOENT'), absent(2, 'skipped', 'hard link to /tmp/a'), absent(3, 'skipped', 'the same file as recovered/7/exe')] });
    assert.equal(completenessText(manifest), 'complete');
  });

  test('of an older capture is what its outcomes say', async () => {
    const older = (await makeCapture()).manifest;
    Reflect.deleteProperty(older, 'completeness');
    assert.equal(completenessText(older), 'partial: 1 denied');
    assert.equal(completenessIn({ ...older, outcomes: { collected: 3, missing: 2 } }).state, 'complete');
    assert.equal(completenessIn({ ...older, outcomes: { collected: 3 }, endedEarly: 'SHUTDOWN' }).state, 'partial');
    assert.equal(completenessOf({ collected: 3 }, false, undefined).state, 'partial');
  });

  test('counts lost segments and an early end, and bounds its reasons', () => {
    const short = new Shortfalls();
    for (let number = 0; number < 100; number += 1) short.add({ outcome: 'failed', reason: `reason ${number}` });
    const { reasons, outcomes } = short.result(2, 'a signed order to stop');
    assert.deepEqual(outcomes, { failed: 100 });
    assert.ok(reasons.length <= 15);
    assert.deepEqual(reasons.slice(0, 2), [{ reason: 'segments could not be stored', count: 2 }, { reason: 'ended early: a signed order to stop', count: 1 }]);
  });
});
