import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, THOUSAND } from './fleet.ts';

test('1,000 sandboxes with a detector that always fires: the cap of each sandbox holds without a fleet cap', async () => {
  const { captures, most } = await simulate({ ...THOUSAND, hours: 1, fleetCap: 0 });
  assert.deepEqual([captures, most], [3000, 3]);
});

test('and with one, a day has so many captures, however often they fire; after midnight again', async () => {
  const { captures, most, mostInADay, slotRequests, logLines, fired } = await simulate(THOUSAND);
  assert.equal(fired, 480_000);
  assert.deepEqual([captures, mostInADay], [40, 20]);
  assert.ok(most <= 3);
  // Once full, a sandbox asks again on the next day and not before: at most 20 requests each, on two days.
  assert.ok(slotRequests <= 2 * 20 * 1000 + 40, String(slotRequests));
  assert.ok(logLines <= 4 * 1000, String(logLines));
});
