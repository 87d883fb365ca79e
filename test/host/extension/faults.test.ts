/** The extension against a platform that answers nonsense, clocks that jump, and an engine that fails. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureRequest } from '../../../src/capture/capture.ts';
import type { CaptureReport } from '../../../src/contracts/evidence.ts';
import type { Control } from '../../../src/host/orders/control.ts';
import { runExtension } from '../../../src/host/extension/extension.ts';
import { leadMs } from '../../../src/host/extension/deadline.ts';
import { initBefore } from '../../../src/host/extension/prepare.ts';
import type { ExtensionEngine, ExtensionEnvironment } from '../../../src/host/extension/state.ts';
import { leftMs } from '../../../src/host/extension/shutdown.ts';
import { parseEvent } from '../../../src/lambda/extensions-api.ts';
import { parseTelemetry } from '../../../src/lambda/telemetry-api.ts';
import { resolveConfig } from '../../../src/config/config.ts';

type Answer = (response: ServerResponse) => void;

const json =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(body);
const event = (value: object): Answer => json(200, JSON.stringify(value));
const INVOKE = (): Answer =>
  event({
    eventType: 'INVOKE',
    requestId: 'r',
    deadlineMs: Date.now() + 3000,
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:f',
  });
const SHUTDOWN = (ms = 2000): Answer =>
  event({ eventType: 'SHUTDOWN', shutdownReason: 'spindown', deadlineMs: Date.now() + ms });

interface Run {
  readonly log: Record<string, unknown>[];
  readonly exits: number[];
  readonly requests: CaptureRequest[];
  readonly polls: () => number;
  readonly ended: Promise<void>;
}

const REPORT = {
  captureId: 'x',
  state: 'whole',
  cause: { trigger: 'shutdown', reason: '' },
  location: '',
  segments: 1,
  bytes: 1,
  outcomes: {},
  elapsedMs: 1,
  cpuMs: 1,
} as const satisfies CaptureReport;

interface Script {
  readonly register?: readonly Answer[];
  /** Answers of event/next, made when they are due. */
  readonly next: readonly (() => Answer)[];
  readonly engine?: ExtensionEngine;
  readonly env?: Record<string, string>;
  readonly control?: Control;
}

