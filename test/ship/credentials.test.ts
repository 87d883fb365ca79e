import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { takeCredentials } from '../../src/ship/credentials.ts';
import { rejected } from '../contracts/destination.ts';

async function endpoint(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/2021-04-23/credentials`;
}

test('from the environment, with and without a session', async () => {
  const pair = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B' };
  assert.deepEqual(await takeCredentials({ ...pair, AWS_SESSION_TOKEN: 'C' }), {
    accessKeyId: 'A',
    secretAccessKey: 'B',
    sessionToken: 'C',
  });
  assert.deepEqual(await takeCredentials({ ...pair, AWS_SESSION_TOKEN: '' }), {
    accessKeyId: 'A',
    secretAccessKey: 'B',
  });
  assert.equal(await takeCredentials({ AWS_ACCESS_KEY_ID: 'A' }), undefined);
  assert.equal(await takeCredentials({}), undefined);
});

test('from the endpoint of SnapStart, with its token', async (t) => {
  let asked: string | undefined;
  const uri = await endpoint(t, (request, response) => {
    asked = request.headers.authorization;
    response.end(
      JSON.stringify({ AccessKeyId: 'A', SecretAccessKey: 'B', Token: 'C', Expiration: '2026-11-24T12:00:00Z' }),
    );
  });
  const found = await takeCredentials({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: uri,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token',
  });
  assert.deepEqual(found, { accessKeyId: 'A', secretAccessKey: 'B', sessionToken: 'C' });
  assert.equal(asked, 'token');
});

test('an endpoint that is silent, endless, broken or far away gives a code, soon', { timeout: 10_000 }, async (t) => {
  const silent = await endpoint(t, () => undefined);
  const endless = await endpoint(t, (_request, response) => {
    response.on('error', () => undefined);
    response.write('x'.repeat(100_000));
  });
  const broken = await endpoint(t, (_request, response) => response.end('{"AccessKeyId":1}'));
  const refusing = await endpoint(t, (_request, response) => response.writeHead(500).end());
  for (const uri of [
    silent,
    endless,
    broken,
    refusing,
    'http://169.254.169.254/latest',
    'http://evil.example/',
    'nonsense',
  ]) {
    const started = performance.now();
    const error = await rejected(
      takeCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a-token' }),
      /^DESTINATION_CREDENTIALS$/u,
    );
    assert.doesNotMatch(error.message, /a-token|\n/u);
    assert.ok(performance.now() - started < 1500, uri);
  }
});
