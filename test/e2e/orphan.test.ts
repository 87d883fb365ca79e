/**
 * An orphan: a warm sandbox that gets no further invocation, because the configuration of its function was changed
 * after an order was written. The platform ends it, and the extension reads the order then.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test, type TestContext } from 'node:test';
import { openScene } from '../host/extension/sandbox.ts';
import { IDLE, newOrder } from '../host/orders/orders.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { fauxqsPlace, KEYS, radosgwPlace, type WarmPlace } from './warm-places.ts';

after(stopRadosgw);

const CREDENTIALS = { ...KEYS, sessionToken: '' };
const PLACES: readonly [string, (t: TestContext) => Promise<WarmPlace | undefined>][] = [
  ['fauxqs', fauxqsPlace],
  ['radosgw', radosgwPlace],
];

/** Answers GetFunctionConfiguration of the Lambda API, with the flag as it is set now. */
async function lambdaApi(t: TestContext): Promise<{ readonly endpoint: string; readonly set: (flag: string) => void }> {
  let flag = 'armed';
  const server = createServer((request, response) => {
    request.resume();
    const isKnown =
      request.url === '/2015-03-31/functions/sandboxed-function/configuration' &&
      request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') === true;
    response.writeHead(isKnown ? 200 : 404).end(
      JSON.stringify({
        RevisionId: '0f6b7c1e-5c0a-4b55-9f0e-aa12bb34cc56',
        LastModified: new Date(Date.now() - 1000).toISOString().replace('Z', '+0000'),
        Environment: { Variables: { AMBER_CAPTURE: flag } },
      }),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, set: (to) => (flag = to) };
}

describe('an orphan', {
  skip:
    canIsolate() || process.env['REQUIRE_PEERS'] === '1'
      ? false
      : 'not run: needs root, for namespaces, and a checkout outside of /tmp',
}, () => {
  for (const [name, open] of PLACES) {
    test(`is captured at its end, because an order waits for it: ${name}`, async (t) => {
      const place = await open(t);
      if (place === undefined) return;
      await place.write(IDLE);
      const platform = await openScene(t, {
        credentials: CREDENTIALS,
        env: { ...place.env, AMBER_ON_SHUTDOWN: 'off' },
      });
      await platform.invoke({ write: '/tmp/left', text: 'what the function left\n' });
      await platform.idle();
      assert.deepEqual(await place.manifests(), []);
      const order = newOrder();
      await place.write(order);
      const record = await platform.shutdown();
      assert.equal(record?.extensions[0]?.killed, false, platform.log());
      const [manifest, ...more] = await place.manifests();
      assert.deepEqual(
        [manifest?.state, manifest?.cause.trigger, more.length],
        ['whole', 'shutdown', 0],
        platform.log(),
      );
      assert.match(manifest?.cause.reason ?? '', new RegExp(`order ${order.id}`, 'u'));
    });

    test(`is left alone where the object says idle: ${name}`, async (t) => {
      const place = await open(t);
      if (place === undefined) return;
      await place.write(IDLE);
      const platform = await openScene(t, {
        credentials: CREDENTIALS,
        env: { ...place.env, AMBER_ON_SHUTDOWN: 'off' },
      });
      await platform.invoke({});
      await platform.idle();
      await platform.shutdown();
      assert.deepEqual(await place.manifests(), []);
      assert.doesNotMatch(platform.log(), /"amber":"fault"/u, 'the object was read');
    });
  }

  for (const [flag, what] of [
    ['now', 'is captured at its end, because the flag was set in the configuration'],
    ['armed', 'is left alone where the flag was not set'],
  ] as const) {
    test(what, async (t) => {
      const place = await fauxqsPlace(t);
      const api = await lambdaApi(t);
      const env = {
        ...place.env,
        AMBER_ON_SHUTDOWN: 'off',
        AMBER_CONTROL: 'lambda:self',
        AWS_ENDPOINT_URL_LAMBDA: api.endpoint,
      };
      const platform = await openScene(t, { credentials: CREDENTIALS, env });
      await platform.invoke({ write: '/tmp/left', text: 'what the function left\n' });
      await platform.idle();
      api.set(flag);
      await platform.shutdown();
      assert.deepEqual(
        (await place.manifests()).map(({ state, cause }) => [state, cause.trigger]),
        flag === 'now' ? [['whole', 'shutdown']] : [],
        platform.log(),
      );
      assert.doesNotMatch(platform.log(), /"amber":"(?:fault|refused)"/u);
    });
  }
});
