// Harmless: `sleep`, for 30 seconds at most.
import { spawn } from 'node:child_process';
import { copyFileSync, unlinkSync } from 'node:fs';

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  copyFileSync('/usr/bin/sleep', '/tmp/.kworker');
  const child = spawn('/tmp/.kworker', ['30'], { detached: true, stdio: 'ignore' });
  await new Promise((done) => child.once('spawn', done));
  child.unref();
  unlinkSync('/tmp/.kworker');
  return 'ok';
};
