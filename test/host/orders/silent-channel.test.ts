/** A control channel that is slow, fails, cannot be opened or was frozen: what it may hold up. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lambdaContext, sleep, wrap } from '../environment.ts';
import { handlerOf, ordered, play, settled } from './played.ts';

describe('a channel that does not answer', () => {
  test('holds one answer for 150 ms at most, and no further one', async () => {
    const at = play({}, { takesMs: 0 });
    const handler = handlerOf(at);
    await settled(at);
    await handler({}, lambdaContext());
    await settled(at);
    at.takesMs = 60_000;
    const took: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      const started = performance.now();
      assert.equal(await handler({}, lambdaContext()), 'answer');
      took.push(performance.now() - started);
    }
    assert.equal(took.filter((ms) => ms > 100).length, 1, took.join(' '));
  });

  test('one that fails holds none', async () => {
    const at = play();
    at.fails = true;
    const handler = handlerOf(at);
    await sleep(5);
    at.takesMs = 60_000;
    const started = performance.now();
    for (let count = 0; count < 5; count += 1) await handler({}, lambdaContext());
    assert.ok(performance.now() - started < 100);
  });

  test('a channel that cannot be opened is one line', async () => {
    const at = play();
    const handler = wrap({ ...at.environment, control: () => Promise.reject(new TypeError('secret')) }, () =>
      Promise.resolve('answer'),
    );
    for (let count = 0; count < 3; count += 1) assert.equal(await handler(), 'answer');
    await sleep(5);
    assert.deepEqual(
      at.environment.lines.map(({ amber, where, error }) => [amber, where, error]),
      [['fault', 'control', 'the channel could not be opened']],
    );
  });
});

test('a read that was frozen is called off, its connections are dropped, and another one is begun', async (t) => {
  const at = play();
  const handler = handlerOf(at);
  await settled(at);
  at.takesMs = 60_000;
  await handler({}, lambdaContext());
  await sleep(5);
  const { reads, drops } = { reads: at.reads.length, drops: at.drops };
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 30_000 });
  at.takesMs = 0;
  at.brings = ordered();
  await handler({}, lambdaContext());
  assert.deepEqual([at.reads.length, at.drops], [reads + 1, drops + 1]);
  assert.equal(at.reads.at(-2)?.signal?.aborted, true);
  assert.equal(at.environment.requests.length, 1, 'what was wanted before counts now');
});
