import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Options } from '../../../src/config/config.ts';
import { isAmberError } from '../../../src/errors.ts';
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

describe('limits', () => {
  test('the cap ends it; each refusal is said once', async () => {
    const environment = testEnvironment({ ...ON_ERROR, AMBER_MAX_CAPTURES: '2' });
    const wrapped = wrap<Handler>(environment, async () => Promise.reject(new Error('x')));
    for (let i = 0; i < 4; i += 1) await assert.rejects(wrapped());
    assert.equal(environment.requests.length, 2);
    assert.deepEqual(environment.lines, []); // at the cap nothing is watched, so nothing is refused either
  });

  test('cooldown and too little time refuse, with one line each', async () => {
    const environment = testEnvironment({ ...ON_ERROR, AMBER_COOLDOWN_MS: '60000' });
    const wrapped = wrap<Handler>(environment, async () => Promise.reject(new Error('x')));
    await assert.rejects(wrapped({}, lambdaContext(520)));
    await assert.rejects(wrapped({}, lambdaContext(520)));
    await assert.rejects(wrapped({}, lambdaContext()));
    await assert.rejects(wrapped({}, lambdaContext()));
    assert.equal(environment.requests.length, 1);
    assert.deepEqual(
      environment.lines.map(({ amber, limit }) => [amber, limit]),
      [
        ['refused', 'budget'],
        ['refused', 'cooldown'],
      ],
    );
  });

  test('one capture at a time; invocations that settle meanwhile are passed on at once', async () => {
    const environment = testEnvironment(ON_ERROR, 80);
    const wrapped = wrap<Handler>(environment, async () => Promise.reject(new Error('x')));
    const first = assert.rejects(wrapped({}, lambdaContext()));
    await sleep(5);
    const started = performance.now();
    await assert.rejects(wrapped({}, lambdaContext()));
    assert.ok(performance.now() - started < 40);
    await first;
    assert.equal(environment.requests.length, 1);
  });

  test('an engine that hangs holds nobody longer than the hard stop', async () => {
    const environment = testEnvironment({ ...NOW, AMBER_MAX_MS: '80' }, 0, async () => new Promise(() => undefined));
    const started = performance.now();
    assert.equal(await wrap(environment, async () => Promise.resolve(5))(), 5);
    const took = performance.now() - started;
    assert.ok(took >= 78 && took < 200, String(took));
  });

  test('an engine that cannot be loaded, throws or rejects is one fault line', async () => {
    for (const engine of [
      () => {
        throw new Error('secret in a message');
      },
      async () => Promise.reject(new Error('secret in a message')),
    ]) {
      const environment = testEnvironment(NOW, 0, engine);
      assert.equal(await wrap(environment, async () => Promise.resolve(5))(), 5);
      assert.equal(environment.lines.length, 1);
      assert.equal(environment.lines[0]?.['amber'], 'fault');
      assert.doesNotMatch(JSON.stringify(environment.lines), /secret/u);
    }
    const environment = { ...testEnvironment(NOW), engine: async () => Promise.reject(new Error('no such file')) };
    assert.equal(await wrap(environment, async () => Promise.resolve(5))(), 5);
  });
});

