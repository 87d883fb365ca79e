/** When the control object is read in process, and what an answer waits for: over a control that the test plays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../../../src/config/config.ts';
import { lambdaContext, report, sleep, wrap, type Handler } from '../environment.ts';
import { ENV, handlerOf, ordered, play, settled } from './played.ts';

test('is read at init and at invocations, beside the handler; an order captures in the invocation in which it comes', async () => {
  const at = play();
  const handler = handlerOf(at, 40);
  await sleep(5);
  assert.equal(at.reads.length, 1, 'at init');
  assert.equal(await handler({}, lambdaContext()), 'answer');
  const order = ordered();
  at.brings = order;
  assert.equal(await handler({}, lambdaContext()), 'answer');
  assert.deepEqual(
    at.environment.requests.map(({ cause }) => cause),
    [order.cause],
  );
  assert.deepEqual(at.took, [order.cause.order?.id]);
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests.length, 1);
});

test('the capture has the configuration of the order', async () => {
  const at = play();
  const own = resolveConfig({ destination: 's3://case-7/x' }, {});
  at.brings = { ...ordered('key'), config: own };
  const handler = handlerOf(at, 30);
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests[0]?.config, own);
});

test('a handler that is quicker than the read: its order counts at the next invocation, which waits for it once', async () => {
  const at = play({}, { takesMs: 0 });
  const handler = handlerOf(at);
  await settled(at);
  await handler({}, lambdaContext());
  await settled(at);
  at.takesMs = 60;
  at.brings = ordered();
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests.length, 0, 'nothing waits for a read of its own invocation');
  assert.equal(at.ended, at.reads.length - 1);
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests.length, 1);
});

test('stop: whatever asks is refused while it is in force', async () => {
  const at = play({ AMBER_ON_ERROR: 'any' });
  const handler = wrap<Handler>(at.environment, async () => {
    await sleep(5);
    throw new Error('failed');
  });
  await sleep(5);
  at.stopped = true;
  await assert.rejects(handler({}, lambdaContext()), /failed/u);
  assert.equal(at.environment.requests.length, 0);
  assert.deepEqual(
    at.environment.lines.map(({ limit }) => limit),
    ['stop'],
  );
  at.stopped = false;
  await assert.rejects(handler({}, lambdaContext()), /failed/u);
  assert.equal(at.environment.requests.length, 1);
});

test('stop: a capture that runs is ended when the order comes, with its reason, and nothing is read after its end', async () => {
  let ended = '';
  const at = play({ AMBER_ON_ERROR: 'any' }, {}, async (request) => {
    at.stopped = true;
    for (let turn = 0; turn < 1000 && request.stopSignal?.aborted !== true; turn += 1) await sleep(10);
    ended = String(request.stopSignal?.reason);
    return report(request);
  });
  const handler = wrap<Handler>(at.environment, async () => {
    await sleep(5);
    throw new Error('failed');
  });
  await assert.rejects(handler({}, lambdaContext()), /failed/u);
  assert.match(ended, /a signed order to stop/u);
  const { length } = at.reads;
  await sleep(250);
  assert.equal(at.reads.length, length);
});

test('a signed order is beyond cap and cooldown, an unsigned one is not', async () => {
  const at = play({
    AMBER_MAX_CAPTURES: '1',
    AMBER_COOLDOWN_MS: '60000',
    AMBER_CONTROL_KEY: 'ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  });
  const handler = handlerOf(at, 150);
  at.brings = ordered();
  await handler({}, lambdaContext());
  at.brings = ordered();
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests.length, 1, JSON.stringify(at.environment.lines));
  assert.equal(at.took.length, 1, 'a refused order is not spent');
  assert.deepEqual(
    at.environment.lines.map(({ limit }) => limit),
    ['cap'],
  );
  for (let count = 0; count < 2; count += 1) {
    at.brings = ordered('key');
    await handler({}, lambdaContext());
  }
  assert.equal(at.environment.requests.length, 3);
});

test('an invocation that lasts reads again', async () => {
  const at = play({ AMBER_CONTROL_TTL_MS: '1' });
  const handler = handlerOf(at, 1300);
  await sleep(5);
  const running = handler({}, lambdaContext());
  await sleep(100);
  at.brings = ordered();
  await running;
  assert.equal(at.environment.requests.length, 1);
});

test('an order is carried out before the deadline where the handler does not settle', async () => {
  const at = play({ AMBER_MARGIN_MS: '50' });
  at.brings = { ...ordered(), config: resolveConfig({ marginMs: 50 }, ENV) };
  const handler = wrap<Handler>(
    at.environment,
    () => new Promise((resolve) => setTimeout(resolve, 2000, 'late').unref()),
  );
  void handler({}, lambdaContext(900));
  for (let waited = 0; waited < 2000 && at.environment.requests.length === 0; waited += 5) await sleep(5);
  assert.equal(at.environment.requests.length, 1);
});

test('AMBER_CAPTURE=off reads nothing', async () => {
  const at = play({ AMBER_CAPTURE: 'off' });
  const handler = handlerOf(at);
  await handler({}, lambdaContext());
  await sleep(10);
  assert.equal(at.reads.length, 0);
});
