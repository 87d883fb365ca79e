/** What an order is bound to: its times, scope, one use, and channel. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { misses, type Admitted, type JudgeOptions, type Place } from '../../src/trigger/order-judge.ts';
import type { Order } from '../../src/trigger/order.ts';
import { boundId } from '../../src/trigger/order-binding.ts';
import { signOrder } from '../../src/trigger/order-signature.ts';
import { isAdmittedByForm1 } from '../fixtures/order-form-1.ts';
import { bytes, newOrder, signerFor } from '../host/orders/orders.ts';
import { config, judge, NOW, responder, signed, why } from './judged.ts';

describe('times', () => {
  test('expired, from the future, and living too long', () => {
    assert.equal(why(newOrder({}, NOW - 600_000)), 'expired');
    assert.equal(why(newOrder({}, NOW - 599_000)), 'admitted');
    assert.equal(why(newOrder({}, NOW + 299_000)), 'admitted', 'clocks may differ by five minutes');
    assert.equal(why(newOrder({}, NOW + 301_000)), 'not-yet');
    assert.equal(why(newOrder({ expires: new Date(NOW + 8 * 86_400_000).toISOString() })), 'long-lived');
  });
});

describe('scope and one shot', () => {
  const place: Place = {
    functionName: 'checkout',
    functionVersion: '7',
    functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:checkout:live',
    logStream: 'stream',
    tenantId: 'blue',
  };
  const missed = (
    order: Order,
    at: Partial<Place> = {},
    taken: readonly string[] = [],
    nowMs = NOW,
  ): string | undefined => misses(judge(order) as Admitted, { ...place, ...at }, new Set(taken), nowMs)?.why;

  test('everything that is named has to fit', () => {
    const arn = 'arn:aws:lambda:eu-central-1:111122223333:function:checkout';
    for (const scope of [
      'all',
      { function: 'checkout' },
      { function: arn },
      { version: '7' },
      { tenant: 'blue', logStream: 'stream' },
    ] as const)
      assert.equal(missed(newOrder({ scope })), undefined, JSON.stringify(scope));
    for (const scope of [
      { function: 'check' },
      { function: arn.replace('1111', '2222') },
      { function: arn.slice(0, -1) },
      { version: '$LATEST' },
      { tenant: 'red' },
      { function: 'checkout', logStream: 'other' },
    ])
      assert.equal(missed(newOrder({ scope })), 'out-of-scope', JSON.stringify(scope));
    assert.equal(missed(newOrder({ scope: { tenant: 'blue' } }), { tenantId: undefined }), 'out-of-scope');
  });

  test('an id once, and not after its expiry', () => {
    const order = newOrder();
    assert.equal(missed(order, {}, [order.id]), 'replayed');
    assert.equal(missed(order, {}, [], NOW + 601_000), 'expired');
  });
});

describe('a signature binds', () => {
  const event: Partial<JudgeOptions> = { trigger: 'event', channel: 'amber-order', needsSignature: true };
  const channels = [
    's3://control/k',
    's3://control/k2',
    's3://other/k',
    's3://control/k/',
    'ssm:/amber/orders',
    'appconfig:a/b/c',
    'event',
    'S3://control/k',
    's3://control',
  ];

  test('one channel: an order of one is refused in every other, and never counts as unsigned', () => {
    for (const from of channels) {
      for (const to of channels) {
        const order = signerFor(from)(responder);
        const verdict = to === 'event' ? why(order, event) : why(order, { channel: to });
        assert.equal(verdict, from === to ? 'admitted' : 'other-channel', `${from} at ${to}`);
      }
    }
  });

  test('an S3 order is no event order, and an event order is none of S3', () => {
    assert.equal(why(signerFor('s3://control/k')(responder), event), 'other-channel');
    assert.equal(why(signerFor('event')(responder)), 'other-channel');
    assert.equal(why(signerFor('event')(responder, { state: 'stop' })), 'other-channel');
  });

  test('its binding cannot be taken off or changed without the key', () => {
    const order = signerFor('s3://other/k')(responder);
    for (const id of [boundId('s3://control/k'), 'a-plain-id', order.id.slice(2), `1-${order.id.slice(2)}`])
      assert.equal(why({ ...order, id }), 'signature', id);
  });

  test('form 1, which binds nothing, is refused unless the function takes it; unsigned orders need none', () => {
    const old = signOrder(newOrder(), responder.privateKey);
    assert.equal(why(old), 'old-form');
    assert.equal(why(old, event), 'old-form');
    assert.equal(why(old, { config: config({ controlUnbound: true }) }), 'admitted');
    assert.equal(
      why(signerFor('event')(responder), { config: config({ controlUnbound: true }) }),
      'other-channel',
      'what is bound stays bound',
    );
    assert.equal(why(newOrder()), 'admitted');
  });

  test('a layer that knows form 1 alone takes what is signed today', () => {
    for (const channel of channels) {
      const order = signerFor(channel)(responder, {
        destination: 's3://case-7/x',
        scope: { logStream: '2026/11/24/[$LATEST]0123' },
      });
      assert.ok(isAdmittedByForm1(bytes(order), responder.key), channel);
      assert.ok(!isAdmittedByForm1(bytes({ ...order, reason: 'another' }), responder.key));
      assert.ok(
        !isAdmittedByForm1(bytes({ ...order, channel }), responder.key),
        'it takes no member that it does not know',
      );
    }
  });
});

describe('times of an order', () => {
  test('that expires before it is issued, or at that moment, is refused', () => {
    const at = (ms: number): string => new Date(NOW + ms).toISOString();
    for (const [issued, expires] of [
      [240_000, 60_000],
      [60_000, 60_000],
      [200_000, 199_999],
    ] as const) {
      for (const order of [
        newOrder({ issued: at(issued), expires: at(expires) }),
        signed(responder, { issued: at(issued), expires: at(expires) }),
      ])
        assert.equal(why(order), 'malformed');
    }
    assert.equal(why(newOrder({ issued: at(240_000), expires: at(240_001) })), 'admitted');
  });
});
