/** The middleware under the real middy. */
import middy, { type MiddlewareObj } from '@middy/core';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { middlewareOn } from '../../../src/host/wrapper/middleware.ts';
import {
  DESTINATION,
  lambdaContext,
  NOW,
  ON_ERROR,
  sleep,
  testEnvironment,
  wrap,
  type TestEnvironment,
} from '../environment.ts';

type Call = (event: unknown, context: unknown) => Promise<unknown>;

function middyOn(environment: TestEnvironment, handler: () => Promise<unknown>, ...others: MiddlewareObj[]): Call {
  const built = middy(handler).use([middlewareOn(environment, {}), ...others]);
  return async (event, context) =>
    Promise.resolve(Reflect.apply(built, undefined, [event, context])) as Promise<unknown>;
}

test('the first invocation is captured after it has settled, and its result waits', async () => {
  const environment = testEnvironment(NOW, 30);
  const value = { a: 1 };
  const call = middyOn(environment, async () => Promise.resolve(value));
  const started = performance.now();
  assert.equal(await call({}, lambdaContext()), value);
  assert.ok(performance.now() - started >= 28);
  assert.equal(await call({}, lambdaContext()), value);
  assert.deepEqual(
    environment.requests.map(({ cause, invocation }) => [cause.trigger, invocation?.number]),
    [['flag', 1]],
  );
  assert.equal(environment.requests[0]?.invocation?.requestId, 'request-1');
});

test('an undefined result stays undefined, and an error the same error', async () => {
  const environment = testEnvironment(ON_ERROR, 5);
  assert.equal(await middyOn(environment, async () => Promise.resolve(undefined))({}, lambdaContext()), undefined);
  const error = new Error('x');
  await assert.rejects(
    middyOn(environment, async () => Promise.reject(error))({}, lambdaContext()),
    (thrown) => thrown === error,
  );
  assert.deepEqual(
    environment.requests.map(({ cause }) => cause.trigger),
    ['error'],
  );
  assert.equal(environment.requests[0]?.invocation?.error, error);
});

test('near the deadline it captures while the handler runs', async () => {
  const environment = testEnvironment({ ...DESTINATION, AMBER_DEADLINE_MS: '900' });
  await middyOn(environment, async () => sleep(150))({}, lambdaContext(1000));
  assert.deepEqual(
    environment.requests.map(({ cause }) => cause.trigger),
    ['deadline'],
  );
});

test('an early answer of a later middleware leaves no watch behind', async () => {
  const environment = testEnvironment({ ...DESTINATION, AMBER_DEADLINE_MS: '950' });
  const early = { before: () => 'early' };
  const call = middyOn(environment, async () => sleep(0), early);
  assert.equal(await call({}, lambdaContext(1000)), 'early');
  await sleep(80);
  assert.equal(environment.requests.length, 0);
  await call({}, lambdaContext(60_000));
  assert.equal(environment.state.inFlight, 1);
});

test('under a wrapper, the wrapper does the work', async () => {
  const environment = testEnvironment({ ...NOW, ...ON_ERROR });
  const call = wrap(
    environment,
    middyOn(environment, async () => Promise.reject(new Error('x'))),
  );
  await assert.rejects(call({}, lambdaContext()));
  assert.equal(environment.requests.length, 1);
  assert.deepEqual([environment.state.invocations, environment.state.inFlight], [1, 0]);
});

test('what cannot be armed does nothing, and middy still runs', async () => {
  for (const env of [{ AMBER_DISABLED: '1' }, { AMBER_MAX_MS: 'x' }] as Record<string, string>[]) {
    assert.equal(await middyOn(testEnvironment(env), async () => Promise.resolve(1))({}, lambdaContext()), 1);
  }
});
