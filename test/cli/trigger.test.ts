/** `amber trigger` and `amber status` as built files, against moto (Lambda, Logs, STS, SSM) and two S3 servers. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { judgeOrder } from '../../src/trigger/order-judge.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Order } from '../../src/trigger/order.ts';
import { freshFolder } from '../acquire/scene.ts';
import { json, type Rule } from '../servers/aws-proxy.ts';
import { fauxqsPlace, radosgwPlace, type WarmPlace } from '../e2e/warm-places.ts';
import { newOrder } from '../host/orders/orders.ts';
import { amber } from './function-orders.ts';
import { configured, isUpdate, keyFile, publicKey } from './trigger-scene.ts';

const isInvoke: (url: URL, method: string) => boolean = (url, method) =>
  method === 'POST' && url.pathname.endsWith('/functions/checkout/invocations');

async function controlOf(place: WarmPlace): Promise<Order> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/u.exec(place.env['AMBER_CONTROL'] ?? '') ?? [];
  const { Body } = await place.client.send(new GetObjectCommand({ Bucket, Key }));
  return JSON.parse(await Body!.transformToString()) as Order;
}

/** As a sandbox of this stream would leave it. */
async function leaveCapture(place: WarmPlace, order: Order, logStream: string, id: number): Promise<void> {
  const captureId = `0197c0de-0000-7000-8000-${String(id).padStart(12, '0')}`;
  const started = new Date().toISOString();
  const manifest = {
    format: 'amber-capture/1',
    captureId,
    state: 'whole',
    cause: { trigger: 'control', reason: order.reason, order: { id: order.id } },
    identity: { functionName: 'checkout', logStream },
    tool: { name: 'lambda-amber', version: '0', sha256: null, node: 'v24' },
    clocks: { started, ended: started, elapsedMs: 1, destinationOffsetSeconds: null },
    compression: 'zstd',
    recipient: null,
    segments: [],
    tarball: { sha256: '0'.repeat(64), bytes: 0, tarBytes: 0 },
    chain: { head: null, parts: 0 },
    outcomes: {},
    collectors: {},
    exceptions: [],
    redactions: 0,
    cost: { cpuMs: 0, rssBefore: 0, rssAfter: 0 },
    limits: {},
  };
  const Key = `amber/account=123456789012/region=eu-central-1/function=checkout/date=${started.slice(0, 10)}/capture=${captureId}/manifest.json`;
  await place.client.send(new PutObjectCommand({ Bucket: place.evidence, Key, Body: JSON.stringify(manifest) }));
}

const STREAMS = [0, 1, 2].map((number) => `2025/06/30/[$LATEST]${number.toString(16).padStart(32, '0')}`);

for (const [name, open] of [
  ['fauxqs', fauxqsPlace],
  ['radosgw', radosgwPlace],
] as const) {
  test(`${name}: a signed order is written, captures are told as they arrive, and status gives the coverage`, async (t) => {
    const place = await open(t);
    if (place === undefined) return;
    const set = await configured(t, place.env);
    if (set === undefined) return;
    await place.write({ amber: 1, state: 'idle' });
    const at = ['--endpoint', set.proxy.endpoint, '--region', 'eu-central-1'];
    const idle = await amber('status', 'checkout', ...at, '--json');
    assert.equal(idle.code, EXIT.ok, idle.err + idle.out);
    assert.deepEqual(
      [(idle.json['ordered'] as { state: string }).state, idle.json['active'], idle.json['covered']],
      ['idle', 3, 0],
    );

    const running = amber(
      'trigger',
      'checkout',
      '--reason',
      'GuardDuty 42',
      '--sign',
      keyFile,
      '--collect',
      '+timeline',
      '--wait',
      '--wait-for',
      '30',
      '--every',
      '1',
      ...at,
      '--json',
    );
    let order: Order;
    const endMs = Date.now() + 20_000;
    do {
      await new Promise((resolve) => setTimeout(resolve, 100));
      order = await controlOf(place);
    } while (order.state !== 'capture' && Date.now() < endMs);
    for (const [number, stream] of STREAMS.entries()) await leaveCapture(place, order, stream, number);
    await leaveCapture(place, newOrder(), 'a sandbox of another order', 9);
    const done = await running;
    assert.equal(done.code, EXIT.ok, done.err + done.out);
    assert.equal(set.proxy.seen.includes('UpdateFunctionConfiguration'), false);
    assert.deepEqual(
      (done.json['captures'] as { logStream: string }[]).map(({ logStream }) => logStream).sort(),
      STREAMS,
    );
    // What stands there is what a sandbox takes for signed, with the caller as who asks.
    assert.match(order.requester, /^arn:aws:/u);
    assert.deepEqual(order.scope, { function: 'checkout' });
    const config = resolveConfig({ controlKey: publicKey, destination: 's3://evidence' }, {});
    assert.equal(
      judgeOrder(Buffer.from(JSON.stringify(order)), {
        config,
        channel: String(done.json['control']),
        trigger: 'control',
        nowMs: Date.now(),
      }).kind,
      'admitted',
    );

    const covered = await amber('status', 'checkout', ...at, '--json');
    const { ordered, ...rest } = covered.json as {
      ordered: Record<string, unknown>;
      covered: number;
      missing: string[];
    };
    assert.deepEqual([ordered['state'], ordered['signed'], rest.covered, rest.missing], ['pending', true, 3, []]);
    assert.match((await amber('status', 'checkout', ...at)).out, /coverage {2}3 of 3 sandboxes/u);

    assert.equal((await amber('trigger', 'checkout', '--withdraw', ...at)).code, EXIT.ok);
    assert.deepEqual(await controlOf(place), { amber: 1, state: 'idle' });
  });
}

