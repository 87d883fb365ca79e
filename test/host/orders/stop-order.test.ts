/** A signed order to stop ends a capture that runs: over a channel that the test plays. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCapture } from '../../../src/capture/capture.ts';
import { resolveConfig } from '../../../src/config/config.ts';
import type { Collector } from '../../../src/contracts/evidence.ts';
import { openControl } from '../../../src/host/orders/control.ts';
import { watchForStopOrder } from '../../../src/host/orders/stop-order.ts';
import type { CaptureManifest } from '../../../src/seal/commit.ts';
import type { ControlChannel } from '../../../src/ship/channels/index.ts';
import { bytes, IDLE, newOrder, newResponder, signerFor } from './orders.ts';
import { lambdaContext, sleep, testEnvironment, wrap, type Handler } from '../environment.ts';

const signed = signerFor('s3://control/orders.json');
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
      return Promise.resolve({
        ok: true,
        value: { state: 'changed', body: bytes(at.says), etag: undefined, serverDate: undefined },
      });
    },
    dropConnections: () => undefined,
    close: () => undefined,
  };
  const config = resolveConfig(
    {
      destination: 's3://evidence/amber',
      control: 's3://control/orders.json',
      controlTtlMs: 0,
      controlKey: responder.key,
    },
    {},
  );
  const control = await openControl(config, {
    env: { AWS_LAMBDA_FUNCTION_NAME: 'checkout' },
    log: () => undefined,
    channel,
  });
  const reasons: string[] = [];
  const end = watchForStopOrder({
    control,
    ttlMs: 0,
    facts: () => undefined,
    stop: ({ message }) => reasons.push(message),
  });
  const at: Heeded = {
    says: IDLE,
    reasons,
    reads: 0,
    end,
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
  for (const order of [
    newOrder({ state: 'stop' }),
    signed(newResponder(), { state: 'stop' }),
    signed(responder, { state: 'stop', scope: { function: 'other' } }),
    signed(responder),
  ]) {
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

test('end to end in process: the capture of a failing handler closes, and its manifest says why', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'amber-stop-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let says: unknown = IDLE;
  const channel: ControlChannel = {
    location: 's3://control/orders.json',
    dropConnections: () => undefined,
    close: () => undefined,
    read: () =>
      Promise.resolve({
        ok: true,
        value: { state: 'changed', body: bytes(says), etag: undefined, serverDate: undefined },
      }),
  };
  const endless: Collector = {
    name: 'endless',
    description: 'of a test',
    tier: 'volatile',
    async *collect() {
      for (let item = 0; item < 10_000; item += 1) {
        yield { kind: 'json', path: `mine/${item}.json`, source: 'x', method: 'api', value: { item } };
        says = signed(responder, { state: 'stop' });
        await sleep(20);
      }
    },
  };
  const env = {
    AMBER_DESTINATION: `file://${folder}`,
    AMBER_CONTROL: 's3://control/orders.json',
    AMBER_CONTROL_TTL_MS: '0',
    AMBER_CONTROL_KEY: responder.key,
    AMBER_ON_ERROR: 'any',
    AMBER_DETECT: 'off',
    AMBER_MAX_MS: '60000',
    AMBER_COLLECT: '-code,-executables,-writable,-procfs',
    AWS_LAMBDA_FUNCTION_NAME: 'checkout',
  };
  const environment = {
    ...testEnvironment(env, 0, runCapture),
    control: () => openControl(resolveConfig({}, env), { env, log: () => undefined, channel }),
  };
  const handler = wrap<Handler>(
    environment,
    async () => {
      await sleep(5);
      throw new Error('failed');
    },
    { collectors: [endless] },
  );
  await assert.rejects(handler({}, lambdaContext(120_000)), /failed/u);
  const [path] = globSync(`${folder}/**/manifest.json`);
  const manifest = JSON.parse(readFileSync(path ?? '', 'utf8')) as CaptureManifest;
  assert.deepEqual(
    [manifest.state, manifest.endedEarly, manifest.cause.trigger],
    ['whole', 'a signed order to stop (AMBER_CONTROL) came', 'error'],
  );
  assert.ok((manifest.outcomes.collected ?? 0) > 1 && (manifest.outcomes.collected ?? 0) < 10_000);
  assert.equal(manifest.collectors['endless']?.skipped, 1, JSON.stringify(manifest.collectors));
});
