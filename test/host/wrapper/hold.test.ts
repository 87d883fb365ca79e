/** What is no promise: thenables, values, and the callbacks of aws-lambda-ric 3. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DESTINATION, lambdaContext, NOW, ON_ERROR, sleep, testEnvironment, wrap } from '../environment.ts';

type Callback = (...args: unknown[]) => void;

/** Counts how often it is run: query builders run at each `then`. */
class Lazy {
  readonly #value: unknown;
  runs = 0;
  constructor(value: unknown) {
    this.#value = value;
  }
  then(...callbacks: Callback[]): Promise<unknown> {
    this.runs += 1;
    return Promise.resolve(this.#value).then(...callbacks);
  }
}

describe('thenables', () => {
  for (const [env, captures] of [
    [{}, 0],
    [{ ...DESTINATION, AMBER_ON_ERROR: 'Other' }, 0],
    [NOW, 1],
  ] as const) {
    test(`are subscribed to as often as the runtime does it (${Object.keys(env).join(' ')})`, async () => {
      const environment = testEnvironment(env, 20);
      const value = { a: 1 };
      const lazy = new Lazy(value);
      const result = wrap(environment, () => lazy)();
      await sleep(5);
      assert.equal(lazy.runs, 0);
      assert.equal(result.runs, 0);
      const started = performance.now();
      assert.equal(await result, value);
      assert.equal(lazy.runs, 1);
      assert.equal(performance.now() - started >= 18, captures === 1);
      assert.equal(environment.requests.length, captures);
    });
  }

  test('that reject are failures, and give what the original `then` gives', async () => {
    const environment = testEnvironment(ON_ERROR, 10);
    const derived = Symbol('derived');
    const odd = { then: (_: Callback, rejected: Callback) => (setTimeout(() => rejected('no'), 5), derived) };
    const reasons: unknown[] = [];
    const result = wrap(environment, () => odd)();
    assert.equal(
      result.then(
        () => reasons.push('fulfilled'),
        (reason: unknown) => reasons.push(reason),
      ),
      derived,
    );
    await until(() => reasons.length > 0);
    assert.deepEqual(reasons, ['no']);
    assert.equal(environment.requests[0]?.cause.trigger, 'error');
  });

  test('a `then` that throws when it is read throws at the runtime, as without us', async () => {
    for (const env of [{}, NOW]) {
      const odd = Object.defineProperty({}, 'then', {
        get: () => {
          throw new RangeError('no');
        },
      });
      const runtime4 = async (): Promise<unknown> => Promise.resolve(wrap(testEnvironment(env), () => odd)());
      await assert.rejects(runtime4(), RangeError);
    }
  });
});

test('a value of a synchronous handler is the result of a v4 runtime, after the capture', async () => {
  const environment = testEnvironment(NOW, 20);
  const value = { a: 1 };
  const wrapped = wrap(environment, (...args: unknown[]): unknown => (args.length > 1 ? value : undefined));
  const held = wrapped({}, lambdaContext());
  assert.ok(held instanceof Promise);
  assert.equal(await held, value);
  assert.equal(wrapped({}, lambdaContext()), value);
});

test('a streaming handler that returns no promise stays an error of the runtime', async () => {
  const environment = testEnvironment(NOW, 10);
  const handler = Object.assign((): unknown => 'not a promise', {
    [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response',
  });
  assert.equal(
    Reflect.apply(wrap(environment, handler), undefined, [{}, { write: 1 }, lambdaContext()]),
    'not a promise',
  );
  await until(() => environment.requests.length > 0);
  assert.equal(environment.requests[0]?.invocation?.requestId, 'request-1');
});

/** Waits for something that is to come, 5 s at most. */
async function until(hasCome: () => boolean): Promise<void> {
  for (let waited = 0; !hasCome() && waited < 1000; waited += 1) await sleep(5);
}

/** Calls as aws-lambda-ric 3 does (Runtime.js, CallbackContext.js): the first answer counts, whoever gives it. */
function runtime3(handler: (...args: never[]) => unknown): {
  answers: unknown[][];
  done: () => boolean;
  result: unknown;
} {
  const answers: unknown[][] = [];
  const first =
    (name: string) =>
    (...args: unknown[]) => {
      if (answers.length === 0) answers.push([name, ...args]);
    };
  const context = { ...lambdaContext(), succeed: first('succeed'), fail: first('fail'), done: first('done') };
  const result: unknown = Reflect.apply(handler, undefined, [{}, context, first('callback')]);
  return { answers, done: () => answers.length > 0, result };
}

describe('callbacks of a v3 runtime', () => {
  test("are the runtime's own while nothing is watched", () => {
    const own = (): void => undefined;
    const seen: unknown[] = [];
    const wrapped = wrap(testEnvironment({}), (...args: unknown[]) => seen.push(...args));
    Reflect.apply(wrapped, undefined, [1, 2, own]);
    assert.equal(seen[2], own);
  });

  test('what the handler returns beside its callback is ignored, so it is never held', () => {
    const run = runtime3(wrap(testEnvironment(NOW, 10), () => 200));
    assert.equal(run.result, 200);
  });

  test('with the flag the capture starts when the handler returns, and the callback waits for it', async () => {
    const environment = testEnvironment(NOW, 200);
    let called = false;
    const run = runtime3(
      wrap(environment, (_event: unknown, _context: unknown, callback: Callback) => {
        setTimeout(() => {
          callback(null, 'ok');
          called = true;
        }, 5);
      }),
    );
    await until(() => called);
    assert.equal(environment.requests.length, 1);
    assert.deepEqual(run.answers, []);
    await until(() => run.answers.length > 0);
    assert.deepEqual(run.answers, [['callback', null, 'ok']]);
  });

  test('an error is held for its capture, and the answers after it do not overtake it', async () => {
    const environment = testEnvironment(ON_ERROR, 30);
    const error = new Error('x');
    const run = runtime3(
      wrap(environment, async (_event: unknown, context: { succeed: Callback }, callback: Callback) => {
        callback(error);
        callback(null, 'late');
        context.succeed('later');
        return Promise.resolve('latest');
      }),
    );
    void (run.result as Promise<unknown>).then((value) => run.answers.push(['promise', value]));
    await until(() => run.answers.length >= 2);
    assert.deepEqual(run.answers, [
      ['callback', error],
      ['promise', 'latest'],
    ]);
    assert.equal(environment.requests.length, 1);
  });

  test('falsy errors are errors, undefined and null are none', async () => {
    for (const [value, captures] of [
      [0, 1],
      ['', 1],
      [false, 1],
      [undefined, 0],
      [null, 0],
    ] as const) {
      const environment = testEnvironment(ON_ERROR);
      const run = runtime3(
        wrap(environment, (_event: unknown, _context: unknown, callback: Callback) => callback(value, 1)),
      );
      await until(() => run.answers.length > 0);
      assert.deepEqual(run.answers, [['callback', value, 1]]);
      assert.equal(environment.requests.length, captures);
    }
  });

  test('a thrown undefined is success to a v3 runtime, so it is thrown on at once', async () => {
    const environment = testEnvironment(ON_ERROR, 10);
    let caught: unknown = 'nothing';
    try {
      runtime3(
        wrap(environment, () => {
          throw undefined;
        }),
      );
    } catch (thrown) {
      caught = thrown;
    }
    assert.equal(caught, undefined);
    await until(() => environment.requests.length > 0);
    assert.equal(environment.requests.length, 1);
  });

  test('an invocation that answered by its context is over when the next one begins', async () => {
    const environment = testEnvironment({ ...DESTINATION, AMBER_DEADLINE_MS: '59950' });
    const wrapped = wrap(environment, (_event: unknown, context: { succeed: Callback }) => {
      context.succeed('ok');
    });
    runtime3(wrapped);
    assert.equal(environment.state.inFlight, 1);
    runtime3(async () => {
      wrapped({}, { succeed: () => undefined });
      return Promise.resolve();
    });
    await sleep(5);
    assert.equal(environment.state.inFlight, 0);
    await sleep(80);
    assert.equal(environment.requests.length, 0);
  });
});
