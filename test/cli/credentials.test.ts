/**
 * Profiles with an MFA device, roles that are refused, and no region: the built command, and an STS that answers as
 * told.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { freshFolder, scene } from '../acquire/scene.ts';
import { NODE_22, program, startProgram, type Ran } from './program.ts';

const CONFIG = `
[profile mfa]
role_arn = arn:aws:iam::111122223333:role/responder
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/me
[profile role]
role_arn = arn:aws:iam::111122223333:role/responder
source_profile = base
[profile base]
aws_access_key_id = AKIDBASE
aws_secret_access_key = secret
`;
const CODE = '481516';

interface Sts {
  /** TokenCode of each AssumeRole, null without one. */
  readonly codes: (string | null)[];
  readonly env: NodeJS.ProcessEnv;
}

/** Gives a session for the right code; refuses as STS does. `minutes`: how long the session lasts. */
async function sts(t: TestContext, { refuses = false, minutes = 60 } = {}): Promise<Sts> {
  const codes: (string | null)[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request
      .on('data', (piece: Buffer) => (body += piece.toString('latin1')))
      .on('end', () => {
        const form = new URLSearchParams(body);
        codes.push(form.get('TokenCode'));
        const isMfa = form.has('SerialNumber');
        if (!refuses && (!isMfa || form.get('TokenCode') === CODE)) {
          const ends = new Date(Date.now() + minutes * 60_000).toISOString();
          response.end(
            `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${ends}</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/responder/me</Arn><AssumedRoleId>AROA:me</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`,
          );
          return;
        }
        const message =
          isMfa && !refuses
            ? 'MultiFactorAuthentication failed with invalid MFA one time pass code. '
            : 'User: arn:aws:iam::111122223333:user/me is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/responder';
        response
          .writeHead(403)
          .end(
            `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error></ErrorResponse>`,
          );
      });
  }).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await new Promise((resolve) => server.once('listening', resolve));
  const HOME = freshFolder();
  mkdirSync(join(HOME, '.aws'));
  writeFileSync(join(HOME, '.aws/config'), CONFIG);
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    codes,
    env: {
      HOME,
      AWS_ENDPOINT_URL_STS: endpoint,
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_REGION: undefined,
      AWS_DEFAULT_REGION: undefined,
    },
  };
}

/** Runs on a terminal that echoes; each answer is typed when the command asks. */
async function typing(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  answers: readonly string[],
  node?: string,
): Promise<Ran> {
  const child = startProgram(argv, { env, tty: true, echo: true, node });
  const said = { out: '', err: '' };
  const left = [...answers];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
    if (text.includes('not shown): ')) setTimeout(() => child.stdin?.write(left.shift() ?? '\u0003'), 200);
  });
  const code = await new Promise<number>((done) => child.once('close', (status) => done(status ?? -1)));
  return { code, ...said };
}

const asked = (ran: Ran): number =>
  ran.err.split('Code of the MFA device arn:aws:iam::111122223333:mfa/me (six digits, not shown): ').length - 1;
const NOWHERE = ['--region', 'eu-central-1', '--endpoint', 'http://127.0.0.1:9'];

