/** The demo starts at once on a machine that could compile the runtime client, and says under which client it ran. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasPeer, missing } from '../peers.ts';

/** What the real clients are built with: here programs that leave a mark when they are started. */
const TOOLCHAIN = ['autoconf', 'automake', 'libtoolize', 'cmake', 'g++', 'make', 'npm'];

test('npm run demo compiles nothing, names the client, and says how the real one is had', async (t) => {
  if (!hasPeer('npm')) return void missing(t, 'npm');
  const bin = mkdtempSync(join(tmpdir(), 'amber-toolchain-'));
  const mark = join(bin, 'started');
  for (const name of TOOLCHAIN) {
    writeFileSync(join(bin, name), `#!/bin/sh\ntouch ${mark}\nexit 1\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const child = spawn(process.execPath, ['examples/demo.ts'], {
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, DEMO_FOLDER: join(bin, 'demo') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('the function answered')) break;
  }
  child.kill('SIGKILL');
  assert.match(said, /^1\. a function with a hole starts under stand-in client on Node 24 \(with --real-client: /mu);
  assert.ok(!existsSync(mark), 'a program of the toolchain was started');
  rmSync(bin, { recursive: true });
});
