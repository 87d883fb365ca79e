/** What `amber trigger` and `amber status` refuse or miss, and what they say then. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXIT } from '../../src/cli/amber.ts';
import { judgeOrder } from '../../src/trigger/order-judge.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Order } from '../../src/trigger/order.ts';
import { freshFolder } from '../acquire/scene.ts';
import { fault, type Rule } from '../servers/aws-proxy.ts';
import { amber } from './function-orders.ts';
import { configured, isUpdate, keyFile, publicKey } from './trigger-scene.ts';

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
