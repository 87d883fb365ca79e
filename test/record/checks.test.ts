/** What no hook tells of is compared in turns: replaced functions, methods, prototypes, variables, the debugger. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { makeTurns, TURN, type Check } from '../../src/record/checks/check.ts';
import { openRecorder } from '../../src/record/recorder.ts';
import { openRing } from '../../src/record/ring.ts';
import { times } from '../effort.ts';
import { recorded } from './recorded.ts';

describe('what no hook tells of', () => {
  test('is compared in turns, and told once', async () => {
    const { of, stdout } = await recorded(
      `
      const fs = require('node:fs');
      fs.writeFileSync(folder + '/dep.js', 'exports.sign = () => 1; exports.Client = class { send() {} };');
      const dep = require(folder + '/dep.js');
      const turns = () => { for (let n = 1; n <= recording.facts().longestDelay * 3; n += 1) begins(n); };
      turns();
      JSON.parse = () => 0;
      dep.sign = () => 2;
      dep.Client.prototype.send = () => 3;
      Object.prototype.polluted = 1;
      process.env.HTTPS_PROXY = 'http://user:word@203.0.113.7:8080';
      delete process.env.AWS_ENDPOINT_URL;
      turns();
      turns();
      delete Object.prototype.polluted;
      console.log(recording.facts().longestDelay);
    `,
      { env: { AWS_ENDPOINT_URL: 'http://127.0.0.1' } },
    );
    assert.deepEqual(
      of('builtin').map(({ subject }) => subject),
      ['JSON.parse'],
    );
    assert.deepEqual(
      of('method').map(({ subject }) => subject.split('/').at(-1)),
      ['dep.js sign', 'dep.js Client.send'],
    );
    assert.deepEqual(
      of('prototype').map(({ subject }) => subject),
      ['Object.prototype.polluted'],
    );
    assert.deepEqual(
      of('variable')
        .map(({ subject }) => subject)
        .sort(),
      ['AWS_ENDPOINT_URL', 'HTTPS_PROXY=http://203.0.113.7:8080'],
    );
    assert.ok(Number(stdout) > 10 && Number(stdout) < 100, stdout);
  });

  test('is compared at once where a module has come', async () => {
    const { of } = await recorded(`
      require('node:fs').writeFileSync(folder + '/late.js', 'JSON.parse = () => 0;');
      begins(1);
      begins(2);
      require(folder + '/late.js');
      begins(3);
    `);
    assert.deepEqual(
      of('builtin').map(({ subject, invocation }) => [subject, invocation]),
      [['JSON.parse', 3]],
    );
  });

  test('the debugger is told of by its address, without what opens the session', async () => {
    const { of } = await recorded(`
      begins(1);
      require('node:inspector').open(0, '127.0.0.1');
      begins(2);
      require('node:inspector').close();
    `);
    assert.match(of('inspector')[0]?.subject ?? '', /^127\.0\.0\.1:\d+$/u);
  });

  test('a hook that was silenced is told of', async () => {
    const { of } = await recorded(`
      begins(1);
      require('node:diagnostics_channel').channel('worker_threads')._subscribers.length = 0;
      for (let n = 2; n <= recording.facts().longestDelay + 2; n += 1) begins(n);
    `);
    assert.deepEqual(
      of('hook').map(({ subject }) => subject),
      ['worker_threads'],
    );
  });
});

test('an invocation compares no more than its turn, each check within the longest delay, none twice in a turn', () => {
  const weights = fc.array(fc.integer({ min: 1, max: TURN }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(weights, fc.nat(200), (all, before) => {
      const asked: number[] = [];
      const turns = makeTurns();
      turns.add(all.map((weight, at): Check => ({ weight, ask: () => void asked.push(at) })));
      const recorder = openRecorder({ language: 'test', pid: 1 }, () => openRing([]));
      for (let turn = 0; turn < before; turn += 1) turns.next(recorder);
      const seen = new Set<number>();
      for (let turn = 0; turn < turns.longest(); turn += 1) {
        asked.length = 0;
        turns.next(recorder);
        assert.equal(new Set(asked).size, asked.length);
        assert.ok(asked.reduce((sum, at) => sum + (all[at] ?? 0), 0) <= TURN);
        for (const at of asked) seen.add(at);
      }
      assert.equal(seen.size, all.length);
    }),
    { numRuns: times(200) },
  );
});
