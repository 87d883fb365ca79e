/** Two copies of the package in one process keep one of everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../../../src/config/config.ts';
import * as checks from '../../../src/host/orders/control-poller.ts';
import * as events from '../../../src/host/orders/event-order.ts';
import { sandboxState, shared } from '../../../src/host/limits/state.ts';
import { testEnvironment } from '../environment.ts';

const copyOf = async (module: string): Promise<unknown> => import(`../../../src/host/orders/${module}.ts?copy`);

test('the control object is read for all copies together, and an order in an event is spent in all of them', async () => {
  const other = (await copyOf('control-poller')) as typeof checks;
  assert.notEqual(other.pollerFor, checks.pollerFor);
  const environment = testEnvironment({});
  const config = resolveConfig({ control: 's3://bucket/key', destination: 's3://bucket' }, {});
  const first = checks.pollerFor(config, environment.state, environment);
  assert.ok(first !== undefined);
  assert.equal(other.pollerFor(config, environment.state, environment), first);

  const otherEvents = (await copyOf('event-order')) as typeof events;
  events.markEventConsumed(environment, {
    cause: { trigger: 'event', reason: 'x', order: { id: 'order-1' } as never },
    config,
  });
  otherEvents.markEventConsumed(environment, {
    cause: { trigger: 'event', reason: 'x', order: { id: 'order-2' } as never },
    config,
  });
  assert.deepEqual(
    shared<{ taken: Set<string> }>('event-orders').get(environment.state)?.taken,
    new Set(['order-1', 'order-2']),
  );
});

test("a state of another form is nobody's", () => {
  const scope = {};
  Object.defineProperty(scope, Symbol.for('lambda-amber.state'), { value: { version: 1 } });
  assert.equal(sandboxState(scope), undefined);
});
