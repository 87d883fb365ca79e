// An extension of few lines, for the tests of the sandbox: says what it is told. Arguments: its name, and what it does.
import { createServer, request } from 'node:http';

const [, , name, mode] = process.argv;
const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}`;

function call(method, path, headers, body) {
  return new Promise((done, failed) => {
    const sent = request(base + path, { method, headers }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      done({ status: response.statusCode, headers: response.headers, text });
    });
    sent.on('error', failed).end(body);
  });
}

const say = (...words) => process.stdout.write(`${name} ${words.join(' ')}\n`);
const register = (events) =>
  call('POST', '/2020-01-01/extension/register', { 'Lambda-Extension-Name': name }, JSON.stringify({ events }));

let registered = await register(['INVOKE', 'SHUTDOWN']);
if (registered.status !== 200) {
  say('refused', registered.status, JSON.parse(registered.text).errorType);
  registered = await register(['SHUTDOWN']);
}
say('registered');
const identity = { 'Lambda-Extension-Identifier': registered.headers['lambda-extension-identifier'] };
if (mode === 'telemetry') {
  const server = createServer(async (incoming, response) => {
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
    response.end();
    say('heard', text);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const destination = { protocol: 'HTTP', URI: `http://sandbox.localdomain:${server.address().port}` };
  const body = JSON.stringify({
    schemaVersion: '2022-12-13',
    types: ['platform'],
    buffering: { timeoutMs: 25, maxItems: 1000, maxBytes: 262144 },
    destination,
  });
  const answer = await call('PUT', '/2022-07-01/telemetry', identity, body);
  say('subscribed', answer.status, answer.text);
}
if (mode === 'tick') setInterval(() => process.stdout.write('tick\n'), 20);
for (;;) {
  const { text } = await call('GET', '/2020-01-01/extension/event/next', identity);
  const event = JSON.parse(text);
  say(event.shutdownReason === undefined ? event.eventType : `${event.eventType}:${event.shutdownReason}`);
  if (mode === 'crash' && event.eventType === 'INVOKE') process.exit(1);
  if (event.eventType === 'SHUTDOWN' && mode !== 'stay') process.exit(0);
}
