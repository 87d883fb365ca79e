import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAmberError } from '../../../src/errors.ts';
import { captureOn, type CaptureOptions } from '../../../src/host/wrapper/call.ts';
import { CANNOT_TELL } from '../../../src/host/wrapper/progress.ts';
import { DESTINATION, lambdaContext, sleep, testEnvironment, wrap } from '../environment.ts';

test('captures with what the caller says, in time before the deadline of the context', async () => {
  const environment = testEnvironment(DESTINATION);
  const report = await captureOn(environment, {
    reason: 'upload of a web shell',
    requester: 'scanner',
    context: lambdaContext(3000),
    event: { a: 1 },
    includeEvent: true,
    maxMs: '9000',
  });
  assert.equal(report.state, 'whole');
  const [request] = environment.requests;
  assert.deepEqual(request?.cause, { trigger: 'call', reason: 'upload of a web shell', requester: 'scanner' });
  assert.equal(request.config.maxMs, 9000);
  assert.equal(request.invocation?.requestId, 'request-1');
  assert.deepEqual(request.invocation.event, { a: 1 });
  assert.ok(request.hardStopMs - Date.now() <= 2500);
});

test('without a context and outside an invocation there are no facts of one', async () => {
  const environment = testEnvironment(DESTINATION);
  await captureOn(environment, {});
  assert.equal(environment.requests[0]?.invocation, undefined);
});

test('limits refuse with a report: a running capture, cap, cooldown, too little time', async () => {
  const environment = testEnvironment({ ...DESTINATION, AMBER_MAX_CAPTURES: '2' }, 20);
  const [first, second] = await Promise.all([captureOn(environment, {}), captureOn(environment, {})]);
  assert.equal(first.state, 'whole');
  assert.deepEqual([second.state, second.error?.code], ['refused', 'CAPTURE_BUSY']);
  const limit = async (options: CaptureOptions): Promise<unknown> => {
    const { state, error } = await captureOn(environment, options);
    assert.equal(state, 'refused');
    return error?.details['limit'];
  };
  assert.equal(await limit({}), 'cooldown');
  assert.equal(await limit({ cooldownMs: 0, context: lambdaContext(500) }), 'budget');
  assert.equal((await captureOn(environment, { cooldownMs: 0 })).state, 'whole');
  assert.equal(await limit({ cooldownMs: 0 }), 'cap');
  assert.equal(environment.requests.length, 2);
});

test('the kill switch and a bad environment refuse; bad options throw', async () => {
  const off = await captureOn(testEnvironment({ AMBER_DISABLED: '1', AMBER_MAX_MS: 'x' }), {});
  assert.deepEqual([off.state, off.error?.details['limit']], ['refused', 'switch']);
  const environment = testEnvironment({ AMBER_MAX_MS: 'x' });
  assert.equal((await captureOn(environment, {})).error?.code, 'CONFIG_INVALID');
  await captureOn(environment, {});
  assert.equal(environment.lines.length, 1);
  const bad = captureOn(testEnvironment({}), { maxMs: 'soon' as '1' });
  await assert.rejects(bad, (error) => isAmberError(error) && error.code === 'CONFIG_INVALID');
});

test('an engine that fails gives a report all the same', async () => {
  const environment = testEnvironment(DESTINATION, 0, async () => Promise.reject(new Error('x')));
  const report = await captureOn(environment, {});
  assert.deepEqual([report.state, report.error?.code], ['failed', 'CAPTURE_ABORTED']);
  assert.equal(environment.lines[0]?.['amber'], 'fault');
});

type Called<E> = (event: E, context: unknown) => Promise<unknown>;

const ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:f';

test('inside a wrapped handler it borrows the invocation: the first one, a later one that nobody watches, all after a call', async () => {
  const environment = testEnvironment({ ...DESTINATION, AMBER_COOLDOWN_MS: '0', AMBER_MAX_CAPTURES: '9' });
  const calls = [false, false, true, true];
  const handler: Called<unknown> = wrap(environment, async (asks: unknown) =>
    asks === true ? (await captureOn(environment, 'why')).cause.reason : 'quiet',
  );
  for (const [at, asks] of calls.entries())
    await handler(asks, { ...lambdaContext(2000), awsRequestId: `request-${String(at)}` });
  assert.equal(environment.requests.length, 2);
  for (const request of environment.requests) {
    assert.deepEqual(request.cause, { trigger: 'call', reason: 'why' });
    assert.equal(request.invocation?.functionArn, ARN);
    const leftMs = (request.invocation.deadlineMs ?? Infinity) - Date.now();
    assert.ok(leftMs > 0 && leftMs <= 2000, String(leftMs));
    assert.ok(request.hardStopMs - Date.now() <= 1500);
  }
  // The third was called directly: its request is what the runtime client keeps, and there is none here.
  assert.deepEqual(
    environment.requests.map(({ invocation }) => [invocation?.requestId, invocation?.number]),
    [
      [undefined, 3],
      ['request-3', 4],
    ],
  );
});

test('the event is borrowed where events are wanted, and the deadline of an invocation that is over binds nothing', async () => {
  const environment = testEnvironment({ ...DESTINATION, AMBER_COOLDOWN_MS: '0', AMBER_INCLUDE_EVENT: '1' });
  let late: Promise<unknown> = Promise.resolve();
  const handler: Called<{ late: boolean }> = wrap(environment, async (event: { late: boolean }) => {
    if (event.late) late = sleep(60).then(() => captureOn(environment, {}));
    else await captureOn(environment, {});
  });
  await handler({ late: false }, lambdaContext(2000));
  await handler({ late: true }, lambdaContext(30));
  await late;
  assert.deepEqual(
    environment.requests.map(({ invocation }) => invocation?.event),
    [{ late: false }, { late: true }],
  );
  assert.equal(environment.requests[1]?.invocation?.deadlineMs, undefined);
});

test('of several invocations at once each is told apart by what the client keeps; where it keeps nothing, the reason says so', async (t) => {
  const { AsyncLocalStorage } = await import('node:async_hooks');
  const store = new AsyncLocalStorage<object>();
  const scope = globalThis as { awslambda?: unknown };
  t.after(() => delete scope.awslambda);
  for (const isKept of [true, false]) {
    scope.awslambda = isKept ? { InvokeStore: { getContext: () => store.getStore() } } : {};
    const environment = testEnvironment({
      ...DESTINATION,
      AMBER_COOLDOWN_MS: '0',
      AMBER_MAX_CAPTURES: '9',
      AWS_LAMBDA_MAX_CONCURRENCY: '4',
    });
    // One captures behind the other, since two at once are refused.
    let turn = 0;
    const handler: Called<number> = wrap(environment, async (own: number) => {
      while (turn !== own) await sleep(1);
      const report = await captureOn(environment, {});
      turn += 1;
      return report;
    });
    await Promise.all(
      [2, 0, 1].map((own, at) =>
        store.run({}, () =>
          handler(own, { ...lambdaContext(2000 + 1000 * at), awsRequestId: `request-${String(at)}` }),
        ),
      ),
    );
    const told = environment.requests.map(({ invocation, cause }) => [
      invocation?.requestId,
      Math.ceil(((invocation?.deadlineMs ?? NaN) - Date.now()) / 1000),
      cause.reason.includes(CANNOT_TELL),
    ]);
    const none = [undefined, NaN, true];
    assert.deepEqual(
      told,
      isKept
        ? [
            ['request-1', 3, false],
            ['request-2', 4, false],
            ['request-0', 2, false],
          ]
        : [none, none, none],
    );
  }
});