describe('by an SSM parameter', () => {
  test('the control object is written before the probes, and the flag is set at last, with the other variables as they were', async (t) => {
    const steps: string[] = [];
    const note: Rule = ({ url, method, operation, body }) => {
      if (operation === 'PutParameter') steps.push('order');
      if (isUpdate(url, method)) steps.push(`flag ${body.toString()}`);
      if (!isInvoke(url, method)) return undefined;
      steps.push('probe');
      return json('ok');
    };
    const set = await configured(t, {
      AMBER_DESTINATION: 's3://evidence-bucket/amber',
      AMBER_CONTROL: 'ssm:/amber/orders',
    });
    if (set === undefined) return;
    set.proxy.rules.push(note);
    const at = ['--endpoint', set.proxy.endpoint, '--region', 'eu-central-1'];
    const { code, out, err } = await amber(
      'trigger',
      'checkout',
      '--reason',
      'r',
      '--requester',
      'me',
      '--probe-payload',
      '{"ping":1}',
      '--env-flag',
      ...at,
    );
    assert.equal(code, EXIT.ok, err);
    assert.deepEqual(
      steps.map((step) => step.split(' ')[0]),
      ['order', 'probe', 'probe', 'probe', 'flag'],
    );
    const { Environment } = JSON.parse(steps[4]?.slice(5) ?? '') as {
      Environment: { Variables: Record<string, string> };
    };
    assert.deepEqual([Environment.Variables['AMBER_CAPTURE'], Environment.Variables['STAGE']], ['now', 'prod']);
    assert.match(out, /3 probes sent/u);
    assert.match(err, /--wait lets them capture first/u);
    const told = await amber('status', 'checkout', '--captures', freshFolder(), ...at, '--json');
    assert.deepEqual(
      [
        (told.json['ordered'] as { state: string; requester: string }).state,
        (told.json['ordered'] as { requester: string }).requester,
      ],
      ['pending', 'me'],
      told.err,
    );
  });
});

test('a function that reads no orders has its coverage all the same', async (t) => {
  const set = await configured(t, { AMBER_DESTINATION: 's3://evidence-bucket/amber' });
  if (set === undefined) return;
  const at = ['--captures', freshFolder(), '--endpoint', set.proxy.endpoint, '--region', 'eu-central-1'];
  const { code, json, err } = await amber('status', 'checkout', ...at, '--json');
  assert.equal(code, EXIT.ok, err);
  assert.deepEqual([(json['ordered'] as { state: string }).state, json['active'], json['control']], ['none', 3, null]);
  assert.match((await amber('status', 'checkout', ...at)).out, /^control +none: AMBER_CONTROL is not set/u);
});

test('a key pair is for its owner alone, and is not written over', async () => {
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  assert.match(readFileSync(keyFile, 'utf8'), /^-----BEGIN PRIVATE KEY-----/u);
  const again = await amber('trigger', '--new-key', join(keyFile, '..'));
  assert.deepEqual([again.code, again.err.includes('is there already')], [EXIT.usage, true]);
});

test('a region that is none is said to be none', async () => {
  const { code, err } = await amber('status', 'checkout', '--region', 'eu central');
  assert.deepEqual(
    [code, err.includes('--region is "eu central"; expected the name of a region')],
    [EXIT.usage, true],
    err,
  );
});

test('both explain themselves', async () => {
  for (const name of ['trigger', 'status']) {
    const { code, out } = await amber(name, '--help');
    assert.equal(code, EXIT.ok);
    assert.match(out, /Exit code 0/u);
  }
});
