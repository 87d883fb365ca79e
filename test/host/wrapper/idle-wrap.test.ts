/** What a bundled function does without: the host is loaded when something is due, and not before. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as due from '../../../src/host/wrapper/due.ts';
import { OPTIONS, resolveConfig } from '../../../src/config/config.ts';
import { wrapIdle, type Host } from '../../../src/host/wrapper/idle.ts';
import { anomaly } from '../../../src/trigger/anomaly.ts';
import { WRAPPED } from '../../../src/host/wrapper/mark.ts';
import { PLAIN_NUMBERS, PLAIN_TEXTS, PLAIN_WORDS, readPlain } from '../../../src/host/wrapper/plain.ts';

const PLAIN = { AMBER_DESTINATION: 's3://evidence-bucket/amber/captures', AWS_REGION: 'eu-central-1' };

/** A value of each variable that is plain, and values at the ends of what its pattern takes. */
const PLAIN_VALUES: Readonly<Record<string, readonly string[]>> = {
  AMBER_CONTROL_TTL_MS: ['0', '999999'],
  AMBER_COOLDOWN_MS: ['0', '9999999'],
  AMBER_DEADLINE_MS: ['0'],
  AMBER_FLEET_CAP: ['0', '999'],
  AMBER_MARGIN_MS: ['50', '9999'],
  AMBER_MAX_CAPTURES: ['1', '999'],
  AMBER_MAX_ENTRIES: ['100', '999999'],
  AMBER_MAX_MS: ['50', '99999'],
  AMBER_SLICE_MS: ['1', '9'],
  AMBER_CAPTURE: ['armed'],
  AMBER_CODE: ['/var/task', '/var/task/app,/opt'],
  AMBER_CODE_BYTES: ['none', 'changed', 'all'],
  AMBER_COMPRESSION: ['zstd', 'gzip', 'none'],
  AMBER_DETECT: ['off', 'low', 'medium', 'high', 'critical'],
  AMBER_INCLUDE_EVENT: ['0', '1', 'true', 'false', 'on', 'off', 'yes', 'no'],
  AMBER_MAX_BYTES: ['1MiB', '9999 MiB'],
  AMBER_ON_CRASH: ['off', 'inventory', 'contents'],
  AMBER_ON_ERROR: ['off'],
  AMBER_ON_SHUTDOWN: ['off', 'inventory', 'contents'],
  AMBER_RECORD: ['off', 'events', 'paths'],
  AMBER_RECIPIENT: ['age1jxyjc3f3v9d9e7lrdg9mdf9jteplqs04q47w50pf5pulw9lpxduqy64en5'],
  AMBER_S3_BUCKET_OWNER: ['111122223333'],
  AMBER_S3_KMS_KEY: ['arn:aws:kms:eu-central-1:111122223333:key/0a', 'alias/evidence'],
  AMBER_S3_PATH_STYLE: ['1', 'no'],
  AMBER_S3_REGION: ['eu-central-1', 'us-gov-west-1', 'ap-southeast-5'],
  AMBER_S3_TRANSPORT: ['auto', 'sdk', 'light'],
  AMBER_SEGMENT_BYTES: ['1MiB', '59 MiB'],
  AMBER_WRITABLE: ['/tmp', '/tmp,/mnt/efs'],
};

