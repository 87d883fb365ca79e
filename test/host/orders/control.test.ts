/** The control of a host over a channel that the test plays: what counts, what is said, what is kept. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveConfig, type Options } from '../../../src/config/config.ts';
import type { InvocationFacts } from '../../../src/contracts/evidence.ts';
import { openControl, type Control } from '../../../src/host/orders/control.ts';
import type { ControlChannel } from '../../../src/ship/channels/index.ts';
import { bytes, IDLE, newOrder, newResponder, signerFor } from './orders.ts';

const signed = signerFor('s3://control/orders.json');
const responder = newResponder();

interface Played {
  readonly control: Control;
  readonly lines: Record<string, unknown>[];
  /** What the channel gives at the next reads; the last stays. */
  says: unknown;
  serverDate: string | undefined;
  fails: { code: string; status?: number } | undefined;
  hangs: boolean;
  reads: number;
  drops: number;
}

async function play(
  options: Options = {},
  env: NodeJS.ProcessEnv = { AWS_LAMBDA_FUNCTION_NAME: 'checkout' },
  more: Pick<ControlChannel, 'onlyAtTheEnd'> = {},
): Promise<Played> {
  const lines: Record<string, unknown>[] = [];
  const channel: ControlChannel = {
    ...more,
    location: 's3://control/orders.json',
    read: async (_most, signal) => {
      played.reads += 1;
      if (played.hangs) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      if (played.hangs) return { ok: false, fault: { code: 'ABORT_ERR' } };
      if (played.fails !== undefined) return { ok: false, fault: played.fails };
      return {
        ok: true,
        value: { state: 'changed', body: bytes(played.says), etag: undefined, serverDate: played.serverDate },
      };
    },
    dropConnections: () => (played.drops += 1),
    close: () => undefined,
  };
  const config = resolveConfig(
    {
      destination: 's3://evidence/amber',
      control: 's3://control/orders.json',
      controlTtlMs: 0,
      controlKey: responder.key,
      ...options,
    },
    {},
  );
  const control = await openControl(config, {
    env,
    log: (stream, record) => lines.push({ amber: stream, ...record }),
    channel,
  });
  const played: Played = {
    control,
    lines,
    says: IDLE,
    serverDate: undefined,
    fails: undefined,
    hangs: false,
    reads: 0,
    drops: 0,
  };
  return played;
}

const facts = (more: Partial<InvocationFacts> = {}): InvocationFacts => ({
  requestId: 'r',
  functionArn: undefined,
  traceId: undefined,
  tenantId: undefined,
  deadlineMs: undefined,
  number: 2,
  concurrent: 0,
  ...more,
});

test('an order is due until its capture has begun; the same id again is a replay, with one line', async () => {
  const at = await play();
  assert.equal(await at.control.check(100), undefined);
  const order = newOrder();
  at.says = order;
  const due = await at.control.check(100);
  assert.deepEqual(
    [due?.cause.trigger, due?.cause.reason, due?.cause.requester, due?.cause.order?.id],
    ['control', order.reason, order.requester, order.id],
  );
  assert.ok(at.control.due() !== undefined, 'a capture that was refused is tried again');
  at.control.markConsumed(due!);
  assert.deepEqual([at.control.due(), await at.control.check(100)], [undefined, undefined]);
  assert.deepEqual(at.lines, []);
  at.says = { ...order, reason: 'again' };
  for (let count = 0; count < 3; count += 1) assert.equal(await at.control.check(100), undefined);
  assert.deepEqual(
    at.lines.map(({ amber, limit, order: id }) => [amber, limit, id]),
    [['refused', 'replayed', order.id]],
  );
  at.says = newOrder();
  assert.ok(await at.control.check(100));
});

test('a channel that has something to say at the end alone is asked then, and at no other moment', async () => {
  const at = await play({}, undefined, { onlyAtTheEnd: true });
  at.says = newOrder();
  for (const how of [{}, { fresh: true }, { fresh: true, background: true }])
    assert.equal(await at.control.check(100, undefined, how), undefined);
  assert.deepEqual([at.reads, at.control.nextMs()], [0, Infinity]);
  assert.ok(await at.control.check(100, undefined, { last: true }));
  assert.equal(at.reads, 1);
});

test('the last good value counts while the channel fails, until it expires; each fault is said once', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const at = await play();
  at.says = newOrder();
  await at.control.check(100);
  at.fails = { code: 'AccessDenied', status: 403 };
  assert.ok(await at.control.check(100));
  assert.ok(await at.control.check(100));
  assert.equal(at.control.lastRead(), 'failed');
  assert.deepEqual(
    at.lines.map(({ where, code, status }) => [where, code, status]),
    [['control', 'AccessDenied', 403]],
  );
  t.mock.timers.tick(601_000);
  assert.equal(await at.control.check(100), undefined);
  assert.equal(at.lines.at(-1)?.['limit'], 'expired');
});

