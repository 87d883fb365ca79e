/**
 * Whatever leaves Amber beside the evidence: lines about the configuration, codes that a server chose, manifest lines,
 * errors of the command.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { withoutSecrets } from '../../src/archive/structured.ts';
import { main } from '../../src/cli/amber.ts';
import { resolveConfig, OPTIONS } from '../../src/config/config.ts';
import type { AbsentEntry } from '../../src/contracts/evidence.ts';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { faultFromAnswer } from '../../src/ship/faults.ts';

const random = (): string => randomBytes(18).toString('base64url');
const SECRETS = [
  `sk_live_${randomBytes(12).toString('hex')}`,
  random(),
  `AGE-SECRET-KEY-1${'QPZRY9X8'.repeat(7)}AB`,
  `postgres://bob:${random()}@db/x`,
  `hunter${randomBytes(1)[0] ?? 0}`,
  `{"password":"${random()}"}`,
  `https://host/x?sig=${random()}`,
  `${random()} ${random()}`,
];

test('an error of the configuration shows no secret that stands in the wrong variable', () => {
  for (const secret of SECRETS) {
    for (const { env } of Object.values(OPTIONS)) {
      let message = '';
      try {
        resolveConfig({}, { AMBER_DESTINATION: 's3://bucket', [env]: secret });
      } catch (error) {
        message = error instanceof Error ? error.message : '';
      }
      const told = /:([^@/]+)@|sig=(.+)|"password":"([^"]+)/u.exec(secret)?.slice(1).find(Boolean) ?? secret;
      assert.ok(!message.includes(told), `${env}: ${message}`);
    }
  }
});

test('the code of a server goes to the log only if it is a word of AWS', () => {
  const code = (text: string): string => faultFromAnswer(400, {}, `<Error><Code>${text}</Code></Error>`).code;
  for (const word of [
    'NoSuchKey',
    'SlowDown',
    'RequestTimeTooSkewed',
    'KMS.DisabledException',
    'InvalidAccessKeyId',
    'XAmzContentSHA',
  ])
    assert.match(code(word), /^[A-Za-z.]+$/u, word);
  assert.equal(code('NoSuchKey'), 'NoSuchKey');
  assert.equal(code('KMS.DisabledException'), 'KMS.DisabledException');
  for (const secret of [`sk_live_${random()}`, random(), `hunter2`, 'AKIAIOSFODNN7EXAMPLE', 'xQzRtYvBnMkLpOwErTy'])
    assert.equal(code(secret), 'Unknown', secret);
});

test('a line of the manifest keeps no secret in its source and its reason', () => {
  const secret = random();
  const entry: AbsentEntry = {
    kind: 'absent',
    path: 'x',
    source: `/proc/1/environ password=${secret}`,
    method: 'read',
    outcome: 'failed',
    reason: `after 3 items: Error: login with token=${secret}`,
  };
  assert.ok(!JSON.stringify(withoutSecrets(entry, createRedactor()).entry).includes(secret));
});

test('an error of the command does not repeat a key that was typed', async () => {
  for (const json of [[], ['--json']]) {
    for (const secret of SECRETS.slice(0, 4)) {
      const said: string[] = [];
      const stream = new Writable({
        write(chunk, _encoding, done) {
          said.push(String(chunk));
          done();
        },
      });
      const asIdentity =
        secret.startsWith('AGE') || secret.startsWith('sk_') ? [['decrypt', 'x.age', '--identity', secret]] : []; // any other word is a file's name
      for (const argv of [
        ...asIdentity,
        ['verify', `--token=${secret}`],
        ['verify', '--password', secret, '--nonsense'],
      ]) {
        assert.notEqual(await main([...argv, ...json], { stdout: stream, stderr: stream, env: {} }), 0);
      }
      assert.ok(said.length > 0 && !said.join('').includes(secret), said.join(''));
    }
  }
});