describe('a profile with mfa_serial', () => {
  test('asks for the code once, whatever is asked of AWS, and shows it nowhere', async (t) => {
    const set = await scene(t);
    if (set === undefined) return;
    const s3 = new S3({ endpoint: set.motoEndpoint, region: 'us-east-1', forcePathStyle: true });
    t.after(() => s3.destroy());
    await s3.createBucket({ Bucket: 'mfa-evidence' });
    const { codes, env } = await sts(t);
    for (const [index, node] of [process.execPath, NODE_22].entries()) {
      codes.length = 0;
      const argv = [
        'collect',
        'checkout',
        '--profile',
        'mfa',
        '--destination',
        `s3://mfa-evidence/run-${index}`,
        '--captures',
        's3://mfa-evidence/none',
        '--sources',
        'versions,aliases',
        '--state',
        join(freshFolder(), 'state.jsonl'),
        '--endpoint',
        set.proxy.endpoint,
        '--region',
        'eu-central-1',
        '--json',
      ];
      const ran = await typing(argv, env, [`${CODE}\r`], node);
      assert.equal((JSON.parse(ran.out) as { state: string }).state, 'whole', ran.out + ran.err);
      assert.equal(asked(ran), 1, ran.err);
      assert.deepEqual(codes, [CODE]);
      assert.ok(!`${ran.out}${ran.err}`.includes(CODE), 'the code is not shown');
    }
  });

  test('takes the code with corrections, and asks again for what has no six digits', async (t) => {
    const { codes, env } = await sts(t);
    const ran = await typing(['captures', 's3://evidence/amber', '--profile', 'mfa', ...NOWHERE], env, [
      '12ab\r',
      `99\u007f\u007f${CODE}\n`,
    ]);
    assert.equal(ran.code, EXIT.unreachable);
    assert.equal(asked(ran), 2, ran.err);
    assert.deepEqual(codes, [CODE]);
  });

  test('says that the code was refused, and asks no second time', async (t) => {
    for (const command of [
      ['status', 'checkout'],
      ['captures', 's3://evidence/amber'],
      ['collect', 'checkout', '--out', '/nonexistent/x'],
    ]) {
      const { codes, env } = await sts(t);
      const ran = await typing([...command, '--profile', 'mfa', ...NOWHERE], env, ['000000\r', `${CODE}\r`]);
      assert.equal(ran.code, EXIT.unreachable, ran.err);
      assert.deepEqual([asked(ran), codes], [1, ['000000']]);
      assert.match(
        ran.err,
        /amber: ACQUIRE_CREDENTIALS: No AWS credentials \(AccessDenied\): the code of the MFA device was refused: run the command again with the next code/u,
      );
    }
  });

  test('ends with one line when nothing is typed', async (t) => {
    const { codes, env } = await sts(t);
    for (const key of ['\u0003', '\u0004']) {
      const ran = await typing(['status', 'checkout', '--profile', 'mfa', ...NOWHERE], env, [key]);
      assert.equal(ran.code, EXIT.unreachable);
      assert.match(
        ran.err,
        /\namber: ACQUIRE_CREDENTIALS: No code of the MFA device was given: it has six digits, for example 123456\.\n$/u,
      );
    }
    assert.deepEqual(codes, []);
  });

  test('without a terminal says how to get a session', async (t) => {
    const { codes, env } = await sts(t);
    const ran = await program(['status', 'checkout', '--profile', 'mfa', ...NOWHERE], { env, input: `${CODE}\n` });
    assert.equal(ran.code, EXIT.unreachable);
    assert.match(
      ran.err,
      /^amber: ACQUIRE_CREDENTIALS: [^\n]*wants a code of its MFA device \(mfa_serial\): get a session with aws sts get-session-token[^\n]*\n$/u,
    );
    assert.deepEqual(codes, []);
  });
});

test('a role that may not be assumed is told of as that, not as a permission that is missing', async (t) => {
  const { env } = await sts(t, { refuses: true });
  for (const command of [
    ['captures', 's3://evidence/amber'],
    ['verify', 's3://evidence/amber'],
    ['status', 'checkout'],
    ['doctor', 'checkout'],
    ['hunt', 'checkout'],
    ['collect', 'checkout', '--out', '/nonexistent/x'],
  ]) {
    for (const more of [['--profile', 'role'], []]) {
      const ran = await program([...command, ...more, ...NOWHERE], {
        env: { ...env, ...(more.length === 0 ? { AWS_PROFILE: 'role' } : {}) },
      });
      assert.equal(ran.code, EXIT.unreachable, ran.err);
      assert.match(
        ran.err,
        /^amber: ACQUIRE_CREDENTIALS: No AWS credentials \(AccessDenied\): the role of the profile could not be assumed: see to role_arn, source_profile, and that the trust policy of the role permits it\.\n$/u,
      );
    }
  }
});

test('no region is one line that says how to give one', async (t) => {
  const { env } = await sts(t);
  const keys = { ...env, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  for (const command of [
    ['status', 'checkout'],
    ['doctor', 'checkout'],
    ['hunt', 'checkout'],
    ['collect', 'checkout', '--out', '/nonexistent/x'],
  ]) {
    const ran = await program(command, { env: keys });
    assert.equal(ran.code, EXIT.usage, ran.err);
    assert.equal(
      ran.err,
      'amber: USAGE: No region: give --region, for example --region eu-central-1, or set AWS_REGION, ' +
        'or name the function by its ARN.\n',
    );
  }
  for (const command of ['captures', 'verify', 'show']) {
    const ran = await program([command, 's3://evidence/amber'], { env: keys });
    assert.equal(ran.code, EXIT.unreachable, ran.err);
    assert.match(ran.err, /^amber: CASE_UNREADABLE: [^\n]*no region is configured; give it with --region\n$/u);
  }
});