describe('configuration', () => {
  test('bad options throw where the handler is wrapped, all at once', () => {
    const bad = { maxMs: 1, nonsense: true } as unknown as Options;
    assert.throws(
      () => wrap(testEnvironment({ AMBER_MAX_MS: 'x' }), () => 1, bad),
      (error) => {
        assert.ok(isAmberError(error));
        assert.equal(error.code, 'CONFIG_INVALID');
        assert.match(error.message, /maxMs.*nonsense|nonsense.*maxMs/u);
        return true;
      },
    );
  });

  test('a bad environment runs the handler itself and says once why nothing is armed', () => {
    const environment = testEnvironment({ AMBER_CAPTURE: 'now', AMBER_MAX_MS: 'soon' });
    const handler = (): number => 1;
    assert.equal(wrap(environment, handler), handler);
    assert.equal(wrap(environment, handler), handler);
    assert.equal(environment.lines.length, 1);
    assert.match(
      String(environment.lines[0]?.['error']),
      /AMBER_MAX_MS.*AMBER_DESTINATION|AMBER_DESTINATION.*AMBER_MAX_MS/u,
    );
  });

  test('options that only lack what the environment brings are not bad', () => {
    const environment = testEnvironment({});
    const handler = (): number => 1;
    assert.equal(wrap(environment, handler, { capture: 'now' }), handler);
    assert.equal(environment.lines.length, 1);
    assert.notEqual(wrap(testEnvironment(DESTINATION), handler, { capture: 'now' }), handler);
  });

  test('the kill switch gives the handler itself, whatever else is set, and nothing is said', () => {
    const handler = (): number => 1;
    for (const [env, options] of [
      [{ AMBER_DISABLED: '1', AMBER_MAX_MS: 'x' }, {}],
      [{ AMBER_DISABLED: '1' }, { disabled: false }],
      [{}, { disabled: true }],
    ] as const) {
      const environment = testEnvironment(env);
      assert.equal(wrap(environment, handler, options), handler);
      assert.deepEqual(environment.lines, []);
    }
  });

  test('a state of another version leaves that copy in charge', () => {
    const environment = { ...testEnvironment({}), scope: { [Symbol.for('lambda-amber.state')]: { version: 99 } } };
    const handler = (): number => 1;
    assert.equal(wrap(environment, handler), handler);
    assert.equal(environment.lines.length, 1);
  });
});

describe('the pace of small functions', () => {
  const small = { ...ON_ERROR, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' };
  const fail = async (environment: ReturnType<typeof testEnvironment>, leftMs: number): Promise<void> => {
    await assert.rejects(
      wrap<Handler>(environment, async () => Promise.reject(new Error('x')))({}, lambdaContext(leftMs)),
    );
  };

  test('a capture needs as much more time as the function has less CPU', async () => {
    const environment = testEnvironment(small);
    await fail(environment, 1500); // 1,000 ms are left: enough for a core, not for the fourteenth of one
    assert.match(String(environment.lines[0]?.['error']), /less than the 1383 ms that one takes here/u);
    assert.equal(environment.requests.length, 0);
    await fail(environment, 3000);
    assert.equal(environment.requests.length, 1);
  });

  test('with the engine still to be loaded it needs more', async () => {
    const environment = { ...testEnvironment(small), isLoaded: () => false };
    await fail(environment, 2500);
    assert.match(String(environment.lines[0]?.['error']), /less than the 2350 ms/u);
  });

  test('the margin is never less than a stretch of the capture', async () => {
    const environment = testEnvironment({ ...small, AMBER_MARGIN_MS: '50' });
    const deadlineMs = Date.now() + 5000;
    await fail(environment, 5000);
    const stopMs = environment.requests[0]?.hardStopMs ?? 0;
    // 40 ms of CPU at 128 / 1769 of a core; the deadline is told some milliseconds later than it is noted here.
    assert.ok(Math.abs(deadlineMs - stopMs - 553) <= 100, String(deadlineMs - stopMs));
  });

  test('a function with 1,769 MB or more has a core', async () => {
    for (const memory of ['1769', '10240']) {
      const environment = testEnvironment({ ...small, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory });
      await fail(environment, 620);
      assert.equal(environment.requests.length, 1, memory);
    }
  });

  test('the engine is loaded ahead where a capture is certain, and nowhere else', () => {
    for (const [env, loads] of [
      [NOW, 1],
      [ON_ERROR, 0],
      [{ ...NOW, AMBER_MAX_CAPTURES: '0' }, 0],
    ] as const) {
      let loaded = 0;
      const environment = testEnvironment(env);
      wrap(
        {
          ...environment,
          engine: async () => {
            loaded += 1;
            return environment.engine();
          },
        },
        async () => Promise.resolve(1),
      );
      assert.equal(loaded, loads);
    }
  });
});
