import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signalAfter } from '../src/signal-after.ts';

test('a signal by the clock takes any number of milliseconds', async () => {
  for (const ms of [0, -0, -1, 0.2, 249.75, -249.75, 2 ** 33, Infinity, -Infinity, NaN])
    assert.doesNotThrow(() => signalAfter(ms), String(ms));
  for (const ms of [-Infinity, -5, NaN, 0, 1.5]) {
    const signal = signalAfter(ms);
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      else {
        signal.addEventListener('abort', resolve, { once: true });
        setTimeout(resolve, 5000);
      }
    });
    assert.ok(signal.aborted, `${ms} ms were not over after 5 s`);
  }
  const far = [2 ** 31, 2 ** 33, Infinity].map((ms) => signalAfter(ms));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(
    far.map(({ aborted }) => aborted),
    [false, false, false],
  );
});
