/** Emulated attacks at the default policy: the quick part of `npm run detection`. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { DETECTOR_NAMES } from '../../../src/config/names.ts';
import { attacks, lackingForSandbox } from '../detection/suites.ts';
import { runTrial, verdict } from '../detection/trial.ts';
import { missing } from '../../peers.ts';
import { ensureClients, STARTS_BOTH } from '../../sandbox/clients.ts';

const LIMIT = { timeout: 60_000, skip: STARTS_BOTH };
const lacking = lackingForSandbox();
// Two minutes where they are built, which is not in the time of a case.
before(() => void ensureClients());

const all = await attacks();

describe('manifests of attacks', () => {
  for (const { name, scenario } of all) {
    test(name, () => {
      assert.ok(scenario.does.endsWith('.') && scenario.victims.length > 0 && scenario.events.length > 1);
      for (const id of scenario.techniques) assert.match(id, /^T\d{4}(?:\.\d{3})?$/u);
      assert.match(scenario.source, /^A\d{1,2}$/u);
      assert.ok(scenario.detectors.length > 0);
      assert.deepEqual(
        scenario.detectors.filter((one) => !DETECTOR_NAMES.includes(one)),
        [],
      );
      assert.ok(scenario.evidence.length > 0 || scenario.limit !== undefined);
      assert.ok(scenario.quick === undefined || scenario.blind?.[scenario.quick] === undefined);
    });
  }
});

describe('attacks are found', () => {
  for (const { name, folder, scenario } of all) {
    const watcher = scenario.quick;
    if (watcher === undefined) continue;
    // One victim and one watcher: all of them are run by `npm run detection`.
    const runtime = watcher === 'wrapper' ? 'node' : 'python';
    test(`${name}: ${runtime}, by the ${watcher}`, LIMIT, async (t) => {
      if (lacking !== undefined) return void missing(t, lacking);
      const trial = await runTrial({ folder, scenario, runtime, watchers: [watcher] });
      assert.deepEqual(trial.absent, [], `the emulation did not do what it is to do: ${trial.output}`);
      assert.deepEqual(
        trial.answers.filter((answer) => !/^(?:ready|response)/u.test(answer)),
        [],
        trial.output,
      );
      const [watched] = trial.watched;
      assert.ok(watched !== undefined);
      const { found, lacks } = verdict(scenario, watched);
      assert.ok(found, JSON.stringify({ high: watched.high, low: watched.low, output: trial.output }, undefined, 1));
      assert.deepEqual([lacks, trial.faults], [[], []]);
    });
  }
});
