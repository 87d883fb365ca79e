/** Every channel of the registry keeps to what all of them promise, and reads what a service that we did not write holds. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import { Lambda } from '@aws-sdk/client-lambda';
import { IAM } from '@aws-sdk/client-iam';
import { resolveConfig } from '../../src/config/config.ts';
import { CHANNELS, openChannel } from '../../src/ship/channels/index.ts';
import { parseOrder } from '../../src/trigger/order.ts';
import { testChannel } from '../contracts/channel.ts';
import type { Answer, ChannelService } from '../contracts/channel-service.ts';
import { moto, MOTO_ENV, stopMoto } from '../servers/moto.ts';

after(stopMoto);

const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const inHeader = (status: number, code: string): Answer =>
  json(status, { message: 'as scripted' }, { 'x-amzn-errortype': code.replaceAll(/[^\u0020-\u007e]/gu, '?') });

let version = 0;

/** How each service speaks: S3 in XML, SSM in its body, AppConfig and Lambda in a header. */
const SERVICES: Readonly<Record<string, ChannelService>> = {
  s3: {
    location: 's3://evidence/amber-control/orders.json',
    strange: ['//bucket', '//UPPER_case/k', '//a/', '//169.254.169.254/latest'],
    says: (document) => ({ status: 200, headers: { etag: `"${String((version += 1))}"` }, body: document }),
    refuses: (status, code) => ({
      status,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as scripted</Message></Error>`,
    }),
    actionOf: ({ method, url }) =>
      method === 'GET' && url === '/evidence/amber-control/orders.json' ? 's3:GetObject' : undefined,
  },
  ssm: {
    location: 'ssm:/amber/orders',
    strange: ['"}', '/a'.repeat(2000)],
    says: (document) =>
      json(200, { Parameter: { Name: '/amber/orders', Type: 'String', Value: document, Version: (version += 1) } }),
    refuses: (status, code) => json(status, { __type: code, message: 'as scripted' }),
    actionOf: ({ headers }) => String(headers['x-amz-target']).replace('AmazonSSM.', 'ssm:'),
  },
  appconfig: {
    location: 'appconfig:amber/prod/orders',
    strange: ['a', 'a/b', 'a/b/c/d'],
    says: (document, { method }) =>
      method === 'POST'
        ? json(201, { InitialConfigurationToken: 'token' })
        : {
            status: 200,
            headers: { 'next-poll-configuration-token': 'token', 'next-poll-interval-in-seconds': '0' },
            body: document,
          },
    refuses: inHeader,
    actionOf: ({ method, url }) => {
      const asked = `${method} ${url.split('?', 1)[0] ?? ''}`;
      if (asked === 'POST /configurationsessions') return 'appconfig:StartConfigurationSession';
      return asked === 'GET /configuration' ? 'appconfig:GetLatestConfiguration' : undefined;
    },
  },
  lambda: {
    location: 'lambda:self',
    strange: ['other', 'arn:aws:lambda:eu-central-1:123456789012:function:other'],
    says: (document) => json(200, { FunctionName: 'checkout', Environment: { Variables: { ORDER: document } } }),
    refuses: inHeader,
    actionOf: ({ method, url }) =>
      method === 'GET' && url === '/2015-03-31/functions/checkout/configuration'
        ? 'lambda:GetFunctionConfiguration'
        : undefined,
  },
};

test('names and schemes are unique, each is documented, and each has its service here', () => {
  for (const key of ['name', 'protocol', 'description'] as const)
    assert.equal(new Set(CHANNELS.map((channel) => channel[key])).size, CHANNELS.length, key);
  assert.deepEqual(Object.keys(SERVICES).sort(), CHANNELS.map(({ name }) => name).sort());
  const guide = readFileSync('src/cli/README.md', 'utf8');
  const [, table = ''] = /<!-- table: channels -->(.*?)<!-- \/table -->/su.exec(guide) ?? [];
  for (const { protocol } of CHANNELS) assert.ok(table.includes(protocol), `${protocol} is not in the guide`);
});

for (const provider of CHANNELS) testChannel(provider, SERVICES[provider.name]!);

/** moto has no AppConfig Data: that channel stands on the double alone. */
suite('against moto', () => {
  const open = async (endpoint: string, location: string): ReturnType<typeof openChannel> =>
    openChannel(
      location,
      resolveConfig(
        { s3Endpoint: endpoint, s3PathStyle: true, control: location, destination: 's3://captures/amber' },
        {},
      ),
      {
        ...MOTO_ENV,
        AWS_LAMBDA_FUNCTION_NAME: 'checkout',
        AWS_ENDPOINT_URL_SSM: endpoint,
        AWS_ENDPOINT_URL_LAMBDA: endpoint,
      },
    );
  const soon = (): AbortSignal => AbortSignal.timeout(20_000);
  const ORDERS = ['{"amber":1,"state":"idle"}', '{"amber":1,"state":"idle","note":"\u00fc\u{1f300}"}'];

  for (const location of ['s3://orders/amber-control/orders.json', 'ssm:/amber/orders'])
    test(`${location} is written, read, unchanged, and changed again`, async (t) => {
      const server = await moto(t);
      if (server === undefined) return;
      if (location.startsWith('s3:')) await fetch(`${server.endpoint}/orders`, { method: 'PUT', headers: SIGNED });
      const channel = await open(server.endpoint, location);
      t.after(() => channel.close());
      const absent = await channel.read(4096, soon());
      assert.ok(!absent.ok, 'nothing stands there yet');
      for (const order of ORDERS) {
        const wrote = await channel.write?.(Buffer.from(order), soon());
        assert.ok(wrote?.ok, JSON.stringify(wrote));
        const read = await channel.read(4096, soon());
        assert.ok(read.ok && read.value.state === 'changed', JSON.stringify(read));
        assert.equal(read.value.body.toString('utf8'), order);
        const again = await channel.read(4096, soon());
        assert.ok(again.ok && again.value.state === 'unchanged', JSON.stringify(again));
      }
    });

  test('lambda:self is idle without the flag, and no order without a revision, which moto does not give', async (t) => {
    const server = await moto(t);
    if (server === undefined) return;
    const settings = {
      endpoint: server.endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    };
    const [iam, lambda] = [new IAM(settings), new Lambda(settings)];
    t.after(() => [iam, lambda].forEach((client) => client.destroy()));
    const { Role } = await iam.createRole({ RoleName: 'checkout-role', AssumeRolePolicyDocument: '{}' });
    const channel = await open(server.endpoint, 'lambda:self');
    t.after(() => channel.close());
    const kinds: string[] = [];
    const look = async (): Promise<void> => {
      const read = await channel.read(4096, soon());
      const kind = read.ok && read.value.state === 'changed' ? parseOrder(read.value.body).kind : 'fault';
      kinds.push(kind);
    };
    await look();
    await lambda.createFunction({
      FunctionName: 'checkout',
      Role: Role?.Arn,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: Buffer.from('UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==', 'base64') },
    });
    await look();
    for (const flag of ['now', 'armed']) {
      await lambda.updateFunctionConfiguration({
        FunctionName: 'checkout',
        Environment: { Variables: { AMBER_CAPTURE: flag } },
      });
      await look();
    }
    assert.deepEqual(kinds, ['fault', 'idle', 'fault', 'idle']);
  });
});

const SIGNED = {
  authorization: 'AWS4-HMAC-SHA256 Credential=a/20250630/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
};
