import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { learnStream } from '../../../src/host/extension/stream.ts';
import { requirePeer } from '../../peers.ts';

const STREAM = '2026/11/24/[$LATEST]0123456789abcdef';

function proc(t: TestContext, environments: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'amber-proc-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [pid, text] of Object.entries(environments)) {
    mkdirSync(join(root, pid));
    writeFileSync(join(root, pid, 'environ'), text);
  }
  return root;
}

test('an extension learns its log stream from the first process that has it', async (t) => {
  const root = proc(t, {
    2: 'PATH=/bin\0',
    9: `A=b\0AWS_LAMBDA_LOG_STREAM_NAME=${STREAM}\0C=d\0`,
    10: 'AWS_LAMBDA_LOG_STREAM_NAME=forged\0',
    self: '',
  });
  const env: NodeJS.ProcessEnv = {};
  await learnStream(env, root);
  assert.equal(env['AWS_LAMBDA_LOG_STREAM_NAME'], STREAM);
});

test('what is known stays, and where nobody has it nothing is said', async (t) => {
  const root = proc(t, { 9: `AWS_LAMBDA_LOG_STREAM_NAME=${STREAM}\0`, 10: 'X=AWS_LAMBDA_LOG_STREAM_NAME=no\0' });
  const env: NodeJS.ProcessEnv = { AWS_LAMBDA_LOG_STREAM_NAME: 'mine' };
  await learnStream(env, root);
  assert.equal(env['AWS_LAMBDA_LOG_STREAM_NAME'], 'mine');
  const none: NodeJS.ProcessEnv = {};
  await learnStream(none, proc(t, { 10: 'X=AWS_LAMBDA_LOG_STREAM_NAME=no\0', 11: '' }));
  await learnStream(none, join(root, 'not-there'));
  assert.equal(none['AWS_LAMBDA_LOG_STREAM_NAME'], undefined);
});

test('an environment that does not read holds nobody', async (t) => {
  if (!requirePeer(t, 'mkfifo')) return;
  const root = proc(t, { 9: `AWS_LAMBDA_LOG_STREAM_NAME=${STREAM}\0` });
  mkdirSync(join(root, '3'));
  const fifo = join(root, '3', 'environ');
  execFileSync('mkfifo', [fifo]);
  const env: NodeJS.ProcessEnv = {};
  await learnStream(env, root);
  assert.equal(env['AWS_LAMBDA_LOG_STREAM_NAME'], STREAM);
  writeFileSync(fifo, ''); // lets the abandoned read go
});
