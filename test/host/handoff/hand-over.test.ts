/**
 * The function's process and the extension know of each other: a due capture is made once, and the caller does not wait
 * for it.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { resolveConfig } from '../../../src/config/config.ts';
import { COLLECTORS } from '../../../src/collect/index.ts';
import { HANDED_OVER } from '../../../src/host/handoff/facts.ts';
import { policyPrint } from '../../../src/host/handoff/connection.ts';
import { ensureClient, ric3, ric4 } from '../../sandbox/clients.ts';
import type { Platform } from '../../sandbox/platform.ts';
import { jsonOf, type Stored } from '../extension/captures.ts';
import { HANDLERS, openScene } from '../extension/sandbox.ts';
import { orderChannel } from '../orders/order-channel.ts';
import { newOrder } from '../orders/orders.ts';
import { bodyOf, captures, invoke, type Line, skip, wrapped } from './handed.ts';

const handed = (platform: Platform): readonly Line[] => platform.logLines('handed');
const isInProcess = (one: Stored | undefined): boolean =>
  one !== undefined &&
  (jsonOf(one, 'live_response/invocation.json') as { sandbox: { inProcess: boolean } }).sandbox.inProcess;

describe('a due capture is handed to the extension', { skip }, () => {
  test('the first invocation of a sandbox, by AMBER_CAPTURE=now, with what only the process knows', async (t) => {
    const platform = await wrapped(t, { AMBER_CAPTURE: 'now', AMBER_INCLUDE_EVENT: '1' });
    assert.equal((await invoke(platform, { say: 'first', live: 'by the handler' })).kind, 'response');
    const [one, ...more] = await captures(platform);
    assert.ok(one !== undefined && more.length === 0, platform.log());
    assert.equal(one.manifest?.cause.trigger, 'flag');
    assert.equal(isInProcess(one), false);
    const [line] = handed(platform);
    assert.deepEqual([line?.['verdict'], line?.['held']], ['taken', true], platform.log());
    const inside = jsonOf(one, 'live_response/runtime.json') as { process: { pid: number } };
    assert.equal(inside.process.pid, platform.runtime()?.innerPid);
    const own = jsonOf(one, 'live_response/function-process.json') as {
      invocation: { event: { say: string } };
      environment: { added: { variables: object } };
    };
    assert.equal(own.invocation.event.say, 'first');
    assert.ok(Object.keys(own.environment.added.variables).includes('SET_BY_CODE'));
    const { cost, warning } = jsonOf(one, 'live_response/handed-over.json') as {
      cost: { ms: number; cpuMs: number };
      warning: string;
    };
    assert.ok(cost.ms >= 0 && cost.cpuMs >= 0 && warning.length > 0);
  });

  test('the answer goes first: what only the process knows is collected when it is out', async (t) => {
    const platform = await wrapped(t, { AMBER_CAPTURE: 'now' });
    const answered = join(platform.ground.tmp, 'answered');
    const result = await platform.invoke({ say: 'first', holdReports: '/tmp/answered' }, 20_000);
    writeFileSync(answered, '');
    assert.equal(result.kind, 'response');
    await platform.idle();
    assert.equal(readFileSync(`${answered}.seen`, 'utf8'), 'out\n');
    const [one] = await captures(platform);
    assert.ok(one?.entries.has('live_response/diagnostic-report.json'), platform.log());
  });

  for (const client of [ric3, ric4]) {
    test(`the answer goes first, so that what the handler leaves behind does not reach it: ${client.name}`, async (t) => {
      if (!ensureClient(t, client)) return;
      const runtime = {
        command: [client.node, ...client.args('wrapped.handler')],
        cwd: HANDLERS,
        env: { LAMBDA_TASK_ROOT: HANDLERS },
      };
      for (const late of [0, 5, 40]) {
        const platform = await wrapped(t, { AMBER_CAPTURE: 'now', AMBER_COOLDOWN_MS: '0' }, { runtime });
        const result = await invoke(platform, { say: 'first', late });
        assert.deepEqual([result.kind, bodyOf(result)], ['response', '"first"'], platform.log());
      }
    });
  }

  test('an error: the answer waits where the sandbox would freeze, and is the error itself', async (t) => {
    const platform = await wrapped(t, { AMBER_ON_ERROR: 'any' });
    await invoke(platform, {});
    const result = await invoke(platform, { fail: 'what the handler says' });
    assert.match(bodyOf(result), /what the handler says/u);
    const [one, ...more] = await captures(platform);
    assert.ok(one?.manifest !== undefined && more.length === 0, platform.log());
    assert.equal(one.manifest.cause.trigger, 'error');
    assert.match(one.manifest.cause.reason, /TypeError/u);
    assert.equal(isInProcess(one), false);
    const own = jsonOf(one, 'live_response/function-process.json') as { invocation: { error: { message: string } } };
    assert.equal(own.invocation.error.message, 'what the handler says');
  });

  test('a deadline that both see is captured once', async (t) => {
    const platform = await wrapped(t, { AMBER_DEADLINE_MS: '6000', AMBER_COOLDOWN_MS: '0' });
    await invoke(platform, {});
    assert.equal((await invoke(platform, { waitMs: 3000, say: 'in time' }, 8000)).kind, 'response');
    const found = await captures(platform);
    assert.deepEqual(
      found.map(({ manifest }) => manifest?.cause.trigger),
      ['deadline'],
      platform.log(),
    );
    assert.equal(isInProcess(found[0]), false);
    assert.ok(['running', 'taken'].includes(String(handed(platform)[0]?.['verdict'])), platform.log());
    assert.ok(found[0]?.entries.has('live_response/runtime.json'));
  });

  test('an intruder that both find is captured once', async (t) => {
    const platform = await wrapped(t, { AMBER_DETECT: 'high,-code-changed' });
    await invoke(platform, {});
    await new Promise((resolve) => setTimeout(resolve, 1100)); // the extension looks once a second at most
    await invoke(platform, { stage: '/tmp/.x' });
    for (let number = 0; number < 4; number += 1) await invoke(platform, { waitMs: 200 });
    const found = await captures(platform);
    assert.deepEqual(
      found.map(({ manifest }) => manifest?.cause.trigger),
      ['anomaly'],
      platform.log(),
    );
    assert.ok(
      handed(platform).every(({ verdict }) => verdict === 'done' || verdict === 'taken' || verdict === 'running'),
    );
    // In the shadow of that capture, what only the process can find is captured all the same.
    const policy = policyPrint(
      resolveConfig({}, { AMBER_DESTINATION: 'file:///mnt/evidence', AMBER_DETECT: 'high,-code-changed' }),
    );
    const say = (reason: string): object => ({
      say: [{ trigger: 'anomaly', reason, policy }, { entries: [] }],
      ms: 15_000,
    });
    const result = await invoke(
      platform,
      {
        forge: [
          say('detectors found staged-file (critical): /tmp/.x'),
          say('detectors found patched-builtins (high): fetch'),
        ],
      },
      60_000,
    );
    assert.deepEqual(
      (JSON.parse(bodyOf(result)) as Line[][]).map(([, line]) => line?.['verdict']),
      ['done', 'taken'],
      platform.log(),
    );
  });

  test('an order that both see is captured once', async (t) => {
    const channel = await orderChannel(t);
    const platform = await wrapped(t, { ...channel.env, AMBER_COOLDOWN_MS: '0' });
    await invoke(platform, {});
    const order = newOrder();
    await channel.write(order);
    for (let number = 0; number < 4; number += 1) await invoke(platform, { waitMs: 300 });
    const found = await captures(platform);
    assert.deepEqual(
      found.map(({ manifest }) => manifest?.cause.trigger),
      ['control'],
      platform.log(),
    );
    assert.equal((jsonOf(found[0]!, 'capture.json') as { cause: { order: { id: string } } }).cause.order.id, order.id);
  });
});

describe('captured in process', { skip }, () => {
  test('where code asks for something else than the environment', async (t) => {
    const platform = await openScene(t, { handler: 'wrapped.other', env: { AMBER_CAPTURE: 'now' } });
    await invoke(platform, {});
    const found = await captures(platform);
    assert.deepEqual(found.map(isInProcess), [true], platform.log());
    assert.deepEqual(handed(platform), []);
  });

  test('where a trigger of code fires, which the extension does not know', async (t) => {
    const platform = await openScene(t, { handler: 'wrapped.own', env: {} });
    await invoke(platform, {});
    const found = await captures(platform);
    assert.deepEqual(
      found.map((one) => [isInProcess(one), one.manifest?.cause.trigger]),
      [[true, 'always']],
      platform.log(),
    );
    assert.deepEqual(handed(platform), []);
  });

  test('where somebody answers in the place of an extension that is not there', async (t) => {
    const platform = await wrapped(t, { AMBER_ON_ERROR: 'any' }, { alone: true });
    await invoke(platform, { squat: true, fail: 'after the name was taken' });
    const found = await captures(platform);
    assert.deepEqual(found.map(isInProcess), [true], platform.log());
    assert.deepEqual(
      (platform.logLines('fault') as readonly Line[]).map(({ where }) => where),
      ['hint'],
      platform.log(),
    );
  });
});

test('every collector that reads its own process is handed over, but for the heap, whose capture stays in process', () => {
  const own = COLLECTORS.filter(({ inProcess }) => inProcess === true).map(({ name }) => name);
  assert.deepEqual([...HANDED_OVER.map(({ name }) => name), 'heap'].sort(), own.sort());
});

test('the print of a policy tells configurations apart, patterns among them, and does not care how S3 is spoken to', () => {
  const print = (env: Readonly<Record<string, string>>): string => policyPrint(resolveConfig({}, env));
  assert.notEqual(print({}), print({ AMBER_REDACT: 'x' }));
  assert.notEqual(print({ AMBER_REDACT: 'y' }), print({ AMBER_REDACT: 'x' }));
  assert.notEqual(print({ AMBER_DESTINATION: 's3://one' }), print({ AMBER_DESTINATION: 's3://other' }));
  assert.equal(print({ AMBER_S3_TRANSPORT: 'light' }), print({}));
});
