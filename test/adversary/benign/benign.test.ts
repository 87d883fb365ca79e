/**
 * Workloads that look suspicious start no capture at the default policy. Their packages: `npm ci` in
 * test/adversary/benign.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { benign, lackingForSandbox, lackingPackages } from '../detection/suites.ts';
import { runTrial } from '../detection/trial.ts';
import { missing } from '../../peers.ts';
import { ensureClients, STARTS_BOTH } from '../../sandbox/clients.ts';

const LIMIT = { timeout: 300_000, skip: STARTS_BOTH };
const lacking = lackingForSandbox();
// Two minutes where they are built, which is not in the time of a case.
before(() => void ensureClients());

const all = await benign();

describe('benign workloads start no capture', () => {
  for (const { name, folder, scenario } of all) {
    if (scenario.nightly === true) continue;
    for (const runtime of scenario.victims) {
      test(`${name}: ${runtime}`, LIMIT, async (t) => {
        if (lacking !== undefined) return void missing(t, lacking);
        const packages = lackingPackages(scenario);
        if (packages.length > 0)
          return void missing(t, `${packages.join(', ')} (npm ci --ignore-scripts in test/adversary/benign)`);
        const trial = await runTrial({
          folder,
          scenario,
          runtime,
          watchers: runtime === 'node' ? ['wrapper', 'extension'] : ['extension'],
          further: 0,
        });
        // A workload that failed proves nothing.
        assert.deepEqual(
          trial.answers.filter((answer) => !/^(?:ready|response)/u.test(answer)),
          [],
          trial.output,
        );
        assert.deepEqual(trial.faults, []);
        for (const { watcher, triggered, high } of trial.watched)
          assert.deepEqual({ watcher, triggered, high }, { watcher, triggered: false, high: [] });
      });
    }
  }
});
