/**
 * The name server takes every question and answers none (EAI_AGAIN, in the end): usual in a VPC whose rules drop DNS.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { missing, requirePeer } from '../peers.ts';
import { TRANSPORTS } from './s3-opened.ts';

const BUDGET_MS = 8000;
/** From the first question on. Wide: it is told from one that waits for an attempt to time out (3 s), or for the budget. */
const ANSWER_MS = 3000;

interface Line {
  readonly amber?: string;
  readonly mark?: string;
  readonly state?: string;
  readonly code?: string;
  readonly error?: string;
  readonly elapsedMs?: number;
  readonly heldMs?: number;
  readonly asked?: number;
  readonly answer?: string;
}

async function linesOf(transport: string, resolv: string): Promise<readonly Line[]> {
  const child = spawn(
    'bwrap',
    [
      '--dev-bind',
      '/',
      '/',
      '--unshare-net',
      '--die-with-parent',
      '--ro-bind',
      resolv,
      '/etc/resolv.conf',
      process.execPath,
      '--no-warnings',
      join(import.meta.dirname, 'silent-resolver-child.ts'),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'] ?? '',
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        AWS_LAMBDA_FUNCTION_NAME: 'f',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
        AMBER_CAPTURE: 'now',
        AMBER_DESTINATION: 's3://evidence-bucket/amber',
        AMBER_DETECT: 'off',
        AMBER_S3_TRANSPORT: transport,
        AMBER_MAX_MS: String(BUDGET_MS),
        AMBER_WRITABLE: '/dev/shm/nothing',
        AMBER_CODE: '/nowhere',
      },
    },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

suite('a name server that never answers', { timeout: 240_000 }, () => {
  for (const transport of TRANSPORTS) {
    test(`lets the answer go after the summary, and shipping goes on until the budget ends (${transport})`, async (t) => {
      if (!requirePeer(t, 'bwrap')) return;
      if (process.getuid?.() !== 0) {
        missing(t, 'root, for a name server on port 53 of a network namespace');
        return;
      }
      const folder = mkdtempSync(join(tmpdir(), 'amber-resolver-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
      let lines: readonly Line[] = [];
      const at = (is: (line: Line) => boolean): number => lines.findIndex(is);
      // A loaded machine makes it longer and never shorter: the best of three counts.
      for (let attempt = 0; attempt < 3; attempt += 1) {
        lines = await linesOf(transport, join(folder, 'resolv.conf'));
        if ((lines[at(({ mark }) => mark === 'answer')]?.heldMs ?? Infinity) < ANSWER_MS) break;
      }
      const [summary, answer, ended] = [
        at(({ amber }) => amber === 'evidence'),
        at(({ mark }) => mark === 'answer'),
        at(({ amber }) => amber === 'capture'),
      ];
      const shown = lines.map((line) => JSON.stringify(line).slice(0, 300)).join('\n');
      t.diagnostic(
        `answer ${lines[answer]?.heldMs?.toFixed(0)} ms after the first question; capture ${lines[ended]?.state} after ${lines[ended]?.elapsedMs} ms`,
      );
      assert.equal(lines[answer]?.answer, 'the answer', shown);
      assert.ok((lines[answer].asked ?? 0) > 0, `the name server was asked\n${shown}`);
      assert.ok(summary >= 0 && summary < answer, `the summary is in the log before the answer\n${shown}`);
      assert.ok(ended > answer, `shipping goes on behind the answer\n${shown}`);
      assert.equal(lines[ended]?.state, 'failed', shown);
      assert.ok((lines[ended].elapsedMs ?? 0) > BUDGET_MS / 2, `it was given up early\n${shown}`);
      assert.ok((lines[answer].heldMs ?? Infinity) < ANSWER_MS, shown);
    });
  }
});