describe('what has to be judged when a handler is wrapped', () => {
  test('a destination has not, nor a value that only shapes captures, in the environment or in code', () => {
    assert.deepEqual(
      Object.keys(PLAIN_VALUES).sort(),
      Object.keys({ ...PLAIN_NUMBERS, ...PLAIN_TEXTS, ...PLAIN_WORDS }).sort(),
    );
    assert.ok(readPlain({}, PLAIN));
    assert.ok(readPlain(undefined, { ...PLAIN, AMBER_HANDLER: 'index.handler', AMBER_DETECT: '' }));
    for (const [name, values] of Object.entries(PLAIN_VALUES))
      for (const value of values) {
        assert.ok(readPlain({}, { ...PLAIN, [name]: value }), `${name}=${value}`);
        const option = Object.entries(OPTIONS).find(([, { env }]) => env === name)?.[0] ?? '';
        assert.ok(readPlain({ [option]: value }, PLAIN), `${option}: ${value}`);
        if (name in PLAIN_NUMBERS) assert.ok(readPlain({ [option]: Number(value) }, PLAIN), `${option}: number`);
      }
    assert.ok(readPlain({ destination: 's3://evidence', includeEvent: true }, {}));
    assert.deepEqual(readPlain({ writable: '/tmp,/mnt/efs' }, PLAIN)?.watched, ['/tmp', '/mnt/efs']);
  });

  test('what is armed is what the configuration says: with a destination or none, by AMBER_DETECT and AMBER_RECORD', () => {
    for (const destination of [{}, { AMBER_DESTINATION: '' }, PLAIN])
      for (const detect of [{}, { AMBER_DETECT: '' }, { AMBER_DETECT: 'off' }, { AMBER_DETECT: 'low' }])
        for (const record of [{}, ...['', 'off', 'events', 'paths'].map((level) => ({ AMBER_RECORD: level }))]) {
          const env = { ...destination, ...detect, ...record };
          const config = resolveConfig({}, env);
          const { watched, record: level } = readPlain({}, env) ?? assert.fail(JSON.stringify(env));
          const isWatched = anomaly.moments(config).length > 0;
          assert.deepEqual(
            [watched, level],
            [isWatched ? config.writable : undefined, config.record],
            JSON.stringify(env),
          );
        }
    const inCode = { destination: 's3://evidence', detect: 'off', record: 'paths' } as const;
    assert.deepEqual(readPlain(inCode, { ...PLAIN, AMBER_RECORD: 'off' }), { watched: undefined, record: 'paths' });
  });

  test('what is plain is right by the configuration, and arms no trigger that watches', () => {
    for (const [name, values] of Object.entries(PLAIN_VALUES))
      for (const value of values) {
        const warned: string[] = [];
        const config = resolveConfig({}, { ...PLAIN, [name]: value }, ({ message }) => warned.push(message));
        assert.deepEqual([warned, config.onError, config.deadlineMs, config.capture], [[], 'off', 0, 'armed']);
      }
    const letters = ['a', 'b', '0', '-', '_', '/', '.', ':', 'A', '%', ''];
    for (let draw = 0; draw < 20_000; draw += 1) {
      const text = `s3://${Array.from({ length: draw % 12 }, (_, at) => letters[(draw * 7 + at * at * 13 + (draw >> (at % 8))) % letters.length]).join('')}`;
      if (readPlain({}, { AMBER_DESTINATION: text }) !== undefined)
        assert.doesNotThrow(() => resolveConfig({}, { AMBER_DESTINATION: text }), text);
    }
  });

  test('everything else has', () => {
    for (const env of [
      { AMBER_FLEET_CAP: '1' },
      ...[
        's3://x',
        's3://bucket/a//b',
        's3://bucket/',
        's3://bucket/a/',
        's3://Bucket',
        's3://-bucket',
        's3://bucket-',
      ],
      ...['s3://bucket--use1-az4--x-s3', 's3://bucket--use1-az4--x-s3/../a', 's3://bucket/a/b/c/d', 'file:///mnt'],
      ...['s3://a.bucket', 's3://bucket/..', `s3://bucket/${'a'.repeat(61)}`, `s3://${'a'.repeat(64)}`, 's3:/bucket/a'],
    ].map((given) => (typeof given === 'string' ? { AMBER_DESTINATION: given } : given)))
      assert.equal(readPlain({}, env), undefined, JSON.stringify(env));
    for (const [name, value] of Object.entries({
      AMBER_DETECT: 'off,+miner',
      AMBER_RECORD: 'all',
      AMBER_S3_TRANSPORT: 'auto sdk',
      AMBER_CAPTURE: 'now',
      AMBER_CONTROL: 's3://b/c',
      AMBER_CONTROL_KEY: 'ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      AMBER_ON_ERROR: 'any',
      AMBER_DEADLINE_MS: '3000',
      AMBER_DISABLED: '1',
      AMBER_DESTINATON: 's3://b',
      AMBER_MAX_MS: '49',
      AMBER_MAX_CAPTURES: '0',
      AMBER_WRITABLE: '/tmp/..',
      AMBER_COLLECT: '+heap',
    }))
      assert.equal(readPlain({}, { ...PLAIN, [name]: value }), undefined, name);
    for (const options of [
      { onError: 'any' },
      { max_ms: 100 },
      { maxMs: '' },
      { maxMs: true },
      { s3BucketOwner: 111_122_223_333 },
      { code: ['/opt'] },
      { triggers: [] },
      { destination: '' },
    ])
      assert.equal(readPlain(options, PLAIN), undefined, JSON.stringify(options));
  });
});

