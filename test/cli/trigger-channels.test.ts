/** `amber trigger` and `amber status` over every channel, as built files, on both runtimes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { freshFolder, type Scene } from '../acquire/scene.ts';
import { json, type Rule } from '../servers/aws-proxy.ts';
import { newOrder } from '../host/orders/orders.ts';
import { amberWith, configured } from './function-orders.ts';
import { NODE_22 } from './program.ts';

describe('every channel, in a process that waits for its answers', () => {
  const order = { ...newOrder(), scope: { function: 'checkout' } };
  const appconfig: Rule = ({ method, url }) => {
    if (method === 'POST' && url.pathname === '/configurationsessions')
      return json({ InitialConfigurationToken: 'first' }, 201);
    return url.pathname === '/configuration'
      ? json(order, 200, { 'next-poll-configuration-token': 'second' })
      : undefined;
  };
  /** The channel, what status says of its order before and after `trigger`, and how `trigger` ends. */
  const channels: readonly (readonly [control: string, before: string, code: number, says: RegExp, after: string])[] = [
    ['s3://built-control/amber/orders.json', 'idle', EXIT.ok, /^written s3:\/\/built-control/mu, 'pending'],
    ['ssm:/amber/built', 'idle', EXIT.ok, /^written ssm:\/amber\/built/mu, 'pending'],
    ['appconfig:shop/prod/amber', 'pending', EXIT.usage, /takes a deployment: .* --dry-run/u, 'pending'],
    ['lambda:self', 'idle', EXIT.usage, /AMBER_CAPTURE=now in the configuration/u, 'idle'],
  ];
  for (const [control, before, code, says, after] of channels) {
    test(control, async (t) => {
      const set = await configured(t, { AMBER_DESTINATION: 's3://evidence-bucket/amber', AMBER_CONTROL: control });
      if (set === undefined) return;
      set.proxy.rules.push(appconfig);
      const at = ['--endpoint', set.proxy.endpoint, '--region', 'eu-central-1', '--captures', freshFolder()];
      const state = async (node: string): Promise<unknown> => {
        const told = await amberWith({ node }, 'status', 'checkout', ...at, '--json');
        assert.deepEqual([told.code, told.err], [EXIT.ok, '']);
        return (told.json['ordered'] as { state: string }).state;
      };
      await prepare(set, control);
      for (const node of [process.execPath, NODE_22]) {
        assert.equal(await state(node), before);
        const ran = await amberWith({ node }, 'trigger', 'checkout', '--reason', 'r', '--requester', 'me', ...at);
        assert.equal(ran.code, code, ran.err);
        assert.match(ran.out + ran.err, says);
        assert.equal(await state(node), after);
        const withdrawn = await amberWith({ node }, 'trigger', 'checkout', '--withdraw', ...at);
        assert.equal(withdrawn.code, code, withdrawn.err);
        assert.equal(await state(node), before);
      }
    });
  }

  test('lambda:self tells of the flag that a responder has set', async (t) => {
    const set = await configured(t, { AMBER_DESTINATION: 's3://evidence-bucket/amber', AMBER_CONTROL: 'lambda:self' });
    if (set === undefined) return;
    const at = ['--endpoint', set.proxy.endpoint, '--region', 'eu-central-1', '--captures', freshFolder()];
    set.proxy.rules.push(({ operation, url }) =>
      operation === 'GetFunctionConfiguration' && url.search === ''
        ? json({
            FunctionArn: set.made.functionArn,
            FunctionName: 'checkout',
            RevisionId: '0f6b7c1e-5c0a-4b55-9f0e-aa12bb34cc56',
            LastModified: new Date().toISOString(),
            Environment: {
              Variables: {
                AMBER_DESTINATION: 's3://evidence-bucket/amber',
                AMBER_CONTROL: 'lambda:self',
                AMBER_CAPTURE: 'now',
              },
            },
          })
        : undefined,
    );
    for (const node of [process.execPath, NODE_22]) {
      const told = await amberWith({ node }, 'status', 'checkout', ...at, '--json');
      assert.deepEqual(
        [told.code, (told.json['ordered'] as { requester: string }).requester],
        [EXIT.ok, 'configuration of the function'],
        told.err,
      );
    }
  });
});

/** The document that a function without orders reads. */
async function prepare(set: Scene, control: string): Promise<void> {
  const idle = JSON.stringify({ amber: 1, state: 'idle' });
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/u.exec(control) ?? [];
  if (Bucket !== undefined) {
    const s3 = new S3({ endpoint: set.motoEndpoint, region: 'us-east-1', forcePathStyle: true });
    await s3.createBucket({ Bucket });
    await s3.putObject({ Bucket, Key, Body: idle });
    s3.destroy();
  }
  if (!control.startsWith('ssm:')) return;
  const body = JSON.stringify({ Name: control.slice('ssm:'.length), Value: idle, Type: 'String', Overwrite: true });
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'AmazonSSM.PutParameter',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDX/20250101/eu-central-1/ssm/aws4_request, SignedHeaders=host, Signature=0',
  };
  assert.equal((await fetch(set.motoEndpoint, { method: 'POST', headers, body })).status, 200);
}
