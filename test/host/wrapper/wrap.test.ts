import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WRAPPED } from '../../../src/host/wrapper/mark.ts';
import { withCapture } from '../../../src/host/wrapper/wrap.ts';
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

describe('the function object', () => {
  for (const env of [{}, NOW, ON_ERROR]) {
    test(`is that of the handler (${Object.keys(env).join(' ')})`, () => {
      const mark = Symbol('mark');
      const plain = async (event: unknown, context: unknown): Promise<unknown> => Promise.resolve([event, context]);
      const handler = Object.assign(plain, { own: {}, [mark]: 2 });
      const wrapped = wrap(testEnvironment(env), handler);
      assert.notEqual(wrapped, handler);
      assert.equal(wrapped.constructor.name, 'AsyncFunction');
      assert.equal(Object.prototype.toString.call(wrapped), '[object AsyncFunction]');
      assert.equal(wrapped.length, 2);
      assert.equal(wrapped.name, 'plain');
      assert.deepEqual(Reflect.ownKeys(wrapped), Reflect.ownKeys(handler));
      assert.equal(wrapped.own, handler.own);
      assert.equal(wrapped[mark], 2);
      assert.equal(wrap(testEnvironment(env), (a: unknown, b: unknown, c: unknown) => [a, b, c]).length, 3);
      assert.equal(wrap(testEnvironment(env), (...all: unknown[]) => all).constructor.name, 'Function');
    });
  }

  test('properties set on the wrapper later are seen by the runtime, and the handler keeps its own', () => {
    const wrapped = wrap(
      testEnvironment({}),
      Object.freeze(() => 1),
    );
    assert.ok(WRAPPED in wrapped);
    const open = wrap(testEnvironment({}), () => 1);
    const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');
    Reflect.set(open, streaming, 'response');
    assert.equal(Reflect.get(open, streaming), 'response');
  });

  test('what is no function is given back, so that the runtime reports it', () => {
    for (const odd of [undefined, null, 'x', {}]) assert.equal(wrap(testEnvironment({}), odd as never), odd);
  });
});

describe('while nothing is due', () => {
  test('the handler is called as if it stood there itself', async () => {
    const environment = testEnvironment({});
    const promise = Promise.resolve(7);
    const seen: unknown[] = [];
    const wrapped = wrap(environment, function (this: unknown, ...args: unknown[]) {
      seen.push(this, ...args, new Error('here').stack);
      return promise;
    });
    const self = {};
    const context = lambdaContext();
    void Reflect.apply(wrapped, self, [1, context, 3]); // the first one is noted, by one frame
    seen.length = 0;
    assert.equal(Reflect.apply(wrapped, self, [1, context, 3]), promise);
    assert.equal(seen[0], self);
    assert.equal(seen[2], context);
    assert.doesNotMatch(String(seen[4]), /src.host/u);
    assert.equal(environment.state.invocations, 2);
    assert.equal(await promise, 7);
  });

  test('once the flag has had its capture, nothing is watched any more', async () => {
    const environment = testEnvironment(NOW);
    const wrapped = wrap(environment, async () => Promise.resolve(new Error('stack').stack ?? ''));
    assert.match(await wrapped(), /src.host.wrap/u);
    assert.doesNotMatch(await wrapped(), /src.host/u);
    assert.equal(environment.requests.length, 1);
  });

  test('error stacks keep their async frames while a trigger watches', async () => {
    const environment = testEnvironment({ ...DESTINATION, AMBER_ON_ERROR: 'SomethingElse', AMBER_DEADLINE_MS: '10' });
    const handler = async (): Promise<void> => {
      await sleep(1);
      throw new Error('late');
    };
    const runtime = async (call: () => Promise<void>): Promise<string> => {
      try {
        await call();
        return 'did not fail';
      } catch (error) {
        return (error as Error).stack ?? '';
      }
    };
    const frames = (stack: string): string[] => stack.split('\n').map((line) => line.replace(/:\d+:\d+\)?$/u, ''));
    const bare = await runtime(handler);
    assert.match(bare, /at async runtime/u);
    assert.deepEqual(frames(await runtime(wrap(environment, handler))), frames(bare));
  });
});

describe('wrapping twice', () => {
  test('gives the same wrapper, also for another copy of the package', () => {
    const once = withCapture(() => 1);
    assert.equal(withCapture(once), once);
    assert.equal(wrap(testEnvironment(NOW), once), once);
  });

  test('with another wrapper between gives one capture', async () => {
    const environment = testEnvironment({ ...ON_ERROR, ...NOW });
    const inner = wrap<Handler>(environment, async () => Promise.reject(new Error('x')));
    const vendor = async (event: unknown, context: unknown): Promise<unknown> => {
      await sleep(1);
      return inner(event, context);
    };
    const outer = wrap(environment, vendor);
    await assert.rejects(outer({}, lambdaContext()));
    assert.equal(environment.requests.length, 1);
    assert.equal(environment.state.invocations, 1);
    assert.equal(environment.state.inFlight, 0);
  });
});

test('several invocations at once are each their own', async () => {
  const environment = testEnvironment({ ...ON_ERROR, AMBER_DEADLINE_MS: '10' });
  const wrapped = wrap(environment, async (event: number, ...rest: unknown[]) => {
    await sleep(event);
    assert.equal(rest.length, 1);
    if (event === 20) throw new Error('the second');
    return event;
  });
  const results = await Promise.allSettled([30, 20, 10].map(async (event) => wrapped(event, lambdaContext())));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(
    environment.requests.map(({ invocation }) => [invocation?.number, invocation?.concurrent]),
    [[2, 1]],
  );
  assert.equal(environment.state.inFlight, 0);
});
