import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Options } from '../../src/config.ts';
import { isAmberError } from '../../src/errors.ts';
import { DESTINATION, lambdaContext, NOW, ON_ERROR, sleep, testGround, wrap, type Handler } from './ground.ts';

describe('limits', () => {
  test('the cap ends it; each refusal is said once', async () => {
    const ground = testGround({ ...ON_ERROR, AMBER_MAX_CAPTURES: '2' });
    const wrapped = wrap<Handler>(ground, async () => Promise.reject(new Error('x')));
    for (let i = 0; i < 4; i += 1) await assert.rejects(wrapped());
    assert.equal(ground.requests.length, 2);
    assert.deepEqual(ground.lines, []); // at the cap nothing is watched, so nothing is refused either
  });

  test('cooldown and too little time refuse, with one line each', async () => {
    const ground = testGround({ ...ON_ERROR, AMBER_COOLDOWN_MS: '60000' });
    const wrapped = wrap<Handler>(ground, async () => Promise.reject(new Error('x')));
    await assert.rejects(wrapped({}, lambdaContext(520)));
    await assert.rejects(wrapped({}, lambdaContext(520)));
    await assert.rejects(wrapped({}, lambdaContext()));
    await assert.rejects(wrapped({}, lambdaContext()));
    assert.equal(ground.requests.length, 1);
    assert.deepEqual(ground.lines.map(({ amber, limit }) => [amber, limit]), [['refused', 'budget'], ['refused', 'cooldown']]);
  });

  test('one capture at a time; invocations that settle meanwhile are passed on at once', async () => {
    const ground = testGround(ON_ERROR, 80);
    const wrapped = wrap<Handler>(ground, async () => Promise.reject(new Error('x')));
    const first = assert.rejects(wrapped({}, lambdaContext()));
    await sleep(5);
    const started = performance.now();
    await assert.rejects(wrapped({}, lambdaContext()));
    assert.ok(performance.now() - started < 40);
    await first;
    assert.equal(ground.requests.length, 1);
  });

  test('an engine that hangs holds nobody longer than the hard stop', async () => {
    const ground = testGround({ ...NOW, AMBER_MAX_MS: '80' }, 0, async () => new Promise(() => undefined));
    const started = performance.now();
    assert.equal(await wrap(ground, async () => Promise.resolve(5))(), 5);
    const took = performance.now() - started;
    assert.ok(took >= 78 && took < 200, String(took));
  });

  test('an engine that cannot be loaded, throws or rejects is one fault line', async () => {
    for (const engine of [() => { throw new Error('secret in a message'); }, async () => Promise.reject(new Error('secret in a message'))]) {
      const ground = testGround(NOW, 0, engine);
      assert.equal(await wrap(ground, async () => Promise.resolve(5))(), 5);
      assert.equal(ground.lines.length, 1);
      assert.equal(ground.lines[0]?.['amber'], 'fault');
      assert.doesNotMatch(JSON.stringify(ground.lines), /secret/u);
    }
    const ground = { ...testGround(NOW), engine: async () => Promise.reject(new Error('no such file')) };
    assert.equal(await wrap(ground, async () => Promise.resolve(5))(), 5);
  });
});

describe('configuration', () => {
  test('bad options throw where the handler is wrapped, all at once', () => {
    const bad = { maxMs: 1, nonsense: true } as unknown as Options;
    assert.throws(() => wrap(testGround({ AMBER_MAX_MS: 'x' }), () => 1, bad), (error) => {
      assert.ok(isAmberError(error));
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.match(error.message, /maxMs.*nonsense|nonsense.*maxMs/u);
      return true;
    });
  });

  test('a bad environment runs the handler itself and says once why nothing is armed', () => {
    const ground = testGround({ AMBER_CAPTURE: 'now', AMBER_MAX_MS: 'soon' });
    const handler = (): number => 1;
    assert.equal(wrap(ground, handler), handler);
    assert.equal(wrap(ground, handler), handler);
    assert.equal(ground.lines.length, 1);
    assert.match(String(ground.lines[0]?.['error']), /AMBER_MAX_MS.*AMBER_DESTINATION|AMBER_DESTINATION.*AMBER_MAX_MS/u);
  });

  test('options that only lack what the environment brings are not bad', () => {
    const ground = testGround({});
    const handler = (): number => 1;
    assert.equal(wrap(ground, handler, { capture: 'now' }), handler);
    assert.equal(ground.lines.length, 1);
    assert.notEqual(wrap(testGround(DESTINATION), handler, { capture: 'now' }), handler);
  });

  test('the kill switch gives the handler itself, whatever else is set, and nothing is said', () => {
    const handler = (): number => 1;
    for (const [env, options] of [
      [{ AMBER_DISABLED: '1', AMBER_MAX_MS: 'x' }, {}], [{ AMBER_DISABLED: '1' }, { disabled: false }], [{}, { disabled: true }],
    ] as const) {
      const ground = testGround(env);
      assert.equal(wrap(ground, handler, options), handler);
      assert.deepEqual(ground.lines, []);
    }
  });

  test('a state of another version leaves that copy in charge', () => {
    const ground = { ...testGround({}), scope: { [Symbol.for('lambda-amber.state')]: { version: 99 } } };
    const handler = (): number => 1;
    assert.equal(wrap(ground, handler), handler);
    assert.equal(ground.lines.length, 1);
  });
});
