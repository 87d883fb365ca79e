/** What a shell sees of a command that a signal ends. */
import { equal } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { makeCapture } from '../case/captures.ts';
import { COMMAND } from './program.ts';

const TRIES = 600;

/** The one child of the shell, once it runs the command and reads its standard input. */
async function childOf(shell: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const child = Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim() || 0);
    if (child > 0 && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(COMMAND)) return child;
    await sleep(10);
  }
  throw new Error('the command did not start');
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`${signal}: a shell gives ${code}, and nothing was judged`, async () => {
    const { base } = await makeCapture();
    // It waits for a log that never ends.
    const shell = spawn(
      'sh',
      ['-c', '"$@"; echo "code $?"', 'sh', process.execPath, COMMAND, 'verify', base, '--log', '-'],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    const pieces: Buffer[] = [];
    shell.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
    process.kill(await childOf(shell.pid ?? 0), signal);
    await ended;
    shell.stdin.destroy();
    const told = Buffer.concat(pieces).toString('utf8');
    equal(told, `code ${code}\n`);
  });
