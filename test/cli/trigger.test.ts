/** `amber trigger` and `amber status` as built files, against moto (Lambda, Logs, STS, SSM) and two S3 servers. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { judgeOrder } from '../../src/trigger/order-judge.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Order } from '../../src/trigger/order.ts';
import { freshFolder } from '../acquire/scene.ts';
import { fault, json, type Rule } from '../servers/aws-proxy.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { fauxqsPlace, radosgwPlace, type WarmPlace } from '../e2e/warm-places.ts';
import { newOrder } from '../host/orders/orders.ts';
import { amber, configured as configuredWith, type Configure } from './function-orders.ts';

const configured: Configure = (t, env, ...rules) =>
  configuredWith(t, { ...env, AMBER_CONTROL_KEY: publicKey }, ...rules);
const isUpdate: (url: URL, method: string) => boolean = (url, method) =>
  method === 'PUT' && url.pathname.endsWith('/functions/checkout/configuration');
const isInvoke: (url: URL, method: string) => boolean = (url, method) =>
  method === 'POST' && url.pathname.endsWith('/functions/checkout/invocations');

let keyFile: string;
let publicKey: string;
before(async () => {
  const folder = join(freshFolder(), 'keys');
  const made = await amber('trigger', '--new-key', folder, '--json');
  assert.equal(made.code, EXIT.ok);
  ({ privateFile: keyFile, publicKey } = made.json as { privateFile: string; publicKey: string });
});
after(() => stopRadosgw());

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

describe('what is wrong', () => {
  const base = { AMBER_DESTINATION: 's3://evidence-bucket/amber', AMBER_CONTROL: 'ssm:/amber/orders' };
  const cases: readonly [string, readonly string[], number, RegExp][] = [
    ['no reason', [], EXIT.usage, /Say why: --reason/u],
    [
      'what needs a signature',
      ['--reason', 'r', '--destination', 's3://other/x'],
      EXIT.usage,
      /would refuse this order: .* destination/u,
    ],
    ['stop without a signature', ['--reason', 'r', '--stop'], EXIT.usage, /asks for stop/u],
    [
      'a collector that is not known',
      ['--reason', 'r', '--collect', '+everything', '--sign', 'KEY'],
      EXIT.usage,
      /names "everything"/u,
    ],
    ['a key that is none', ['--reason', 'r', '--sign', 'package.json'], EXIT.usage, /no private key/u],
    ['too long', ['--reason', 'r', '--expires', '8d'], EXIT.usage, /7d at most/u],
    [
      'a payload that is no JSON',
      ['--reason', 'r', '--probe-payload', '{'],
      EXIT.usage,
      /--probe-payload is "\{"; expected JSON, or @FILE/u,
    ],
  ];
  test('is said before anything is written', async (t) => {
    const set = await configured(t, base);
    if (set === undefined) return;
    for (const [name, options, code, message] of cases) {
      const ran = await amber(
        'trigger',
        'checkout',
        ...options.map((one) => (one === 'KEY' ? keyFile : one)),
        '--requester',
        'me',
        '--endpoint',
        set.proxy.endpoint,
        '--region',
        'eu-central-1',
      );
      assert.equal(ran.code, code, `${name}: ${ran.err}`);
      assert.match(ran.err, message, name);
    }
    assert.equal(set.proxy.seen.includes('PutParameter'), false);
  });

  test('is named with the action that is missing', async (t) => {
    const set = await configured(t, base);
    if (set === undefined) return;
    const at = ['--endpoint', set.proxy.endpoint, '--region', 'eu-central-1'];
    const denied =
      (operation: string): Rule =>
      (asked) =>
        asked.operation === operation ? fault(400, 'AccessDeniedException') : undefined;
    set.proxy.rules.push(denied('PutParameter'), denied('GetParameter'));
    const written = await amber('trigger', 'checkout', '--reason', 'r', '--requester', 'me', ...at);
    assert.deepEqual(
      [written.code, written.err.includes('ssm:PutParameter on ssm:/amber/orders is denied')],
      [EXIT.unreachable, true],
      written.err,
    );
    const read = await amber('status', 'checkout', ...at);
    assert.deepEqual(
      [read.code, read.err.includes('ssm:GetParameter on ssm:/amber/orders is denied')],
      [EXIT.unreachable, true],
      read.err,
    );
    set.proxy.rules.length = 0;
    set.proxy.rules.push(denied('DescribeLogStreams'), ({ url, method }) =>
      isUpdate(url, method) ? fault(403, 'AccessDeniedException') : undefined,
    );
    const flagged = await amber('trigger', 'checkout', '--reason', 'r', '--requester', 'me', '--env-flag', ...at);
    assert.deepEqual(
      [flagged.code, flagged.err.includes('lambda:UpdateFunctionConfiguration is denied')],
      [EXIT.unreachable, true],
      flagged.err,
    );
    const streams = await amber('status', 'checkout', '--captures', freshFolder(), ...at);
    assert.match(streams.err, /logs:DescribeLogStreams is denied/u);
  });

  test('no channel, and a dry run that writes nothing', async (t) => {
    const set = await configured(t, { AMBER_DESTINATION: 's3://evidence-bucket/amber' });
    if (set === undefined) return;
    const at = ['--endpoint', set.proxy.endpoint, '--region', 'eu-central-1', '--requester', 'me'];
    assert.match((await amber('trigger', 'checkout', '--reason', 'r', ...at)).err, /has no AMBER_CONTROL/u);
    const dry = await amber(
      'trigger',
      'checkout',
      '--reason',
      'r',
      '--control',
      'ssm:/somewhere',
      '--log-stream',
      'one',
      '--dry-run',
      '--json',
      ...at,
    );
    assert.deepEqual(
      [dry.code, dry.json['written'], (dry.json['order'] as Order).scope],
      [EXIT.ok, false, { function: 'checkout', logStream: 'one' }],
    );
    const text = await amber(
      'trigger',
      'checkout',
      '--reason',
      'GuardDuty "42" \u2028 \u00e4\u{1f600}\\n',
      '--control',
      'appconfig:a/b/c',
      '--dry-run',
      ...at,
    );
    assert.deepEqual(
      [text.code, (JSON.parse(text.out) as Order).reason],
      [EXIT.ok, 'GuardDuty "42" \u2028 \u00e4\u{1f600}\\n'],
      text.out,
    );
    assert.match(text.err, /^It would be written to appconfig:a\/b\/c\n$/u);
    const idle = await amber('trigger', 'checkout', '--withdraw', '--control', 'appconfig:a/b/c', '--dry-run', ...at);
    assert.deepEqual([idle.code, JSON.parse(idle.out)], [EXIT.ok, { amber: 1, state: 'idle' }]);
    const event = await amber(
      'trigger',
      'checkout',
      '--reason',
      'r',
      '--control',
      'ssm:/somewhere',
      '--event',
      '--sign',
      keyFile,
      '--json',
      ...at,
    );
    const body = Buffer.from(String(event.json['token']), 'base64url');
    const config = resolveConfig({ controlKey: publicKey }, {});
    assert.equal(
      judgeOrder(body, { config, channel: 'event', trigger: 'event', nowMs: Date.now(), needsSignature: true }).kind,
      'admitted',
    );
    assert.match(
      (await amber('trigger', 'checkout', '--reason', 'r', '--control', 'ssm:/somewhere', '--event', ...at)).err,
      /it is not signed/u,
    );
    assert.equal(set.proxy.seen.includes('PutParameter'), false);
  });
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
