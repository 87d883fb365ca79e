// Harmless: five steps deep, 31 processes, and each ends after three seconds.
import { spawn } from 'node:child_process';

const BOMB = 'bomb() { [ "$1" -ge 5 ] || { bomb $(($1 + 1)) & bomb $(($1 + 1)) & }; sleep 3; }; bomb 1';

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  spawn('bash', ['-c', BOMB], { stdio: 'ignore' }).unref();
  await new Promise((done) => setTimeout(done, 500));
  return 'ok';
};
