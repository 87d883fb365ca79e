// Handlers that have answered, and whose process then ends by something that they left behind. `handler` is bare, the
// others are the same function through withCapture.
const { withCapture } = await import(process.env.SANDBOX_LIBRARY ?? '../../../src/index.ts');

const LATER_MS = 5;

// What is left behind, by name: each ends the process.
const ways = {
  'an exception': () => {
    throw new Error('late');
  },
  'an exception that is no error': () => {
    throw 'late';
  },
  'a rejection': () => {
    void Promise.reject(new Error('late'));
  },
  'an exit': () => {
    process.exit(3);
  },
  'an exit in a promise': () => {
    void Promise.resolve().then(() => process.exit(0));
  },
  'a signal': () => {
    process.kill(process.pid, 'SIGTERM');
  },
  'an exit by a listener of the function': () => {
    process.on('uncaughtException', () => process.exit(4));
    throw new Error('late');
  },
  nothing: () => undefined,
  // It goes on, so nothing may be answered in its place.
  'an exception that a listener takes': () => {
    process.on('uncaughtException', () => undefined);
    process.removeAllListeners('unhandledRejection');
    throw new Error('late');
  },
};

const answers = {
  value: () => ({ text: 'späß ✓', number: 1 }),
  undefined: () => undefined,
  bigint: () => 1n,
  error: () => {
    throw Object.assign(new TypeError('of the handler'), { retry: false });
  },
};

async function asynchronous({ way, answer, atOnce }) {
  if (atOnce) ways[way]();
  else setTimeout(ways[way], LATER_MS);
  await null;
  return answers[answer]();
}

function callback() {
  const [{ way, answer, waits }, context, done] = arguments;
  context.callbackWaitsForEmptyEventLoop = waits;
  setTimeout(ways[way], LATER_MS);
  if (answer === 'error') done(new TypeError('of the handler'));
  else done(null, answers[answer]());
}

const { streamifyResponse = (handler) => handler } = globalThis.awslambda ?? {};
const stream =
  () =>
  async ({ way }, response) => {
    response.end('streamed');
    await new Promise((resolve) => response.on('finish', resolve));
    setTimeout(ways[way], LATER_MS);
  };

export const plain = { asynchronous, callback, streaming: streamifyResponse(stream()) };
export const amber = {
  asynchronous: withCapture(asynchronous),
  callback: withCapture(callback),
  streaming: withCapture(streamifyResponse(stream())),
};
