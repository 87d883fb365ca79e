/** When the control object is read in process, and what an answer waits for: over a control that the test plays. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OrderedCapture } from '../../../src/contracts/evidence.ts';
import type { Control, HowToCheck } from '../../../src/host/orders/control.ts';
import { resolveConfig } from '../../../src/config/config.ts';
import {
  lambdaContext,
  report,
  sleep,
  testEnvironment,
  wrap,
  type Handler,
  type TestEnvironment,
} from '../environment.ts';
import { newOrder } from './orders.ts';
import type { Engine } from '../../../src/host/environment.ts';

const ENV = {
  AMBER_DESTINATION: 'file:///tmp/amber-not-there',
  AMBER_CONTROL: 's3://control/orders.json',
  AMBER_CONTROL_TTL_MS: '0',
  AMBER_COOLDOWN_MS: '0',
  AMBER_DETECT: 'off',
};
const CONFIG = resolveConfig({}, ENV);

interface Played {
  readonly environment: TestEnvironment;
  /** Milliseconds that a read takes. */
  takesMs: number;
  /** What a read brings when it ends. */
  brings: OrderedCapture | undefined;
  fails: boolean;
  stopped: boolean;
  readonly reads: HowToCheck[];
  readonly took: string[];
  drops: number;
}

function play(env: Record<string, string> = {}, more: { takesMs?: number } = {}, engine?: Engine): Played {
  let held: OrderedCapture | undefined;
  let last: 'good' | 'failed' | undefined;
  let nextMs = 0;
  const control: Control = {
    check: async (_budget, _facts, how = {}) => {
      played.reads.push(how);
      nextMs = Date.now() + Number({ ...ENV, ...env }.AMBER_CONTROL_TTL_MS);
      const called = new Promise((resolve) =>
        how.signal?.addEventListener('abort', () => resolve('off'), { once: true }),
      );
      if ((await Promise.race([pause(played.takesMs), called])) === 'off') return undefined;
      last = played.fails ? 'failed' : 'good';
      if (!played.fails) held = played.brings;
      return held;
    },
    nextMs: () => nextMs,
    isPending: () => held !== undefined,
    due: () => held,
    stopped: () => played.stopped,
    lastRead: () => last,
    markConsumed: ({ cause }) => {
      played.took.push(cause.order?.id ?? '');
      held = undefined;
      played.brings = undefined;
    },
    dropConnections: () => (played.drops += 1),
    close: () => undefined,
  };
  const environment = { ...testEnvironment({ ...ENV, ...env }, 0, engine), control: () => Promise.resolve(control) };
  const played: Played = {
    environment,
    takesMs: more.takesMs ?? 0,
    brings: undefined,
    fails: false,
    stopped: false,
    reads: [],
    took: [],
    drops: 0,
  };
  return played;
}

/** Keeps no process alive. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

const ordered = (signedBy?: string): OrderedCapture => {
  const { id, issued, expires } = newOrder();
  return {
    config: CONFIG,
    cause: {
      trigger: 'control',
      reason: 'r',
      order: {
        id,
        issued,
        expires,
        channel: 'c',
        sha256: '',
        overrides: [],
        ...(signedBy === undefined ? {} : { signedBy }),
      },
    },
  };
};

const handlerOf = (at: Played, ms = 0): ((event?: unknown, context?: unknown) => Promise<unknown>) =>
  wrap(at.environment, async () => {
    if (ms > 0) await sleep(ms);
    return 'answer';
  });

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
  await sleep(5);
  await handler({}, lambdaContext());
  await sleep(5);
  at.takesMs = 60;
  at.brings = ordered();
  const started = performance.now();
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests.length, 0, 'nothing waits for a read of its own invocation');
  assert.ok(performance.now() - started < 55);
  await handler({}, lambdaContext());
  assert.equal(at.environment.requests.length, 1);
});

describe('a channel that does not answer', () => {
  test('holds one answer for 150 ms at most, and no further one', async () => {
    const at = play({}, { takesMs: 0 });
    const handler = handlerOf(at);
    await sleep(5);
    await handler({}, lambdaContext());
    await sleep(5);
    at.takesMs = 60_000;
    const took: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      const started = performance.now();
      assert.equal(await handler({}, lambdaContext()), 'answer');
      took.push(performance.now() - started);
    }
    assert.equal(took.filter((ms) => ms > 100).length, 1, took.join(' '));
  });

  test('one that fails holds none', async () => {
    const at = play();
    at.fails = true;
    const handler = handlerOf(at);
    await sleep(5);
    at.takesMs = 60_000;
    const started = performance.now();
    for (let count = 0; count < 5; count += 1) await handler({}, lambdaContext());
    assert.ok(performance.now() - started < 100);
  });

  test('a channel that cannot be opened is one line', async () => {
    const at = play();
    const handler = wrap({ ...at.environment, control: () => Promise.reject(new TypeError('secret')) }, () =>
      Promise.resolve('answer'),
    );
    for (let count = 0; count < 3; count += 1) assert.equal(await handler(), 'answer');
    await sleep(5);
    assert.deepEqual(
      at.environment.lines.map(({ amber, where, error }) => [amber, where, error]),
      [['fault', 'control', 'the channel could not be opened']],
    );
  });
});

test('a read that was frozen is called off, its connections are dropped, and another one is begun', async (t) => {
  const at = play();
  const handler = handlerOf(at);
  await sleep(5);
  at.takesMs = 60_000;
  await handler({}, lambdaContext());
  await sleep(5);
  const { reads, drops } = { reads: at.reads.length, drops: at.drops };
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 30_000 });
  at.takesMs = 0;
  at.brings = ordered();
  await handler({}, lambdaContext());
  assert.deepEqual([at.reads.length, at.drops], [reads + 1, drops + 1]);
  assert.equal(at.reads.at(-2)?.signal?.aborted, true);
  assert.equal(at.environment.requests.length, 1, 'what was wanted before counts now');
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
  const handler = handlerOf(at, 20);
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
