/**
 * One line for each cause, with what to do: the built command where something of the responder's machine is not right.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EXIT } from '../../src/cli/amber.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { COMMAND, program } from './program.ts';

const CONFIG = `
[profile mfa]
role_arn = arn:aws:iam::111122223333:role/responder
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/me
[profile base]
aws_access_key_id = AKIDBASE
aws_secret_access_key = secret
[profile sso]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = responder
`;

function home(): string {
  const folder = freshFolder();
  mkdirSync(join(folder, '.aws'));
  writeFileSync(join(folder, '.aws/config'), CONFIG);
  return folder;
}

const NOWHERE = ['--region', 'eu-central-1', '--endpoint', 'http://127.0.0.1:9'];
const COMMANDS = [
  ['captures', 's3://evidence/amber'],
  ['status', 'checkout'],
  ['doctor', 'checkout'],
  ['collect', 'checkout', '--out', '/nonexistent/x'],
];

describe('profiles', () => {
  for (const [profile, code, says] of [
    ['mfa', EXIT.unreachable, /the profile mfa wants a code of its MFA device \(mfa_serial\)/u],
    ['sso', EXIT.unreachable, /the SSO session is missing or has expired: log in with `aws sso login`/u],
    [
      'nobody',
      EXIT.usage,
      /There is no profile "nobody" in the shared AWS configuration \(~\/\.aws\), which has mfa, base, sso;/u,
    ],
  ] as const) {
    test(profile, async () => {
      const HOME = home();
      for (const argv of COMMANDS) {
        for (const env of [{ HOME }, { HOME, AWS_PROFILE: profile }]) {
          const ran = await program([...argv, ...NOWHERE, ...('AWS_PROFILE' in env ? [] : ['--profile', profile])], {
            env,
          });
          assert.equal(ran.code, code, ran.err);
          assert.match(ran.err, says);
          assert.match(ran.err, /^amber: [A-Z_]+: [^\n]+\n$/u);
        }
      }
    });
  }
});

describe('an object that is archived', () => {
  test('is said to be restored first', async (t) => {
    const { base } = await makeCapture();
    assert.ok(existsSync(base));
    const server = createServer((request, response) => {
      if (request.url?.includes('list-type=2') === true) {
        response.end(
          '<ListBucketResult><Name>evidence</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>amber/manifest.json</Key><Size>10</Size></Contents></ListBucketResult>',
        );
      } else
        response
          .writeHead(403)
          .end(
            "<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object's storage class</Message></Error>",
          );
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ran = await program(
      ['show', 's3://evidence/amber', '--endpoint', endpoint, '--path-style', '--region', 'us-east-1'],
      { env: { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' } },
    );
    assert.equal(ran.code, EXIT.unreachable, ran.out + ran.err);
    assert.match(
      ran.err,
      /the object is archived \(Glacier\): restore it first with aws s3api restore-object --bucket evidence --key 'amber\/manifest\.json'/u,
    );
  });
});

describe('where a result goes', () => {
  const shell = (line: string): { status: number | null; stderr: string } =>
    spawnSync('sh', ['-c', line, process.execPath, COMMAND], { encoding: 'utf8' });

  test('a full disk behind standard output is one line, with exit code 3', async () => {
    const { base } = await makeCapture();
    for (const argv of [
      '--help',
      '--help --json',
      `verify ${base}`,
      `show ${base} --json`,
      `timeline ${base} --jsonl`,
    ]) {
      const { status, stderr } = shell(`"$0" "$1" ${argv} > /dev/full`);
      assert.deepEqual(
        [status, stderr],
        [
          EXIT.unreachable,
          'amber: DESTINATION_FAILED: Writing standard output failed (ENOSPC): no space is left; free some, or write elsewhere.\n',
        ],
        argv,
      );
    }
  });

  test('a reader that has gone away is no error', async () => {
    const { base } = await makeCapture();
    assert.deepEqual(shell(`"$0" "$1" show ${base} --json | true`).stderr, '');
  });

  test('a --to that cannot be written is named', async () => {
    const { base } = await makeCapture();
    const file = join(freshFolder(), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o444);
    for (const argv of [
      ['pull', base],
      ['salvage', base],
      ['report', base],
      ['timeline', base],
    ]) {
      for (const to of [join(file, 'below'), '/nonexistent/folder/x', '/proc/x']) {
        const ran = await program([...argv, '--to', to]);
        assert.equal(ran.code, EXIT.unreachable, `${argv[0]} ${to}: ${ran.err}`);
        assert.match(ran.err, /^amber: DESTINATION_[A-Z]+: Writing "[^\n]+\n$/u);
      }
    }
  });
});

test('a folder of the kernel takes no new names, and is not said to be absent', async () => {
  const { folder } = await makeCapture();
  for (const argv of [
    ['pull', folder, '--to', '/proc/x'],
    ['report', folder, '--to', '/proc/x.html'],
  ]) {
    const { code, err } = await program(argv);
    assert.equal(code, EXIT.unreachable, err);
    assert.match(err, /DESTINATION_DENIED: .*its folder is there and takes no new names/u);
  }
  const absent = await program(['pull', folder, '--to', join(folder, 'nowhere', 'x')]);
  assert.match(absent.err, /DESTINATION_MISSING: .*the folder does not exist; create it/u);
});

test('a window that begins in the future is told by the option that was given', async () => {
  const { folder } = await makeCapture();
  const since = await program(['timeline', folder, '--since', '2999-01-01T00:00Z']);
  assert.equal(since.code, EXIT.usage, since.err);
  assert.match(since.err, /--since is 2999-01-01T00:00:00\.000Z, which lies in the future: give an earlier time/u);
  assert.doesNotMatch(since.err, /--until/u);
  const both = await program(['timeline', folder, '--since', '2999-01-01T00:00Z', '--until', '2998-01-01T00:00Z']);
  assert.match(both.err, /--since must be earlier than --until/u);
});

test('Node before 22.15 is told of in one line, before anything else', (t) => {
  const old = ['/usr/bin/node', '/usr/local/bin/node'].find(
    (path) =>
      existsSync(path) && Number(/^v(\d+)/u.exec(spawnSync(path, ['-v'], { encoding: 'utf8' }).stdout)?.[1]) < 22,
  );
  if (old === undefined) {
    t.skip('no Node before 22 on this machine');
    return;
  }
  const ran = spawnSync(old, [COMMAND, 'verify', 'x'], { encoding: 'utf8' });
  assert.equal(ran.status, EXIT.usage);
  assert.match(
    ran.stderr,
    /^amber: USAGE: Node \d+\.\d+\.\d+ is too old: amber needs Node 22\.15 or later \(https:\/\/nodejs\.org\)\.\n$/u,
  );
});
