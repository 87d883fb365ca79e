/**
 * An orphan: a warm sandbox that gets no further invocation, because the configuration of its function was changed after an
 * order was written. The platform ends it, and the extension reads the order then.
 */
import assert from 'node:assert/strict';
import { after, describe, test, type TestContext } from 'node:test';
import { openScene } from '../host/extension-scene.ts';
import { IDLE, newOrder } from '../host/orders.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { fauxqsPlace, KEYS, radosgwPlace, type WarmPlace } from './warm-places.ts';

after(stopRadosgw);

const CREDENTIALS = { ...KEYS, sessionToken: '' };
const PLACES: readonly [string, (t: TestContext) => Promise<WarmPlace | undefined>][] = [['fauxqs', fauxqsPlace], ['radosgw', radosgwPlace]];

describe('an orphan', { skip: canIsolate() || process.env['REQUIRE_PEERS'] === '1' ? false : 'not run: needs root, for namespaces, and a checkout outside of /tmp' }, () => {
  for (const [name, open] of PLACES) {
    test(`is captured at its end, because an order waits for it: ${name}`, async (t) => {
      const place = await open(t);
      if (place === undefined) return;
      await place.write(IDLE);
      const platform = await openScene(t, { credentials: CREDENTIALS, env: { ...place.env, AMBER_ON_SHUTDOWN: 'off' } });
      await platform.invoke({ write: '/tmp/left', text: 'what the function left\n' });
      await platform.idle();
      assert.deepEqual(await place.manifests(), []);
      const order = newOrder();
      await place.write(order);
      const record = await platform.shutdown();
      assert.equal(record?.extensions[0]?.killed, false, platform.log());
      const [manifest, ...more] = await place.manifests();
      assert.deepEqual([manifest?.state, manifest?.cause.trigger, more.length], ['whole', 'shutdown', 0], platform.log());
      assert.match(manifest?.cause.reason ?? '', new RegExp(`order ${order.id}`, 'u'));
    });

    test(`is left alone where the object says idle: ${name}`, async (t) => {
      const place = await open(t);
      if (place === undefined) return;
      await place.write(IDLE);
      const platform = await openScene(t, { credentials: CREDENTIALS, env: { ...place.env, AMBER_ON_SHUTDOWN: 'off' } });
      await platform.invoke({});
      await platform.idle();
      await platform.shutdown();
      assert.deepEqual(await place.manifests(), []);
      assert.doesNotMatch(platform.log(), /"amber":"fault"/u, 'the object was read');
    });
  }
});
