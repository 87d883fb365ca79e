/** A signed order to stop ends a capture that runs: over a channel that the test plays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../../src/config.ts';
import { openControl } from '../../src/host/control.ts';
import { heedStop } from '../../src/host/stop-order.ts';
import type { ControlChannel } from '../../src/ship/channels/index.ts';
import { bytes, IDLE, newOrder, newResponder, signed } from './orders.ts';
import { sleep } from './ground.ts';

const responder = newResponder();

interface Heeded {
  says: unknown;
  readonly reasons: string[];
  reads: number;
  readonly end: () => void;
  /** Resolves when the channel has been read so often since. */
  readonly read: (times: number) => Promise<void>;
}

async function heeded(): Promise<Heeded> {
  const channel: ControlChannel = {
    location: 's3://control/orders.json',
    read: () => {
      at.reads += 1;
      return Promise.resolve({ ok: true, value: { state: 'changed', body: bytes(at.says), etag: undefined, serverDate: undefined } });
    },
    dropConnections: () => undefined, close: () => undefined,
  };
  const config = resolveConfig({ destination: 's3://evidence/amber', control: 's3://control/orders.json', controlTtlMs: 0, controlKey: responder.key }, {});
  const control = await openControl(config, { env: { AWS_LAMBDA_FUNCTION_NAME: 'checkout' }, log: () => undefined, channel });
  const reasons: string[] = [];
  const end = heedStop({ control, ttlMs: 0, facts: () => undefined, stop: ({ message }) => reasons.push(message) });
  const at: Heeded = {
    says: IDLE, reasons, reads: 0, end,
    read: async (times) => {
      const until = at.reads + times;
      for (let turn = 0; turn < 1000 && at.reads < until; turn += 1) await sleep(10);
      await sleep(5); // the answer is judged
    },
  };
  return at;
}

test('one that comes while a capture runs ends it, once', async () => {
  const at = await heeded();
  await at.read(2);
  assert.deepEqual(at.reasons, []);
  at.says = signed(responder, { state: 'stop' });
  await at.read(1);
  for (let turn = 0; turn < 500 && at.reasons.length === 0; turn += 1) await sleep(10);
  assert.deepEqual(at.reasons, ['a signed order to stop (AMBER_CONTROL) came']);
  const { reads } = at;
  await sleep(250);
  assert.equal(at.reads, reads, 'nothing is read after it');
  at.end();
});

test('one that is not signed, is signed by another or is for another function ends none', async () => {
  const at = await heeded();
  for (const order of [newOrder({ state: 'stop' }), signed(newResponder(), { state: 'stop' }), signed(responder, { state: 'stop', scope: { function: 'other' } }), signed(responder)]) {
    at.says = order;
    await at.read(2);
  }
  assert.deepEqual(at.reasons, []);
  at.end();
});

test('nothing is read when the capture has ended, and a read that is under way says nothing any more', async () => {
  const at = await heeded();
  await at.read(1);
  at.end();
  const { reads } = at;
  at.says = signed(responder, { state: 'stop' });
  await sleep(250);
  assert.deepEqual([at.reads, at.reasons], [reads, []]);
});
