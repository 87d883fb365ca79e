import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DESTINATION,
  lambdaContext,
  NOW,
  ON_ERROR,
  sleep,
  testEnvironment,
  wrap,
  type Handler,
} from '../environment.ts';

describe('a due capture', () => {
  test('holds the result until it has ended, and changes nothing of it', async () => {
    const environment = testEnvironment(NOW, 30);
    const value = { body: 'x' };
    const started = performance.now();
    assert.equal(await wrap(environment, async () => Promise.resolve(value))(), value);
    assert.ok(performance.now() - started >= 28);
    const [request] = environment.requests;
    assert.equal(request?.cause.trigger, 'flag');
    assert.equal(request.invocation?.number, 1);
    assert.equal(request.inProcess, true);
  });

  test('has the facts of the invocation, and the event where it is asked for', async () => {
    const environment = testEnvironment({
      ...NOW,
      AMBER_INCLUDE_EVENT: '1',
      AMBER_MAX_MS: '900000',
      AMBER_MARGIN_MS: '700',
    });
    const context = lambdaContext(5000);
    const event = { a: 1 };
    await wrap<Handler>(environment, async () => Promise.resolve())(event, context);
    const [request] = environment.requests;
    const deadlineMs = request?.invocation?.deadlineMs ?? 0;
    assert.ok(Math.abs(deadlineMs - Date.now() - 5000) < 200);
    assert.ok(Math.abs((request?.hardStopMs ?? 0) - (deadlineMs - 700)) < 20);
    assert.deepEqual(
      { ...request?.invocation, deadlineMs: 0 },
      {
        requestId: 'request-1',
        functionArn: context['invokedFunctionArn'],
        traceId: 'Root=1',
        tenantId: undefined,
        deadlineMs: 0,
        number: 1,
        concurrent: 0,
        event,
      },
    );
  });

  for (const [name, thrown] of Object.entries({
    error: new Error('x'),
    undefined: undefined,
    text: 'x',
    object: { a: 1 },
  })) {
    test(`passes on what the handler rejects or throws: ${name}`, async () => {
      const environment = testEnvironment(ON_ERROR, 5);
      const rejected: unknown = await wrap(environment, async () => Promise.reject(thrown as Error))().catch(
        (error: unknown) => error,
      );
      assert.equal(rejected, thrown);
      const sync = wrap(environment, (): unknown => {
        throw thrown;
      });
      assert.equal(await Promise.resolve(sync()).catch((error: unknown) => error), thrown);
      assert.deepEqual(
        environment.requests.map(({ cause }) => cause.trigger),
        ['error', 'error'],
      );
      assert.equal(environment.requests[0]?.invocation?.error, thrown);
    });
  }

  test('a sync throw stays a sync throw when nothing is due', () => {
    const environment = testEnvironment({ ...DESTINATION, AMBER_ON_ERROR: 'SomethingElse' });
    assert.throws(
      wrap(environment, () => {
        throw new TypeError('sync');
      }),
      TypeError,
    );
    assert.equal(environment.requests.length, 0);
  });

  test('near the deadline, starts while the handler runs, and the result waits for its end', async () => {
    const environment = testEnvironment({ ...DESTINATION, AMBER_DEADLINE_MS: '900', AMBER_MARGIN_MS: '100' }, 60);
    const wrapped = wrap<Handler>(environment, async () => {
      await sleep(150);
      return environment.requests.length;
    });
    const started = performance.now();
    assert.equal(await wrapped({}, lambdaContext(1000)), 1);
    assert.ok(performance.now() - started >= 145);
    assert.match(environment.requests[0]?.cause.reason ?? '', /has not settled/u);
    assert.equal(await wrapped({}, lambdaContext(60_000)), 1);
    assert.equal(environment.state.inFlight, 0);
  });

  test('the flag starts near the deadline when the first invocation does not settle', async () => {
    const environment = testEnvironment({ ...NOW, AMBER_MARGIN_MS: '50' });
    const context = lambdaContext(300);
    const result = wrap<Handler>(environment, async () => sleep(280))({}, context);
    await sleep(200);
    assert.equal(environment.requests.length, 1);
    assert.match(environment.requests[0]?.cause.reason ?? '', /near its deadline/u);
    await result;
  });

  test('a sandbox that was frozen past the deadline does not capture when it wakes', async () => {
    const environment = testEnvironment({ ...DESTINATION, AMBER_DEADLINE_MS: '990' });
    const wrapped = wrap<Handler>(environment, async () => sleep(60));
    const result = wrapped({}, lambdaContext(1000));
    const until = Date.now() + 1;
    while (Date.now() < until);
    const now = Date.now;
    Date.now = () => now() + 60_000;
    await sleep(30);
    Date.now = now;
    await result;
    assert.equal(environment.requests.length, 0);
  });
});
