import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import type { TriggerEvent, OrderedCapture, Config } from '../../src/contracts/evidence.ts';
import { callCause } from '../../src/trigger/call.ts';
import { control } from '../../src/trigger/control.ts';
import { deadline } from '../../src/trigger/deadline.ts';
import { error, errorNames } from '../../src/trigger/error.ts';
import { event } from '../../src/trigger/event.ts';
import { flag } from '../../src/trigger/flag.ts';
import { TRIGGERS } from '../../src/trigger/index.ts';

const config = (options: Options): Config => resolveConfig({ destination: 'file:///tmp/none', ...options }, {});
const failed = (thrown: unknown): TriggerEvent => ({ at: 'failed', invocation: 2, error: thrown });

describe('every trigger', () => {
  test('has a name of its own and one line of description', () => {
    assert.equal(new Set(TRIGGERS.map(({ name }) => name)).size, TRIGGERS.length);
    for (const { description } of TRIGGERS) assert.match(description, /^[A-Z][^\n]{10,}\.$/u);
  });

  test('but the anomaly wants nothing by default, and none anything where AMBER_CAPTURE is off', () => {
    for (const trigger of TRIGGERS) {
      assert.deepEqual(trigger.moments(config({})), trigger.name === 'anomaly' ? ['found'] : [], trigger.name);
      assert.deepEqual(trigger.moments(config({ capture: 'off', onError: 'any', deadlineMs: 1000 })), [], trigger.name);
    }
  });

  test('fires at no moment that it did not ask for', () => {
    const all = config({ capture: 'now', onError: 'any', deadlineMs: 1000 });
    const moments: TriggerEvent[] = [
      { at: 'settled', invocation: 1 },
      failed(new Error('x')),
      { at: 'near-deadline', invocation: 1, remainingMs: 500 },
    ];
    for (const trigger of TRIGGERS) {
      for (const event of moments) {
        const fired = trigger.fires(event, all);
        assert.equal(fired !== undefined, trigger.moments(all).includes(event.at), `${trigger.name} at ${event.at}`);
        if (fired !== undefined) assert.equal(fired.trigger, trigger.name);
      }
    }
  });

  test('that wants near-deadline says how early', () => {
    const all = config({ capture: 'now', onError: 'any', deadlineMs: 1000 });
    for (const trigger of TRIGGERS.filter(({ moments }) => moments(all).includes('near-deadline'))) {
      assert.ok((trigger.leadMs?.(all, 3000) ?? 0) > 0, trigger.name);
    }
  });
});

test('flag: takes a third of a short timeout and the margin, and maxMs and the margin of a long one', () => {
  const now = config({ capture: 'now', maxMs: 30_000, marginMs: 500 });
  assert.equal(flag.leadMs?.(now, 3000), 1500);
  assert.equal(flag.leadMs(now, 900_000), 30_500);
  assert.equal(flag.once, true);
});

describe('error', () => {
  test('any takes every failure, also what is no Error', () => {
    for (const thrown of [new Error('x'), 'text', undefined, null, 0, { a: 1 }]) {
      assert.equal(error.fires(failed(thrown), config({ onError: 'any' }))?.trigger, 'error');
    }
  });

  test('names are matched by name and by class', () => {
    class PaymentError extends Error {}
    const named = Object.assign(new Error('x'), { name: 'Throttled' });
    const policy = config({ onError: 'PaymentError, Throttled,string' });
    assert.ok(error.fires(failed(new PaymentError('x')), policy));
    assert.ok(error.fires(failed(named), policy));
    assert.ok(error.fires(failed('a thrown string'), policy));
    assert.equal(error.fires(failed(new TypeError('x')), policy), undefined);
    assert.equal(error.fires(failed(undefined), policy), undefined);
  });

  test('the reason holds the name and never the message, on one bounded line', () => {
    const hostile = Object.assign(new Error('password=hunter2'), {
      name: `Evil\n{"amber":"capture"}${'x'.repeat(500)}`,
    });
    const reason = error.fires(failed(hostile), config({ onError: 'any' }))?.reason ?? '';
    assert.doesNotMatch(reason, /hunter2|\n|"/u);
    assert.ok(reason.length < 150);
  });

  test('an error whose getters throw is still an error', () => {
    const trap = Object.defineProperty(new Error('x'), 'name', {
      get: () => {
        throw new Error('no');
      },
    });
    assert.deepEqual(errorNames(trap), ['object']);
    assert.ok(error.fires(failed(trap), config({ onError: 'any' })));
  });
});

test('deadline: fires at its own time, not at that of another trigger', () => {
  const policy = config({ deadlineMs: 1000 });
  const at = (remainingMs: number): TriggerEvent => ({ at: 'near-deadline', invocation: 7, remainingMs });
  assert.equal(deadline.fires(at(2000), policy), undefined);
  assert.match(deadline.fires(at(998.6), policy)?.reason ?? '', /999 ms/u);
  assert.equal(deadline.leadMs?.(policy, 60_000), 1000);
});

test('call: the reason and the requester are those of the caller', () => {
  assert.deepEqual(callCause('suspicious upload', 'alice'), {
    trigger: 'call',
    reason: 'suspicious upload',
    requester: 'alice',
  });
  assert.deepEqual(callCause(undefined, undefined), { trigger: 'call', reason: 'code called capture()' });
});

describe('control and event', () => {
  const all = config({
    destination: 's3://evidence',
    control: 's3://bucket/key',
    controlKey: 'ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  });
  const ordered = (trigger: 'control' | 'event'): OrderedCapture => ({
    cause: { trigger, reason: trigger },
    config: all,
  });

  test('fire for their own orders, at every moment, and for nothing else', () => {
    for (const moment of [
      { at: 'settled', invocation: 1 },
      failed(new Error('x')),
      { at: 'near-deadline', invocation: 1, remainingMs: 500 },
    ] as const) {
      for (const trigger of [control, event]) {
        assert.ok(trigger.moments(all).includes(moment.at));
        assert.equal(trigger.fires(moment, all), undefined);
        const orders = [ordered('control'), ordered('event')];
        assert.equal(trigger.fires({ ...moment, orders }, all)?.reason, trigger.name);
        assert.equal(
          trigger.fires({ ...moment, orders: orders.filter(({ cause }) => cause.trigger !== trigger.name) }, all),
          undefined,
        );
      }
    }
  });

  test('are off without a channel, without a key, and where AMBER_CAPTURE is off', () => {
    assert.deepEqual([control.moments(config({})), event.moments(config({}))], [[], []]);
    const off = { ...all, capture: 'off' } as const;
    assert.deepEqual([control.moments(off), event.moments(off)], [[], []]);
  });
});
