/** What a bundled function does without: the host is loaded when something is due, and not before. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as due from '../../../src/host/wrapper/due.ts';
import { isPlain, wrapIdle, type Host } from '../../../src/host/wrapper/idle.ts';
import { WRAPPED } from '../../../src/host/wrapper/mark.ts';

const PLAIN = { AMBER_DESTINATION: 's3://evidence-bucket/amber/captures', AWS_REGION: 'eu-central-1' };

describe('what has to be judged when a handler is wrapped', () => {
  test('a plain destination and a level of detection have not', () => {
    for (const env of [PLAIN, { ...PLAIN, AMBER_DETECT: 'medium' }])
      for (const options of [undefined, {}]) assert.ok(isPlain(options, env));
  });

  test('everything else has', () => {
    for (const env of [
      {},
      { AMBER_DESTINATION: '' },
      { AMBER_DESTINATION: 's3://x' },
      { AMBER_DESTINATION: 's3://bucket/a//b' },
      { AMBER_DESTINATION: 's3://bucket--use1-az4--x-s3/../a' },
      { AMBER_DESTINATION: 'file:///mnt' },
      { ...PLAIN, AMBER_DETECT: 'off' },
      { ...PLAIN, AMBER_DETECT: 'hihg' },
      { ...PLAIN, AMBER_CAPTURE: 'now' },
      { ...PLAIN, AMBER_CONTROL: 's3://b/c' },
      { ...PLAIN, AMBER_ON_ERROR: 'any' },
      { ...PLAIN, AMBER_DISABLED: '1' },
      { ...PLAIN, AMBER_DESTINATON: 's3://b' },
    ])
      assert.ok(!isPlain({}, env), JSON.stringify(env));
    for (const options of [
      null,
      'x',
      [1],
      { onError: 'any' },
      { [Symbol('any')]: 1 },
      Object.create({}, { hidden: { value: 1 } }),
    ])
      assert.ok(!isPlain(options, PLAIN));
  });
});

interface Scene {
  readonly loads: () => number;
  readonly late: NodeJS.ProcessEnv[];
  readonly host: () => Host;
}

function scene(): Scene {
  let loads = 0;
  const late: NodeJS.ProcessEnv[] = [];
  const host = (): Host => {
    loads += 1;
    return { ...due, armLate: (env) => (late.push(env), due.armLate(env)) };
  };
  return { loads: () => loads, late, host };
}

test('a plain handler is called as it is; what has moved brings the host, with the configuration of init', () => {
  const { loads, late, host } = scene();
  const env: NodeJS.ProcessEnv = { ...PLAIN };
  const handler = Object.assign(
    function named(event: unknown): unknown {
      return event;
    },
    { own: 7 },
  );
  const wrapped = wrapIdle(handler, undefined, env, host) as typeof handler;
  assert.deepEqual([wrapped.name, wrapped.length, wrapped.own, WRAPPED in wrapped, loads()], ['named', 1, 7, true, 0]);
  assert.equal(wrapIdle(wrapped, {}, env, host), wrapped, 'and is wrapped once');
  const before = loads();
  assert.equal(wrapped('first'), 'first');
  env['AMBER_DESTINATION'] = 's3://another-bucket';
  const folder = mkdtempSync(join(tmpdir(), 'amber-idle-wrap-'));
  writeFileSync(join(folder, 'dropped'), 'x'.repeat(65_536));
  assert.equal(wrapped('second'), 'second');
  rmSync(folder, { recursive: true });
  assert.ok(loads() > before);
  assert.equal(late[0]?.['AMBER_DESTINATION'], PLAIN.AMBER_DESTINATION);
});

test('what stands in code is judged at once', () => {
  const { loads, host } = scene();
  assert.throws(() => wrapIdle(() => 1, { maxMs: 'never' } as object, PLAIN, host), { code: 'CONFIG_INVALID' });
  assert.equal(wrapIdle(undefined, undefined, PLAIN, host), undefined);
  assert.equal(loads(), 2);
});
