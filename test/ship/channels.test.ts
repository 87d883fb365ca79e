/** Channels of orders: what each sends, and what it makes of the answers. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import { isAmberError } from '../../src/errors.ts';
import { CHANNELS, openChannel, type ControlChannel } from '../../src/ship/channels/index.ts';
import { parseOrder } from '../../src/trigger/order.ts';
import { KEYS } from './channel-keys.ts';

const MAX = 16 * 1024;
const soon = (): AbortSignal => AbortSignal.timeout(5000);

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

async function server(t: TestContext, answer: Answer): Promise<{ endpoint: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const listening = createServer((request, response) => {
    let body = '';
    request
      .setEncoding('utf8')
      .on('data', (text: string) => (body += text))
      .on('end', () => {
        const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
        asked.push(one);
        answer(one, response);
      });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.after(
    () =>
      new Promise((resolve) => {
        listening.closeAllConnections();
        listening.close(resolve);
      }),
  );
  return { endpoint: `http://127.0.0.1:${String((listening.address() as AddressInfo).port)}`, asked };
}

async function open(
  t: TestContext,
  location: string,
  endpoint: string,
  options: Options = {},
): Promise<ControlChannel> {
  const config = resolveConfig(
    { s3Endpoint: endpoint, s3PathStyle: true, control: location, destination: 's3://evidence/amber', ...options },
    {},
  );
  const channel = await openChannel(location, config, {
    ...KEYS,
    AWS_LAMBDA_FUNCTION_NAME: 'checkout',
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    AWS_ENDPOINT_URL_SSM: endpoint,
    AWS_ENDPOINT_URL_APPCONFIGDATA: endpoint,
  });
  t.after(() => channel.close());
  return channel;
}

async function bodyOf(channel: ControlChannel, most = MAX): Promise<string> {
  const reply = await channel.read(most, soon());
  if (!reply.ok) return `fault ${reply.fault.code} ${String(reply.fault.status)}`;
  return reply.value.state === 'changed' ? reply.value.body.toString() : 'unchanged';
}

describe('the registry', () => {
  test('names a scheme and what it needs for each', () => {
    assert.deepEqual(
      CHANNELS.map(({ protocol }) => protocol),
      ['s3:', 'ssm:', 'appconfig:', 'lambda:'],
    );
    for (const { description } of CHANNELS) assert.match(description, /Needs [a-z0-9]+:[A-Z]\w+/u);
  });

  test('without credentials no channel is opened', async () => {
    for (const location of ['s3://bucket/k', 'ssm:/n', 'appconfig:a/e/p']) {
      await assert.rejects(
        openChannel(location, resolveConfig({}, {}), {}),
        (error) => isAmberError(error) && error.code === 'DESTINATION_CREDENTIALS',
      );
    }
  });
});

describe('s3', () => {
  test('a conditional GET, signed for the key; the owner is asked for in the bucket that takes the captures', async (t) => {
    const { endpoint, asked } = await server(t, ({ headers }, response) => {
      response
        .writeHead(headers['if-none-match'] === undefined ? 200 : 304, { etag: '"one"' })
        .end(headers['if-none-match'] === undefined ? 'body' : undefined);
    });
    const channel = await open(t, 's3://evidence/amber-control/a+b.json', endpoint, { s3BucketOwner: '111122223333' });
    assert.deepEqual([await bodyOf(channel), await bodyOf(channel)], ['body', 'unchanged']);
    assert.deepEqual(
      asked.map(({ method, url }) => `${method} ${url}`),
      Array(2).fill('GET /evidence/amber-control/a%2Bb.json'),
    );
    assert.deepEqual(
      asked.map(({ headers }) => headers['x-amz-expected-bucket-owner']),
      ['111122223333', '111122223333'],
    );
    assert.match(asked[0]?.headers.authorization ?? '', /AKIDCHANNEL\/\d{8}\/eu-central-1\/s3\/aws4_request/u);
    const other = await open(t, 's3://control/k', endpoint, { s3BucketOwner: '111122223333' });
    await bodyOf(other);
    assert.equal(asked.at(-1)?.headers['x-amz-expected-bucket-owner'], undefined);
  });
});

describe('ssm', () => {
  const parameter = (Value: unknown, Version = 1): string =>
    JSON.stringify({ Parameter: { Name: '/amber/orders', Type: 'String', Value, Version } });

  test('GetParameter by name; the same version is unchanged', async (t) => {
    let version = 1;
    const { endpoint, asked } = await server(
      t,
      (_asked, response) => void response.end(parameter(`{"n":${String(version)}}`, version)),
    );
    const channel = await open(t, 'ssm:/amber/orders', endpoint);
    assert.deepEqual([await bodyOf(channel), await bodyOf(channel)], ['{"n":1}', 'unchanged']);
    version = 2;
    assert.equal(await bodyOf(channel), '{"n":2}');
    assert.deepEqual(
      [asked[0]?.method, asked[0]?.url, asked[0]?.headers['x-amz-target'], asked[0]?.body],
      ['POST', '/', 'AmazonSSM.GetParameter', '{"Name":"/amber/orders"}'],
    );
    assert.match(asked[0]?.headers.authorization ?? '', /\/eu-central-1\/ssm\/aws4_request/u);
  });

  test('what is wrong is a fault with the code of the service', async (t) => {
    const answers: readonly [number, string, string][] = [
      [400, '{"__type":"com.amazonaws.ssm#ParameterNotFound"}', 'fault ParameterNotFound 400'],
      [400, '{"__type":"AccessDeniedException"}', 'fault AccessDeniedException 403'],
      [200, 'no json', 'fault Unreadable 200'],
      [200, parameter(7), 'fault Unreadable 200'],
      [200, parameter('x'.repeat(20_000)), 'fault AnswerTooLong undefined'],
      [200, 'x'.repeat(1_000_000), 'fault AnswerTooLong undefined'],
    ];
    let next = 0;
    const { endpoint } = await server(
      t,
      (_asked, response) => void response.writeHead(answers[next]?.[0] ?? 500).end(answers[next]?.[1]),
    );
    const channel = await open(t, 'ssm:/amber/orders', endpoint);
    for (const [, , expected] of answers) {
      assert.equal(await bodyOf(channel), expected);
      next += 1;
    }
  });
});

describe('lambda', () => {
  const told = (flag: string | undefined, more: object = {}): string =>
    JSON.stringify({
      FunctionName: 'checkout',
      RevisionId: '0f6b7c1e-5c0a-4b55-9f0e-aa12bb34cc56',
      LastModified: '2026-11-24T12:00:00.000+0000',
      Environment: { Variables: { DB_PASSWORD: 'secret', ...(flag === undefined ? {} : { AMBER_CAPTURE: flag }) } },
      ...more,
    });

  test('the flag in the configuration is an order for a day, and nothing else of it is passed on', async (t) => {
    let flag: string | undefined = 'now';
    const { endpoint, asked } = await server(t, (_asked, response) => void response.end(told(flag)));
    const channel = await open(t, 'lambda:self', endpoint);
    assert.equal(channel.onlyAtTheEnd, true);
    const body = await bodyOf(channel);
    const parsed = parseOrder(Buffer.from(body));
    assert.equal(parsed.kind, 'order', body);
    assert.partialDeepStrictEqual(JSON.parse(body), {
      state: 'capture',
      id: '0f6b7c1e-5c0a-4b55-9f0e-aa12bb34cc56',
      issued: '2026-11-24T12:00:00.000Z',
      expires: '2026-11-25T12:00:00.000Z',
    });
    assert.ok(!body.includes('secret'));
    assert.deepEqual([asked[0]?.method, asked[0]?.url], ['GET', '/2015-03-31/functions/checkout/configuration']);
    assert.match(asked[0]?.headers.authorization ?? '', /\/eu-central-1\/lambda\/aws4_request/u);
    for (flag of ['armed', 'off', undefined]) assert.equal(await bodyOf(channel), '{"amber":1,"state":"idle"}');
    flag = 'now';
    assert.equal(
      await bodyOf(await open(t, 'lambda:self', endpoint, { capture: 'now' })),
      '{"amber":1,"state":"idle"}',
      'this sandbox was started with it',
    );
  });

  test('what is wrong is a fault with the code of the service', async (t) => {
    const answers: readonly [number, Record<string, string>, string, string][] = [
      [403, { 'x-amzn-ErrorType': 'AccessDeniedException:http://internal' }, '{}', 'fault AccessDeniedException 403'],
      [429, { 'x-amzn-ErrorType': 'TooManyRequestsException' }, '', 'fault TooManyRequestsException 429'],
      [200, {}, 'no json', 'fault Unreadable 200'],
      [200, {}, 'null', 'fault Unreadable 200'],
      [200, {}, told('now', { LastModified: 'soon' }), 'fault Unreadable 200'],
      [200, {}, 'x'.repeat(1_000_000), 'fault AnswerTooLong undefined'],
    ];
    let next = 0;
    const { endpoint } = await server(t, (_asked, response) => {
      const [status, headers, body] = answers[next] ?? [500, {}, ''];
      response.writeHead(status, headers).end(body);
    });
    const channel = await open(t, 'lambda:self', endpoint);
    for (const [, , , expected] of answers) {
      assert.equal(await bodyOf(channel), expected);
      next += 1;
    }
  });
});

describe('appconfig', () => {
  test('a session once, then token after token; a body only when it has changed', async (t) => {
    let body = 'first';
    let issued = 0;
    const { endpoint, asked } = await server(t, ({ method, url }, response) => {
      issued += 1;
      if (method === 'POST')
        response.writeHead(201).end(JSON.stringify({ InitialConfigurationToken: `token+${String(issued)}` }));
      else if (!url.endsWith(encodeURIComponent(`token+${String(issued - 1)}`)))
        response.writeHead(400, { 'x-amzn-errortype': 'BadRequestException' }).end();
      else
        response
          .writeHead(200, {
            'next-poll-configuration-token': `token+${String(issued)}`,
            'next-poll-interval-in-seconds': '0',
          })
          .end(body);
      body = method === 'POST' ? body : '';
    });
    const channel = await open(t, 'appconfig:amber/prod/orders', endpoint);
    assert.deepEqual([await bodyOf(channel), await bodyOf(channel)], ['first', 'unchanged']);
    body = 'second';
    assert.equal(await bodyOf(channel), 'second');
    assert.deepEqual(
      asked.map(({ method }) => method),
      ['POST', 'GET', 'GET', 'GET'],
    );
    assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), {
      ApplicationIdentifier: 'amber',
      EnvironmentIdentifier: 'prod',
      ConfigurationProfileIdentifier: 'orders',
      RequiredMinimumPollIntervalInSeconds: 15,
    });
    assert.match(asked[1]?.headers.authorization ?? '', /\/eu-central-1\/appconfig\/aws4_request/u);
  });

  test('is not asked before the interval that it names, and begins anew after a fault', async (t) => {
    let status = 200;
    const { endpoint, asked } = await server(t, ({ method }, response) => {
      if (method === 'POST') response.writeHead(201).end('{"InitialConfigurationToken":"t"}');
      else
        response
          .writeHead(status, {
            'next-poll-configuration-token': 't',
            'next-poll-interval-in-seconds': '60',
            'x-amzn-errortype': 'BadRequestException:',
          })
          .end(status === 200 ? 'body' : '');
    });
    const channel = await open(t, 'appconfig:amber/prod/orders', endpoint);
    assert.deepEqual([await bodyOf(channel), await bodyOf(channel), asked.length], ['body', 'unchanged', 2]);
    status = 400;
    const failing = await open(t, 'appconfig:amber/prod/other', endpoint);
    assert.equal(await bodyOf(failing), 'fault BadRequestException 400');
    status = 200;
    assert.equal(await bodyOf(failing), 'body');
  });
});
