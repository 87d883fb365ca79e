/** Orders in events: where they stand, what is refused, and what a flood or a hostile event comes to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tokenOf } from '../../../src/trigger/event.ts';
import { lambdaContext, testEnvironment, wrap, type Handler, type TestEnvironment } from '../environment.ts';
import { newOrder, newResponder, signerFor, token } from './orders.ts';

const signed = signerFor('event');
const responder = newResponder();
const ENV = {
  AMBER_DESTINATION: 's3://evidence/amber',
  AMBER_CONTROL_KEY: responder.key,
  AMBER_COOLDOWN_MS: '0',
  AMBER_DETECT: 'off',
  AMBER_MAX_CAPTURES: '100',
};

function play(env: Record<string, string> = {}): { environment: TestEnvironment; handler: Handler } {
  const environment = testEnvironment({ ...ENV, ...env });
  return { environment, handler: wrap<Handler>(environment, () => Promise.resolve('answer')) };
}

const limits = ({ lines }: TestEnvironment): unknown[] => lines.map(({ limit }) => limit);

describe('where it stands', () => {
  const T = 'an-order';
  test('a field, a header, the client context', () => {
    for (const [event, context] of [
      [{ 'amber-order': T }, {}],
      [{ headers: { 'x-amber-order': T } }, {}],
      [{ headers: { 'X-Amber-Order': T } }, {}],
      [{}, { clientContext: { 'amber-order': T } }],
      [{}, { clientContext: { custom: { 'amber-order': T } } }],
      [{}, { clientContext: { Custom: { 'amber-order': T } } }],
    ])
      assert.equal(tokenOf(event, context), T);
  });

  test('nowhere else, and no code of the event runs', () => {
    let ran = 0;
    const getter = { get: () => (ran += 1) };
    const hostile: readonly unknown[] = [
      Object.defineProperty({}, 'amber-order', getter),
      Object.defineProperty({}, 'headers', getter),
      { headers: Object.defineProperty({}, 'x-amber-order', getter) },
      Object.create({ 'amber-order': T }),
      { 'amber-order': { toString: () => T } },
      { 'amber-order': [T] },
      { headers: [T] },
      null,
      undefined,
      7,
      T,
      new Proxy(
        {},
        {
          getOwnPropertyDescriptor: () => {
            throw new Error('trap');
          },
        },
      ),
    ];
    for (const event of hostile) assert.equal(tokenOf(event, { clientContext: event }), undefined);
    assert.equal(ran, 0);
  });
});

test('a signed order captures the invocation that brings it, with the custody record', async () => {
  const { environment, handler } = play();
  const order = signed(responder, { destination: 's3://case-7/x' });
  assert.equal(await handler({ 'amber-order': token(order) }, lambdaContext()), 'answer');
  const [request] = environment.requests;
  assert.deepEqual(
    [request?.cause.trigger, request?.cause.requester, request?.cause.order?.channel, request?.config.destination],
    ['event', order.requester, 'amber-order', 's3://case-7/x'],
  );
  assert.equal(await handler({}, lambdaContext()), 'answer');
  assert.equal(environment.requests.length, 1);
});

test('also where the handler throws at once, or answers a callback', async () => {
  const environment = testEnvironment(ENV);
  const failing = wrap<Handler>(environment, () => {
    throw new Error('failed');
  });
  await assert.rejects(async () => failing({ 'amber-order': token(signed(responder)) }, lambdaContext()), /failed/u);
  assert.equal(environment.requests.length, 1);
  const answers = wrap(
    environment,
    (_event: unknown, _context: unknown, callback: (error: unknown, result: unknown) => void): void =>
      callback(null, 'answer'),
  );
  const answer = await new Promise((resolve) =>
    answers({ 'amber-order': token(signed(responder)) }, lambdaContext(), (_error, result) => resolve(result)),
  );
  assert.deepEqual([answer, environment.requests.length], ['answer', 2]);
});

describe('refused, with one line for each kind', () => {
  test('without a key nothing is looked at', async () => {
    const { environment, handler } = play({ AMBER_CONTROL_KEY: '' });
    await handler({ 'amber-order': token(signed(responder)) }, lambdaContext());
    assert.deepEqual([environment.requests.length, environment.lines], [0, []]);
  });

  test('unsigned, another key, expired, long-lived, out of scope, stop, replayed, malformed, too long', async () => {
    const { environment, handler } = play();
    const stale = signed(responder, {}, Date.now() - 700_000);
    const taken = token(signed(responder));
    const cases = [
      token(newOrder()),
      token(signed(newResponder())),
      token(stale),
      token(signed(responder, { expires: new Date(Date.now() + 7_200_000).toISOString() })),
      token(signed(responder, { scope: { function: 'another' } })),
      taken,
      taken,
      'not an order',
      'x'.repeat(100_000),
    ];
    for (const one of cases) assert.equal(await handler({ 'amber-order': one }, lambdaContext()), 'answer');
    assert.equal(environment.requests.length, 1);
    assert.deepEqual(limits(environment), [
      'unsigned',
      'signature',
      'expired',
      'long-lived',
      'out-of-scope',
      'replayed',
      'malformed',
      'too-long',
    ]);
    assert.equal(
      await handler({ 'amber-order': token(signed(responder, { state: 'stop' })) }, lambdaContext()),
      'answer',
    );
    assert.equal(environment.requests.length, 1);
  });
});

test('a flood of events is answered as without them: bounded work, one line, one capture at most', async () => {
  const { environment, handler } = play();
  const valid = token(signed(responder));
  for (let count = 0; count < 2000; count += 1)
    assert.equal(
      await handler(
        { 'amber-order': count % 2 === 0 ? valid : token(signed(responder)).slice(0, -count) },
        lambdaContext(),
      ),
      'answer',
    );
  assert.ok(environment.requests.length <= 1);
  assert.ok(environment.lines.length <= 5, JSON.stringify(environment.lines));
  assert.ok(limits(environment).includes('flood'));
});

test('hostile events: the handler gets them as they are', async () => {
  const { environment } = play();
  let read = 0;
  const event = Object.defineProperty({}, 'amber-order', {
    get: () => {
      read += 1;
      return 'x';
    },
    enumerable: true,
  });
  const seen: unknown[] = [];
  const handler = wrap<Handler>(environment, (given) => {
    seen.push(given);
    return Promise.resolve('answer');
  });
  assert.equal(await handler(event, lambdaContext()), 'answer');
  assert.deepEqual([seen[0] === event, read, environment.lines], [true, 0, []]);
});
