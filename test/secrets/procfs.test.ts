/** What the kernel writes into procfs is evidence: no rule may take a field of it for a secret. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createRedactor } from '../../src/secrets/redactor.ts';

describe('files of procfs stay as they are', () => {
  for (const name of [
    'status',
    'stat',
    'statm',
    'limits',
    'maps',
    'smaps_rollup',
    'io',
    'mountinfo',
    'cgroup',
    'net/tcp',
    'net/unix',
    'net/sockstat',
    'oom_score',
  ]) {
    test(`/proc/self/${name}`, () => {
      const body = readFileSync(`/proc/self/${name}`);
      const { value, redactions } = createRedactor({}).bytes(body, 'text');
      assert.deepEqual(redactions, []);
      assert.ok(body.equals(value));
    });
  }

  for (const name of ['meminfo', 'stat', 'loadavg', 'uptime', 'version', 'mounts', 'cpuinfo', 'vmstat']) {
    test(`/proc/${name}`, () => {
      const body = readFileSync(`/proc/${name}`);
      assert.deepEqual(createRedactor({}).bytes(body, 'text').redactions, []);
    });
  }

  test('a secret of two characters does not blind the masks of every process', () => {
    const redactor = createRedactor({});
    redactor.learn({ DB_PASSWORD: '0000000000000000' });
    assert.deepEqual(redactor.text('CapInh:\t0000000000000000').redactions, []);
  });
});
