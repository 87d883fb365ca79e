/** A small run of what `npm run faults` does a thousand times. `.ci/run` gives FAULTS_SEED, of the commit. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { missing } from '../../peers.ts';
import { openBucket, useKeys, type Bucket } from './bucket.ts';
import { runCaptures } from './captures.ts';
import { FAULTS } from './cases.ts';
import { captureTable, killTable } from './figures.ts';
import { runKills } from './kill.ts';

const seed = Number(process.env['FAULTS_SEED'] ?? 7);

suite('a capture under faults', { timeout: 300_000 }, () => {
  let bucket: Bucket;
  before(async () => {
    useKeys();
    bucket = await openBucket('faults');
  });
  after(() => bucket.close());

  test('28 captures against a proxy that fails: whole, cut and salvageable, or reported as failed; the handler does not notice', async (t) => {
    if (bucket.server === 'fauxqs') sayWhatIsMissing(t);
    const figures = await runCaptures({ captures: 28, seed, bucket });
    t.diagnostic(captureTable(figures));
    assert.deepEqual(figures.violations, []);
    assert.equal(figures.handlersRight, 28);
    assert.deepEqual(Object.keys(figures.byFault).sort(), [...FAULTS].sort());
    assert.ok(figures.acknowledged > 28 && figures.salvaged > 100);
  });

  test('28 captures killed at a random moment: everything that was acknowledged is readable', async (t) => {
    if (bucket.server === 'fauxqs') sayWhatIsMissing(t);
    const figures = await runKills({ kills: 28, seed, bucket });
    t.diagnostic(killTable(figures));
    assert.deepEqual(figures.violations, []);
    assert.ok(figures.moments['some segments'] > 0 && figures.holed > 0 && figures.salvaged > 100);
  });
});

/** It goes on against a server that checks less; where all peers are required, it fails. */
function sayWhatIsMissing(t: { diagnostic: (text: string) => void }): void {
  missing(
    { skip: (message) => t.diagnostic(message) },
    'radosgw: fauxqs stands in, which checks neither signatures nor If-None-Match',
  );
}
