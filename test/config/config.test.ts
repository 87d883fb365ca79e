import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { OPTIONS, resolveConfig, type Options } from '../../src/config/config.ts';
import { isAmberError } from '../../src/errors.ts';
import { times } from '../effort.ts';

function issues(options: Options, env: Record<string, string> = {}): string {
  try {
    resolveConfig(options, env);
  } catch (error) {
    assert.ok(isAmberError(error));
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.message;
  }
  return '';
}

function warnings(env: Record<string, string>): string {
  const told: string[] = [];
  resolveConfig({}, env, ({ message }) => told.push(message));
  return told.join('\n');
}

/** Whole numbers below a bound, the same for the same seed (Lehmer, MINSTD). */
function drawFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

/** One character put in, taken out or replaced. */
function edit(name: string, draw: ((below: number) => number) | undefined): string {
  if (draw === undefined) return name;
  const at = draw(name.length);
  const character = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ_'[draw(27)] ?? 'X';
  const kind = draw(3);
  return `${name.slice(0, at)}${kind === 0 ? '' : character}${name.slice(kind === 1 ? at : at + 1)}`;
}

describe('configuration', () => {
  test('each option has in its type the doc that the table has', () => {
    const source = readFileSync('src/config/options.ts', 'utf8');
    const typed = new Map(
      [...source.matchAll(/\n {2}\/\*\*\s((?:(?!\*\/)[\s\S])*?)\s*\*\/\n {2}readonly (\w+)\?: /gu)].map(
        ([, doc = '', name = '']) => [name, doc.replaceAll(/\n? *\* /gu, ' ').trim()],
      ),
    );
    for (const name of ['collectors', 'destinations', 'triggers']) assert.ok(typed.delete(name), name);
    assert.deepEqual(typed, new Map(Object.entries(OPTIONS).map(([name, { doc }]) => [name, doc])));
  });

  test('has a default for every option and needs nothing', () => {
    const config = resolveConfig({}, {});
    for (const [name, option] of Object.entries(OPTIONS))
      if (name !== 'record') assert.deepEqual(config[name as keyof typeof OPTIONS], option.fallback);
    assert.ok(Object.isFrozen(config));
  });

  test('the black box is on where there is a destination and detection, or where it is asked for', () => {
    const destination = { AMBER_DESTINATION: 's3://bucket' };
    const recordOf = (env: NodeJS.ProcessEnv, options: Options = {}): string => resolveConfig(options, env).record;
    assert.equal(recordOf({}), 'off');
    assert.equal(recordOf(destination), 'events');
    assert.equal(recordOf({}, { destination: 's3://bucket' }), 'events');
    assert.equal(recordOf({ ...destination, AMBER_DETECT: 'off' }), 'off');
    assert.equal(recordOf({ ...destination, AMBER_DETECT: 'off,+miner' }), 'events');
    assert.equal(recordOf({ ...destination, AMBER_DETECT: 'off', AMBER_RECORD: 'paths' }), 'paths');
    assert.equal(recordOf({ AMBER_RECORD: 'events' }), 'events');
    assert.equal(recordOf(destination, { record: 'off' }), 'off');
    assert.throws(
      () => recordOf({ AMBER_RECORD: 'all' }),
      /AMBER_RECORD is "all"; expected one of off, events, paths/u,
    );
  });

  test('code wins over the environment, and values may be written or typed', () => {
    const env = { AMBER_MAX_BYTES: '1GiB', AMBER_CAPTURE: 'off', AMBER_S3_PATH_STYLE: 'yes' };
    const config = resolveConfig({ maxBytes: '512MiB', capture: 'armed', maxMs: 4000 }, env);
    assert.deepEqual(
      [config.maxBytes, config.capture, config.maxMs, config.s3PathStyle],
      [512 * 1024 ** 2, 'armed', 4000, true],
    );
  });

  test('an empty variable is as good as none', () => {
    assert.equal(resolveConfig({}, { AMBER_RECIPIENT: '', AMBER_MAX_MS: '' }).maxMs, 30_000);
  });

  test('everything that is wrong is said at once, with the name, the value and an example', () => {
    const message = issues(
      {},
      { AMBER_CAPTURE: 'sometimes', AMBER_MAX_MS: '-3', AMBER_DESTINATION: 'nowhere', AMBER_MAX_BYTES: '12 parsecs' },
    );
    for (const part of [
      'AMBER_CAPTURE is "sometimes"; expected one of off, armed, now, for example now',
      'AMBER_MAX_MS is "-3"; expected a whole number from 50 to 900000, for example 5000',
      'AMBER_DESTINATION is "nowhere"; expected a URL, for example s3://evidence-bucket/amber',
      'AMBER_MAX_BYTES is "12 parsecs"; expected bytes',
    ])
      assert.ok(message.includes(part), `${part}\nis not in\n${message}`);
  });

  test('unknown names get a suggestion', () => {
    assert.match(issues({ destinaton: 's3://evidence' } as Options), /`destinaton` is unknown/u);
    assert.match(
      warnings({ AMBER_DESTINATON_URL: 's3://evidence' }),
      /AMBER_DESTINATON_URL is unknown to this version, and left out/u,
    );
    assert.match(warnings({ AMBER_BYTES: '1' }), /did you mean AMBER_/u);
  });

  test('a variable of a newer version is a warning, and everything else counts', () => {
    const env = { AMBER_MAX_MS: '4000', AMBER_BLACK_BOX: '1', AMBER_SLICES: '3' };
    assert.equal(resolveConfig({}, env).maxMs, 4000);
    assert.match(warnings(env), /^AMBER_BLACK_BOX is unknown .*\nAMBER_SLICES is unknown /u);
  });

  test('a typing error that would take protection away is an error', () => {
    const draw = drawFrom(20);
    const protective = [
      'DISABLED',
      'RECIPIENT',
      'REDACT',
      'COLLECT',
      'DESTINATION',
      'S3_KMS_KEY',
      'S3_BUCKET_OWNER',
      'MAX_BYTES',
      'MAX_MS',
      'MAX_ENTRIES',
      'MAX_CAPTURES',
    ];
    const known = Object.values(OPTIONS).map(({ env }) => env);
    for (const name of protective) {
      for (let round = 0; round < times(40); round += 1) {
        const edited = `AMBER_${edit(edit(name, draw), round % 2 === 0 ? draw : undefined)}`;
        if (known.includes(edited)) continue;
        assert.match(issues({}, { [edited]: '1' }), new RegExp(`^${edited} is unknown; did you mean AMBER_`, 'u'));
      }
      assert.match(issues({}, { [`AMBER_${name}_OLD`]: '1' }), /^$/u, 'three edits away');
    }
  });

  test('collectors and detectors of a newer version are left out with a warning; in code they are errors', () => {
    const env = { AMBER_COLLECT: '+future, -code,-mine', AMBER_DETECT: 'medium,-survivor,+tomorrow,-nobody' };
    const config = resolveConfig(
      { collectors: [{ name: 'mine', description: 'mine', tier: 'files', collect: () => [] }] },
      env,
    );
    assert.deepEqual([config.collect, config.detect], [['-code', '-mine'], 'medium,-survivor']);
    assert.match(
      warnings(env),
      /AMBER_COLLECT names collectors that .* left out: \+future, -mine\nAMBER_DETECT names detectors that .* left out: \+tomorrow, -nobody/u,
    );
    assert.equal(resolveConfig({}, { AMBER_DETECT: '+tomorrow', AMBER_COLLECT: '+future' }).detect, 'high');
    assert.match(issues({ collect: ['+future'] }), /option `collect` names "future"/u);
    assert.match(issues({ detect: 'high,+tomorrow' }), /expected names of detectors/u);
    assert.match(issues({}, { AMBER_DETECT: 'high,tomorrow' }), /expected a level/u, 'a level is no detector');
  });

  test('contradictions name both sides', () => {
    assert.match(
      issues({ capture: 'now' }),
      /option `capture` may start a capture, but neither option `destination` nor AMBER_DESTINATION is set/u,
    );
    assert.match(issues({ onError: 'any', deadlineMs: 500 }), /option `onError` and option `deadlineMs` may start/u);
    assert.match(issues({ collect: ['+process-memory'] }), /holds raw memory; set AMBER_RECIPIENT/u);
    assert.match(issues({ s3KmsKey: 'arn:x', destination: 'file:///tmp/x' }), /needs an s3: destination/u);
    assert.match(issues({ collect: ['-tmp'] }), /option `collect` names "tmp"; known are invocation, /u);
  });

  test('a password in a URL is not shown', () => {
    const message = issues({}, { AMBER_DESTINATION: 's3://user:hunter22@bucket/x' });
    assert.match(message, /a URL without a user name/u);
    assert.ok(!message.includes('hunter22'));
  });

  test('orders: where they are read, and the public keys', () => {
    const key = 'ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    const config = resolveConfig(
      { destination: 's3://evidence' },
      {
        AMBER_CONTROL: 's3://evidence-bucket/amber-control/orders.json',
        AMBER_CONTROL_KEY: `${key}, ${key}`,
        AMBER_FLEET_CAP: '20',
      },
    );
    assert.deepEqual([config.controlKey, config.controlTtlMs, config.fleetCap], [[key, key], 20_000, 20]);
    for (const control of ['ssm:/amber/orders', 'appconfig:amber/prod/orders'])
      assert.equal(resolveConfig({ control, destination: 's3://evidence' }, {}).control, control);
    for (const control of [
      's3://bucket',
      's3://Bucket/key',
      's3://bucket/a b',
      'https://example.com/orders.json',
      'ssm:',
      'appconfig:a/b',
      'file:///tmp/x',
    ])
      assert.match(issues({ control }), /expected s3:\/\/BUCKET\/KEY/u, control);
    for (const controlKey of ['ed25519:short', key.slice(8), Array(5).fill(key).join(',')])
      assert.match(issues({ controlKey }), /one to 4 of ed25519:KEY/u);
    assert.match(issues({ control: 's3://bucket/key' }), /option `control` may start a capture, but neither/u);
    assert.match(issues({ fleetCap: 5, destination: 'file:///tmp/x' }), /option `fleetCap` needs an s3: destination/u);
  });

  test('a secret key in the place of a public one is not shown', () => {
    for (const [variable, secret] of [
      ['AMBER_CONTROL_KEY', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\n-----END PRIVATE KEY-----'],
      ['AMBER_RECIPIENT', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`],
    ] as const) {
      const message = issues({}, { [variable]: secret });
      assert.ok(message.includes(variable) && !message.includes('MC4C') && !message.includes('QQQ'), message);
    }
  });

  test('a recipient is checked by its form', () => {
    assert.match(issues({ recipient: 'AGE-SECRET-KEY-1QQQ' }), /age X25519 recipient/u);
    assert.equal(resolveConfig({ recipient: `age1${'q'.repeat(58)}` }, {}).recipient, `age1${'q'.repeat(58)}`);
  });

  test('patterns, lists and paths', () => {
    const config = resolveConfig(
      {},
      { AMBER_REDACT: '(?i)internal-[0-9]+', AMBER_COLLECT: '-code, +scripts', AMBER_WRITABLE: '/tmp/, /mnt/efs' },
    );
    assert.deepEqual([config.redact?.source, config.redact?.flags], ['internal-[0-9]+', 'giu']);
    assert.deepEqual(
      [config.collect, config.writable],
      [
        ['-code', '+scripts'],
        ['/tmp', '/mnt/efs'],
      ],
    );
    assert.match(issues({}, { AMBER_REDACT: '(' }), /expected a regular expression/u);
    assert.match(issues({}, { AMBER_WRITABLE: 'tmp' }), /absolute directories/u);
    assert.match(issues({}, { AMBER_WRITABLE: '/tmp/../etc' }), /absolute directories/u);
  });
});
