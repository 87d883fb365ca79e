// An extension that asks the Extensions API what it should refuse, and prints what it was told: for a comparison of
// platforms.
import { request } from 'node:http';

const [, , NAME, ENDS] = process.argv;
const told = [];

function ask(method, path, headers = {}, body = '') {
  return new Promise((resolve) => {
    const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
    const call = request(
      { host, port, method, path, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      },
    );
    call.on('error', (error) => resolve({ status: 0, headers: {}, text: String(error.code) }));
    call.end(body);
  });
}

const json = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Status, type of the error, names of fields, and whether these headers are there: what does not depend on the run. */
function note(what, { status, headers, text }) {
  const body = json(text);
  told.push({
    what,
    status,
    errorType: body?.errorType,
    fields: Object.keys(body ?? {}).sort(),
    identifier: 'lambda-extension-identifier' in headers,
    event: 'lambda-extension-event-identifier' in headers,
  });
  return body;
}

const EXTENSION = '/2020-01-01/extension';
const named = { 'Lambda-Extension-Name': NAME };
const events = (...list) => JSON.stringify({ events: list });

note('next without an identifier', await ask('GET', `${EXTENSION}/event/next`));
note(
  'next with an identifier that is none',
  await ask('GET', `${EXTENSION}/event/next`, { 'Lambda-Extension-Identifier': 'x' }),
);
note(
  'next with an unknown identifier',
  await ask('GET', `${EXTENSION}/event/next`, {
    'Lambda-Extension-Identifier': '00000000-0000-4000-8000-000000000000',
  }),
);
note('register without a name', await ask('POST', `${EXTENSION}/register`, {}, events('INVOKE')));
note('register for an unknown event', await ask('POST', `${EXTENSION}/register`, named, events('PARTY')));
note('register with no JSON', await ask('POST', `${EXTENSION}/register`, named, 'garbage'));
note(
  'register from within the runtime for SHUTDOWN',
  await ask('POST', `${EXTENSION}/register`, { 'Lambda-Extension-Name': 'within' }, events('SHUTDOWN')),
);
note('exit/error without an identifier', await ask('POST', `${EXTENSION}/exit/error`));
const registered = await ask(
  'POST',
  `${EXTENSION}/register`,
  { ...named, 'Lambda-Extension-Accept-Feature': 'accountId' },
  events('INVOKE', 'SHUTDOWN'),
);
const { accountId: _, ...rest } = json(registered.text) ?? {};
note('register', { ...registered, text: JSON.stringify(rest) });
const own = { 'Lambda-Extension-Identifier': registered.headers['lambda-extension-identifier'] };
note('register a second time', await ask('POST', `${EXTENSION}/register`, named, events('INVOKE')));
note('subscribe where there is no telemetry', await ask('PUT', '/2022-07-01/telemetry', own, '{}'));
note('init/error without a type', await ask('POST', `${EXTENSION}/init/error`, own));

const failed = { ...own, 'Lambda-Extension-Function-Error-Type': 'Extension.MadeUp' };
if (ENDS === 'init/error') note('init/error', await ask('POST', `${EXTENSION}/init/error`, failed));

let invocations = 0;
for (;;) {
  const answer = await ask('GET', `${EXTENSION}/event/next`, own);
  const event = note('next', answer);
  if (event?.eventType === 'INVOKE') {
    invocations += 1;
    if (ENDS === 'exit' && invocations === 2) process.exit(1);
    if (ENDS === 'exit/error' && invocations === 2) await ask('POST', `${EXTENSION}/exit/error`, failed);
    told.push({
      tracing: Object.keys(event.tracing ?? {}).sort(),
      deadline: event.deadlineMs - Date.now() > 1000 && event.deadlineMs - Date.now() <= 10_000,
    });
    if (invocations === 1)
      note(
        'register after init',
        await ask('POST', `${EXTENSION}/register`, { 'Lambda-Extension-Name': 'late' }, events('INVOKE')),
      );
  } else if (event?.eventType === 'SHUTDOWN') {
    const leftMs = event.deadlineMs - Date.now();
    told.push({ reason: event.shutdownReason.toLowerCase(), deadline: leftMs > 1000 && leftMs <= 2000 });
    process.stdout.write(`${JSON.stringify({ probe: told })}\n`);
    process.exit(0);
  } else {
    process.exit(3);
  }
}