async function run(
  t: TestContext,
  { register = [json(200, '{}', { 'Lambda-Extension-Identifier': 'id' })], next, engine, env, control }: Script,
): Promise<Run> {
  const registers = [...register];
  const events = [...next];
  let polls = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.endsWith('/register') === true) (registers.shift() ?? json(500, ''))(response);
    else if (request.url?.endsWith('/telemetry') === true)
      json(202, '{"errorType":"Telemetry.NotSupported"}')(response);
    else {
      polls += 1;
      events.shift()?.()(response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const [log, exits, requests]: [Record<string, unknown>[], number[], CaptureRequest[]] = [[], [], []];
  const environment: ExtensionEnvironment = {
    env: {
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      AMBER_DESTINATION: 'file:///nowhere/at/all',
      ...env,
    },
    log: (amber, record) => log.push({ amber, ...record }),
    engine: () =>
      Promise.resolve((request: CaptureRequest) => {
        requests.push(request);
        return (engine ?? (() => Promise.resolve(REPORT)))(request);
      }),
    anomalyMonitor: () => Promise.reject(new Error('no sentry in this test')),
    control: () =>
      control === undefined ? Promise.reject(new Error('no control in this test')) : Promise.resolve(control),
    exit: () => exits.push(Date.now()),
  };
  return { log, exits, requests, polls: () => polls, ended: runExtension(environment, 'amber') };
}

describe('answers of the platform', () => {
  const nonsense: readonly (readonly [string, Answer])[] = [
    ['no JSON', json(200, 'garbage')],
    ['nothing', json(200, '')],
    ['an unknown event', event({ eventType: 'PARTY' })],
    ['null', json(200, 'null')],
    ['an error', json(500, '{"errorType":"X"}')],
    ['403', json(403, '{"errorType":"Extension.InvalidExtensionState"}')],
    ['a cut connection', (response) => void response.destroy()],
    ['a body without end', (response) => void response.writeHead(200).end('x'.repeat(100_000))],
  ];
  for (const [what, answer] of nonsense) {
    test(`${what}: one line, and the next event is served`, async (t) => {
      const one = await run(t, { next: [() => answer, () => answer, INVOKE, () => SHUTDOWN()] });
      await one.ended;
      assert.equal(one.exits.length, 1);
      assert.equal(one.requests.length, 1);
      assert.equal(one.log.filter((line) => line['amber'] === 'fault').length, 1, JSON.stringify(one.log));
    });
  }

  test('a second SHUTDOWN is never asked for', async (t) => {
    const one = await run(t, { next: [() => SHUTDOWN(), () => SHUTDOWN()] });
    await one.ended;
    await sleep(50);
    assert.deepEqual([one.exits.length, one.polls(), one.requests.length], [1, 1, 1]);
  });

  test('403 to both registrations: one line, and nothing is thrown', async (t) => {
    const refuse = json(403, '{"errorType":"Extension.InvalidEventType"}');
    const one = await run(t, { register: [refuse, refuse], next: [] });
    await one.ended;
    assert.deepEqual(
      one.log.map(({ amber, what }) => [amber, what]),
      [['fault', 'register']],
    );
    assert.equal(one.polls(), 0);
  });

  test('events are read, and whatever is none is none', () => {
    for (const text of ['', '[]', '1', '"x"', '{}', '{"eventType":1}']) assert.equal(parseEvent(text), undefined);
    assert.deepEqual(parseEvent('{"eventType":"SHUTDOWN","deadlineMs":"soon"}'), {
      kind: 'SHUTDOWN',
      reason: 'unknown',
      deadlineMs: undefined,
    });
    for (const text of ['', 'x', '{}', '"platform.runtimeDone"', '[null,1,{"type":"platform.runtimeDone"}]'])
      assert.deepEqual(parseTelemetry(text), []);
    const done = [
      { type: 'platform.runtimeDone', record: { requestId: 'r', status: 'error', errorType: 'Runtime.OutOfMemory' } },
    ];
    assert.deepEqual(parseTelemetry(JSON.stringify(done)), [
      { requestId: 'r', status: 'error', errorType: 'Runtime.OutOfMemory' },
    ]);
    const timed = [
      {
        time: '2026-11-24T12:00:01.500Z',
        type: 'platform.runtimeDone',
        record: { requestId: 'r', status: 'success', metrics: { durationMs: 500.5 } },
      },
    ];
    assert.equal(parseTelemetry(JSON.stringify(timed))[0]?.startedMs, Date.parse('2026-11-24T12:00:00.999Z') + 0.5);
  });
});

describe('time', () => {
  test('init ended when the first invocation began, as the platform tells it: no later than we heard of it, and not before we were there', () => {
    const init = { ms: 1_000_000, uptimeSeconds: 2, rssBytes: 0 };
    const at = (startedMs: number | undefined, number = 1): number | undefined =>
      initBefore({
        init,
        invocation: {
          number,
          event: { kind: 'INVOKE', requestId: 'r', deadlineMs: 0, functionArn: undefined, traceId: undefined },
          startedMs: 0,
          done: {
            requestId: 'r',
            status: 'success',
            errorType: undefined,
            ...(startedMs === undefined ? {} : { startedMs }),
          },
        },
      })?.ms;
    assert.deepEqual(
      [at(999_400), at(1_000_400), at(undefined), at(0), at(999_400, 2)],
      [999_400, 1_000_000, 1_000_000, 998_000, 1_000_000],
    );
    assert.equal(initBefore({ init: undefined, invocation: undefined }), undefined);
  });

  test('a clock that jumps leaves a capture the time that is always there', () => {
    const now = Date.now();
    assert.equal(leftMs(now + 1500, now), 1500);
    for (const deadlineMs of [undefined, 0, now - 1, now - 3_600_000, now + 3_600_000, Number.NaN])
      assert.equal(leftMs(deadlineMs, now), 1400, String(deadlineMs));
  });

  test('an engine that never ends, throws, or is slow does not hold the exit up', async (t) => {
    for (const engine of [
      () => new Promise<never>(() => undefined),
      () => Promise.reject(new Error('x')),
      () => sleep(5000, REPORT, { ref: false }),
    ] as const) {
      const one = await run(t, { next: [() => SHUTDOWN(600)], engine });
      const startedMs = Date.now();
      const alive = setTimeout(() => undefined, 10_000);
      await one.ended;
      clearTimeout(alive);
      assert.equal(one.exits.length, 1);
      assert.ok(Date.now() - startedMs < 3000);
    }
  });

  test('SHUTDOWN in the middle of a capture lets it close, and then captures what is left', async (t) => {
    const order: string[] = [];
    const one = await run(t, {
      env: { AMBER_DEADLINE_MS: '2990' },
      next: [INVOKE, () => (response) => void waitFor(() => order.length > 0).then(() => SHUTDOWN()(response))],
      engine: async ({ cause, stopSignal: enough }) => {
        order.push(`${cause.trigger} begins`);
        if (cause.trigger === 'deadline' && enough?.aborted === false)
          await new Promise((resolve) => enough.addEventListener('abort', resolve));
        order.push(`${cause.trigger} ends`);
        return { ...REPORT, state: 'cut' };
      },
    });
    await one.ended;
    assert.deepEqual(order, ['deadline begins', 'deadline ends', 'shutdown begins', 'shutdown ends']);
  });

  test('a signed order to stop in the middle of a capture lets it close, and keeps the last one from starting', async (t) => {
    const order: string[] = [];
    let stopped = false;
    const control: Control = {
      check: () => Promise.resolve(undefined),
      nextMs: () => 0,
      isPending: () => false,
      due: () => undefined,
      markConsumed: () => undefined,
      stopped: () => stopped,
      lastRead: () => 'good',
      dropConnections: () => undefined,
      close: () => undefined,
    };
    const one = await run(t, {
      control,
      env: { AMBER_CONTROL: 's3://control/orders.json', AMBER_CONTROL_TTL_MS: '0', AMBER_DEADLINE_MS: '2990' },
      next: [INVOKE, () => (response) => void waitFor(() => order.length > 1).then(() => SHUTDOWN()(response))],
      engine: async ({ cause, stopSignal: enough }) => {
        order.push(`${cause.trigger} begins`);
        stopped = true;
        if (enough?.aborted === false) await new Promise((resolve) => enough.addEventListener('abort', resolve));
        order.push(`${cause.trigger} ends: ${String(enough?.reason)}`);
        return REPORT;
      },
    });
    await one.ended;
    assert.deepEqual(order, [
      'deadline begins',
      'deadline ends: AmberError: a signed order to stop (AMBER_CONTROL) came',
    ]);
  });

  test('the lead of the deadline is that of the policy, or of the flag, or none', () => {
    const config = (env: Record<string, string>): ReturnType<typeof resolveConfig> =>
      resolveConfig({}, { AMBER_DESTINATION: 's3://bucket-name', ...env });
    assert.equal(leadMs(config({ AMBER_DEADLINE_MS: '2500' }), 10_000, { wanted: false }), 2500);
    assert.equal(leadMs(config({ AMBER_DEADLINE_MS: '2500' }), 1000, { wanted: false }), 999);
    assert.equal(leadMs(config({}), 9000, { wanted: false }), 0);
    assert.equal(leadMs(config({}), 9000, { wanted: true }), 3500);
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries += 1) await sleep(10);
}
