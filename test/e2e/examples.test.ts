/** Each example is run as a function, under the real runtime client where it can be built. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { buildPackage } from '../built.ts';
import { requirePeer } from '../peers.ts';
import { ensureClients, ric4, standIn } from '../sandbox/clients.ts';
import { startSandbox, type Result } from '../sandbox/sandbox.ts';

const home = mkdtempSync(join(tmpdir(), 'amber-examples-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});
before(buildPackage);

interface Ran {
  readonly answers: readonly { readonly kind: string; readonly text: string }[];
  readonly tarballs: readonly string[];
  readonly stdout: string;
}

async function run(example: string, events: readonly unknown[]): Promise<Ran> {
  const evidence = join(home, example);
  mkdirSync(join(evidence, 'tmp'), { recursive: true });
  const sandbox = await startSandbox({
    client: ensureClients() ? ric4 : standIn,
    handler: 'handler.handler',
    taskRoot: resolve('examples', example),
    timeoutMs: 30_000,
    memoryMb: 512,
    env: {
      AMBER_DESTINATION: pathToFileURL(evidence).href,
      AMBER_WRITABLE: join(evidence, 'tmp'),
      AMBER_CODE: resolve('examples', example),
    },
  });
  try {
    const answers: Result[] = [];
    for (const event of events) answers.push(await sandbox.invoke(event));
    return {
      answers: answers.map((answer) => ({ kind: answer.kind, text: 'body' in answer ? answer.body.toString() : '' })),
      tarballs: globSync(`${evidence}/**/capture.tar.zst`),
      stdout: sandbox.stdout(),
    };
  } finally {
    await sandbox.stop();
  }
}

describe('the examples', () => {
  test('wrap: answers, and captures nothing while nothing is due', async () => {
    const { answers, tarballs } = await run('wrap', [{ name: 'Ada' }, {}]);
    assert.deepEqual(
      answers.map((answer) => JSON.parse(answer.text) as unknown),
      [
        { statusCode: 200, body: 'hello Ada' },
        { statusCode: 200, body: 'hello world' },
      ],
    );
    assert.deepEqual(tarballs, []);
  });

  test('middy: captures when the handler fails, and passes the error on', async () => {
    const { answers, tarballs, stdout } = await run('middy', [{}, { fail: true }]);
    assert.deepEqual(JSON.parse(answers[0]?.text ?? ''), { statusCode: 200, body: 'ok' });
    const error = JSON.parse(answers[1]?.text ?? '') as { errorType: string; errorMessage: string };
    assert.deepEqual(
      [answers[1]?.kind, error.errorType, error.errorMessage],
      ['error', 'TypeError', 'the order has no lines'],
    );
    assert.equal(tarballs.length, 1, stdout);
  });

  test('custom-collector: its entry is in the capture, redacted like all structured evidence', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const { answers, tarballs, stdout } = await run('custom-collector', [
      { id: 1, apiKey: 'not-for-the-log-77' },
      { id: 2, suspicious: true },
    ]);
    assert.deepEqual(JSON.parse(answers[0]?.text ?? ''), { queued: 1 });
    assert.equal((JSON.parse(answers[1]?.text ?? '') as { state: string }).state, 'whole', stdout);
    const body = execFileSync('tar', [
      '--zstd',
      '-xOf',
      tarballs[0] ?? '',
      'live_response/pending-orders.json',
    ]).toString();
    const queue = (JSON.parse(body) as { queue: readonly { id: number; apiKey?: string }[] }).queue;
    assert.deepEqual(
      queue.map((order) => order.id),
      [1, 2],
    );
    assert.match(queue[0]?.apiKey ?? '', /^<redacted:[0-9a-f]{16}>$/u);
  });
});