interface Scene {
  readonly loads: () => number;
  readonly late: { readonly env: NodeJS.ProcessEnv; readonly options: object | undefined }[];
  readonly host: () => Host;
}

function scene(): Scene {
  let loads = 0;
  const late: Scene['late'] = [];
  const host = (): Host => {
    loads += 1;
    return { ...due, armLate: (env, options) => (late.push({ env, options }), due.armLate(env, options)) };
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
  const options = { maxMs: 5000 };
  const wrapped = wrapIdle(handler, options, env, host) as typeof handler;
  assert.deepEqual([wrapped.name, wrapped.length, wrapped.own, WRAPPED in wrapped, loads()], ['named', 1, 7, true, 0]);
  assert.equal(wrapIdle(wrapped, {}, env, host), wrapped, 'and is wrapped once');
  const before = loads();
  assert.equal(wrapped('first'), 'first');
  env['AMBER_DESTINATION'] = 's3://another-bucket';
  options.maxMs = 1;
  const folder = mkdtempSync(join(tmpdir(), 'amber-idle-wrap-'));
  writeFileSync(join(folder, 'dropped'), 'x'.repeat(65_536));
  assert.equal(wrapped('second'), 'second');
  rmSync(folder, { recursive: true });
  assert.ok(loads() > before);
  assert.equal(late[0]?.env['AMBER_DESTINATION'], PLAIN.AMBER_DESTINATION);
  assert.deepEqual(late[0].options, { maxMs: 5000 });
});

test('the kill switch gives the handler back and loads nothing, whatever else is configured', () => {
  const { loads, host } = scene();
  const handler = (): number => 1;
  for (const given of ['', '1', ' TRUE ', 'on', 'Yes', '0', 'false', 'off', 'no', '2', 'y']) {
    const before = loads();
    const wrapped = wrapIdle(handler, { max_ms: 1 } as object, { ...PLAIN, AMBER_DISABLED: given }, () => ({
      ...host(),
      withCapture: () => 'judged' as never,
    }));
    const parsed = OPTIONS.disabled.parse(given);
    const isOn = parsed.ok && parsed.value;
    assert.deepEqual([wrapped, loads() - before], isOn ? [handler, 0] : ['judged', 1], given);
  }
});

test('what stands in code is judged at once', () => {
  const { loads, host } = scene();
  const hidden: object = Object.defineProperty({}, 'maxMs', { value: 'never' });
  for (const wrong of [{ maxMs: 'never' }, { max_ms: 100 }, null, 'x', [1], hidden])
    assert.throws(() => wrapIdle(() => 1, wrong as object, PLAIN, host), { code: 'CONFIG_INVALID' });
  assert.equal(wrapIdle(undefined, undefined, PLAIN, host), undefined);
  assert.equal(loads(), 7);
});
