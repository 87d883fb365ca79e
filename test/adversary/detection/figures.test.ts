/** What the figures of `npm run detection` count, and what they leave out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { figuresOf, hostText, type AttackRow, type BenignRow, type Blind } from './figures.ts';

const attack = (facts: Partial<AttackRow>): AttackRow => ({
  attack: 'a',
  victim: 'node',
  watcher: 'wrapper',
  found: false,
  by: [],
  after: undefined,
  problems: [],
  limit: undefined,
  level: undefined,
  findings: [],
  tookMs: 1,
  ...facts,
});
const workload = (facts: Partial<BenignRow>): BenignRow => ({
  workload: 'w',
  victim: 'node',
  watcher: 'wrapper',
  triggered: false,
  problems: [],
  findings: [],
  tookMs: 1,
  ...facts,
});
const BLIND: Blind = { attack: 'c', victim: 'node', watcher: 'extension', why: 'it has ended' };

describe('the figures of detection', () => {
  test('an attack that one host finds is found, and each host is counted by itself', () => {
    const rows = [attack({}), attack({ watcher: 'extension', found: true, by: ['miner'] }), attack({ attack: 'b' })];
    const { tried, found, missed, detectors, hosts } = figuresOf(rows, [BLIND], []);
    assert.deepEqual([tried, found, missed, detectors], [2, 1, ['b (node)'], { miner: 1 }]);
    assert.deepEqual([hosts.wrapper.high, hosts.wrapper.blind], [{ found: 0, of: 2 }, 0]);
    assert.deepEqual([hosts.extension.high, hosts.extension.blind], [{ found: 1, of: 1 }, 1]);
  });

  test('what is known to be medium is apart, and so is what is out of reach', () => {
    const rows = [attack({ level: 'medium', found: true }), attack({ attack: 'b', limit: 'nobody sees it' })];
    const { tried, limits, hosts } = figuresOf(rows, [], []);
    assert.deepEqual([tried, limits], [1, 1]);
    assert.deepEqual([hosts.wrapper.high.of, hosts.wrapper.medium], [0, { found: 1, of: 1 }]);
  });

  test('a workload that started a capture is told of its host, with the median of findings', () => {
    const rows = [workload({}), workload({ findings: ['low x'] }), workload({ triggered: true, findings: ['a', 'b'] })];
    const { hosts } = figuresOf([], [], [...rows, workload({ watcher: 'extension' })]);
    assert.equal(
      hostText('wrapper', hosts.wrapper),
      'wrapper   1 of 3 workloads started a capture (median 1 findings)',
    );
    assert.deepEqual([hosts.extension.captured, hosts.extension.workloads], [0, 1]);
  });
});