test('a read that gets no answer ends within its budget', async () => {
  const at = await play();
  at.hangs = true;
  const started = performance.now();
  assert.equal(await at.control.check(150), undefined);
  assert.ok(performance.now() - started >= 100);
  assert.deepEqual(
    at.lines.map(({ code }) => code),
    ['NoAnswer'],
  );
});

test('a read that the host calls off says nothing, and the next one is due at once', async () => {
  const at = await play({ controlTtlMs: 60_000 });
  at.hangs = true;
  const stop = new AbortController();
  const reading = at.control.check(1000, undefined, { signal: stop.signal });
  setImmediate(() => stop.abort());
  await reading;
  assert.deepEqual([at.lines, at.control.lastRead(), at.control.nextMs()], [[], undefined, 0]);
});

test('a read that was frozen says nothing, three in a row do', async (t) => {
  const at = await play({ controlTtlMs: 60_000 });
  at.hangs = true;
  const real = Date.now;
  for (let count = 1; count <= 3; count += 1) {
    const reading = at.control.check(100, undefined, { fresh: true });
    await new Promise((resolve) => setImmediate(resolve)); // it has begun
    const now = t.mock.method(Date, 'now', () => real() + 30_000);
    await reading;
    now.mock.restore();
    assert.deepEqual([at.lines.length, at.control.lastRead()], count < 3 ? [0, undefined] : [1, 'failed']);
    assert.equal(at.control.nextMs() === 0, count < 3);
  }
});

test('the TTL holds, a fifth more or less; a fresh read does not wait for it', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const at = await play({ controlTtlMs: 20_000 });
  await at.control.check(100);
  const first = at.control.nextMs() - Date.now();
  assert.ok(first >= 16_000 && first <= 24_000, String(first));
  await at.control.check(100);
  assert.equal(at.reads, 1);
  await at.control.check(100, undefined, { fresh: true });
  assert.equal(at.reads, 2);
  t.mock.timers.tick(24_001);
  await at.control.check(100);
  assert.deepEqual([at.reads, at.drops], [3, 2], 'connections that may be dead are not used');
});

test('times of an order are held against the clock of the channel', async () => {
  const at = await play();
  const aheadMs = 3_600_000;
  at.serverDate = new Date(Date.now() + aheadMs).toUTCString();
  at.says = newOrder({}, Date.now() + aheadMs);
  assert.ok(await at.control.check(100), 'our clock is an hour behind');
  at.says = newOrder();
  assert.equal(await at.control.check(100), undefined);
  assert.equal(at.lines.at(-1)?.['limit'], 'expired');
});

test('scope is asked at each invocation: the tenant, the version, the sandbox', async () => {
  const at = await play(
    {},
    { AWS_LAMBDA_FUNCTION_NAME: 'checkout', AWS_LAMBDA_FUNCTION_VERSION: '7', AWS_LAMBDA_LOG_STREAM_NAME: 'stream' },
  );
  at.says = newOrder({ scope: { function: 'checkout', version: '7', logStream: 'stream', tenant: 'blue' } });
  assert.equal(await at.control.check(100, facts({ tenantId: 'red' })), undefined);
  assert.ok(at.control.due(facts({ tenantId: 'blue' })), 'the next invocation is that of the tenant');
  assert.deepEqual(
    at.lines.map(({ limit }) => limit),
    ['out-of-scope'],
  );
});

describe('stop', () => {
  test('is in force while its order holds, here, and signed', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const at = await play();
    at.says = newOrder({ state: 'stop' });
    assert.equal(await at.control.check(100), undefined);
    assert.equal(at.control.stopped(), false);
    at.says = signed(responder, { state: 'stop', scope: { function: 'another' } });
    await at.control.check(100);
    assert.equal(at.control.stopped(), false);
    at.says = signed(responder, { state: 'stop' });
    assert.equal(await at.control.check(100), undefined);
    assert.deepEqual([at.control.stopped(), at.control.isPending()], [true, false]);
    t.mock.timers.tick(601_000);
    assert.equal(at.control.stopped(), false);
  });

  test('ends with the next good value', async () => {
    const at = await play();
    at.says = signed(responder, { state: 'stop' });
    await at.control.check(100);
    at.says = IDLE;
    await at.control.check(100);
    assert.equal(at.control.stopped(), false);
  });
});

test('whoever may write the object cannot fill the log', async () => {
  const at = await play();
  for (let count = 0; count < 200; count += 1) {
    at.says = newOrder({ destination: 's3://foreign/x' });
    await at.control.check(100);
  }
  assert.equal(at.lines.length, 20);
});
