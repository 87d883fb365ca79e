import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { resolveConfig } from '../../../src/config/config.ts';
import { acquireProcessLock } from '../../../src/host/monitor/process-lock.ts';

const config = resolveConfig({}, {});
const cause = { trigger: 'error', reason: 'test' } as const;

const SOURCE = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { acquireProcessLock } = await import(workerData.module);
  const turns = new Map();
  parentPort.on('message', async ({ trigger, release, cooldownMs, id }) => {
    if (release) turns.get(release)?.();
    else {
      const turn = await acquireProcessLock({ trigger, reason: 'test', ...(id === undefined ? {} : { order: { id } }) }, { cooldownMs });
      if (turn !== undefined) turns.set(trigger, turn);
      parentPort.postMessage(turn !== undefined);
    }
  });
`;

function thread(): {
  ask: (trigger: string, cooldownMs?: number, id?: string) => Promise<boolean>;
  release: (trigger: string) => void;
  end: () => Promise<number>;
} {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(SOURCE)}`), {
    workerData: { module: import.meta.resolve('../../../src/host/monitor/process-lock.ts') },
  });
  return {
    ask: async (trigger, cooldownMs = 0, id) => {
      worker.postMessage({ trigger, cooldownMs, id });
      return new Promise((resolve) => worker.once('message', resolve));
    },
    release: (release) => worker.postMessage({ release }),
    end: async () => worker.terminate(),
  };
}

test('the main thread asks nobody', async () => {
  assert.ok(await acquireProcessLock(cause, config));
  assert.ok(await acquireProcessLock(cause, config));
});

test('threads capture one after the other, the flag captures once, and a thread that dies gives its turn back', async (t) => {
  const [first, second] = [thread(), thread()];
  t.after(async () => Promise.all([first.end(), second.end()]));
  assert.equal(await first.ask('flag'), true);
  assert.equal(await second.ask('flag'), false);
  assert.equal(await second.ask('error'), false);
  first.release('flag');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await second.ask('flag'), false);
  assert.equal(await second.ask('error', 60_000), true);
  second.release('error');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await first.ask('error'), false);
  await second.end();
  assert.equal(await first.ask('error'), true);
});

test('an order is carried out by one of the threads', async (t) => {
  const [first, second] = [thread(), thread()];
  t.after(async () => Promise.all([first.end(), second.end()]));
  const id = 'x'.repeat(64);
  assert.equal(await first.ask('control', 0, id), true);
  first.release('control');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await second.ask('control', 0, id), false);
  assert.equal(await second.ask('control', 0, 'another-order'), true);
});
