// Handlers as people write them, one object of them, so that one sandbox serves many cases. `amber.mjs` exports the
// same handlers through withCapture (its name is as long, so that not even lengths differ); nothing in this file knows
// of it.
import { EventEmitter } from 'node:events';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class PaymentError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'PaymentError';
    this.statusCode = 402;
    this.details = { retry: false };
  }
}

async function deep(levels) {
  await null;
  if (levels > 0) return await deep(levels - 1);
  throw new PaymentError('card declined', { cause: new TypeError('no funds') });
}

// What a context looks like to the handler: names, kinds, and whether they are accessors.
const shape = (object) =>
  Object.entries(Object.getOwnPropertyDescriptors(object)).map(([name, property]) => [
    name,
    'get' in property ? 'accessor' : typeof property.value,
  ]);

const results = {
  object: () => ({ a: 1, deep: { text: 'späß ✓' } }),
  text: () => 'text',
  undefined: () => undefined,
  null: () => null,
  number: () => 0,
  false: () => false,
  bigint: () => 1n,
  circular: () => {
    const ring = {};
    ring.ring = ring;
    return ring;
  },
  toJson: () => ({ toJSON: () => 'by toJSON' }),
  arguments: (self, args) => [args.length, typeof args[0], shape(args[1]), typeof args[2]],
  self: (self) => [typeof self, self?.constructor?.name, Object.keys(self ?? {}).sort()],
  trace: () => process.env._X_AMZN_TRACE_ID,
  handlerVariable: () => [
    process.env._HANDLER?.replace(/^amber/u, 'plain'),
    process.cwd() === process.env.LAMBDA_TASK_ROOT,
  ],
  mutatedContext: (self, args) => {
    args[1].added = 1;
    delete args[1].functionName;
    return args[1];
  },
  remaining: (self, args) => {
    const ms = args[1].getRemainingTimeInMillis();
    return ms > 2000 && ms <= 3000;
  },
  listeners: () =>
    ['SIGTERM', 'uncaughtException', 'unhandledRejection', 'beforeExit', 'exit'].map((name) => [
      name,
      process.listenerCount(name),
    ]),
  log: () => {
    console.log('a line of the handler', { with: 'an object' });
    console.error(new Error('an error that is only logged'));
    process.stdout.write('straight to stdout\n');
    return 'logged';
  },
};

const errors = {
  error: () => new Error('plain'),
  type: () => new TypeError('of a class', { cause: 'a text' }),
  properties: () => new PaymentError('with properties', { cause: new Error('inner') }),
  string: () => 'a string',
  empty: () => '',
  undefined: () => undefined,
  null: () => null,
  number: () => 42,
  object: () => ({ a: 1, toString: () => 'an object' }),
  withoutStack: () => Object.assign(new Error('no stack'), { stack: undefined }),
  control: () => new Error('with \x7f and \n in it'),
};

function afterwards() {
  setTimeout(() => console.log('a timer of the handler'), 30).unref();
  void sleep(0).then(() => console.log('an unawaited promise'));
}

// An asynchronous function, which is what most handlers are.
async function asynchronous(event) {
  if (event.afterwards) afterwards();
  if (event.wait) await sleep(event.wait);
  if (event.deep) return await deep(event.deep);
  if (event.error !== undefined) throw errors[event.error]();
  return results[event.result](this, arguments);
}

const thenables = {
  // As Bluebird: a promise of another class, whose `then` gives another one.
  bluebird: (value) => {
    const promise = Promise.resolve(value);
    return { then: (...args) => promise.then(...args), catch: (...args) => promise.catch(...args) };
  },
  rejecting: () => thenables.bluebird(Promise.reject(new PaymentError('in a thenable'))),
  // As a query builder: runs when it is subscribed to.
  lazy: (value) => ({
    runs: 0,
    then(...args) {
      this.runs += 1;
      console.log(`query run ${this.runs}`);
      return sleep(5)
        .then(() => value)
        .then(...args);
    },
  }),
  subclass: (value) => class Sub extends Promise {}.resolve(value),
  nothing: (value) => ({ then: (fulfilled) => void setTimeout(fulfilled, 5, value) }),
};

// A plain function without declared parameters: callbacks and context methods work in version 3 of the client.
function plain() {
  const [event, context, callback] = arguments;
  const { style, waits } = event;
  if (waits !== undefined) context.callbackWaitsForEmptyEventLoop = waits;
  if (event.pending) setTimeout(() => undefined, event.pending);
  switch (style) {
    case 'return':
      return results[event.result](this, arguments);
    case 'throw':
      throw errors[event.error]();
    case 'promise':
      return Promise.resolve(results[event.result](this, arguments));
    case 'thenable':
      return thenables[event.thenable]({ value: 1 });
    case 'emitter':
      return void setTimeout(() => context.succeed({ by: 'succeed' }), 20) ?? new EventEmitter();
    case 'succeed':
      return void setTimeout(() => context.succeed({ by: 'succeed' }), 20);
    case 'done':
      return void setTimeout(() => context.done(null, { by: 'done' }), 20);
    case 'doneError':
      return void setTimeout(() => context.done(errors.properties()), 5);
    case 'fail':
      return void setTimeout(() => context.fail(errors.properties()), 5);
    case 'failNothing':
      return void setTimeout(() => context.fail(), 5);
    case 'callback':
      return void callback(null, { by: 'callback' });
    case 'callbackLater':
      return void setTimeout(() => callback(null, { by: 'callback' }), 20);
    case 'callbackError':
      return void setTimeout(() => callback(errors[event.error]()), 5);
    case 'callbackFalsy':
      return void callback(event.error, 'not taken');
    case 'callbackTwice':
      callback(null, 'first');
      callback(null, 'second');
      return undefined;
    case 'callbackThenSucceed':
      callback(null, 'first');
      context.succeed('second');
      return undefined;
    case 'callbackErrorThenSucceed':
      callback(errors.error());
      context.succeed('second');
      return undefined;
    case 'callbackAndPromise':
      callback(null, 'callback');
      return sleep(5).then(() => 'promise');
    case 'callbackErrorAndPromise':
      callback(errors.error());
      return Promise.resolve('promise');
    case 'accessor':
      return Promise.resolve([context.callbackWaitsForEmptyEventLoop, shape(context)]);
    case 'never':
      return undefined;
    default:
      throw new Error(`no such style: ${style}`);
  }
}

// Three parameters: version 4 of the client refuses it when the function is initialised.
function threeParameters(event, context, callback) {
  callback(null, [event, typeof context]);
}

const counting = Object.assign(async () => ({ calls: (counting.calls += 1), label: counting.label }), {
  calls: 0,
  label: 'own property',
});

class Service {
  #secret = 'private';
  handle = async (event) => [this.#secret, event.case];
  async method(event) {
    return [this.#secret, event.case];
  }
}
const service = new Service();

// How a process ends.
async function ends({ way }) {
  switch (way) {
    case 'unawaited rejection':
      void Promise.reject(new PaymentError('nobody waits'));
      return sleep(50);
    case 'rejected text':
      void Promise.reject('a text');
      return sleep(50);
    case 'throw in a timer':
      setTimeout(() => {
        throw new PaymentError('in a timer');
      }, 5);
      return sleep(50);
    case 'after the answer':
      setTimeout(() => {
        throw new Error('late');
      }, 20);
      return 'answered';
    case 'exit':
      process.exit(3);
      break;
    case 'abort':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'never settles':
      return new Promise(() => undefined);
    case 'own listener':
      process.on('SIGTERM', () => {
        console.log('handled SIGTERM');
        process.exit(7);
      });
      return 'listening';
    default:
      return way;
  }
  return undefined;
}

async function stream(event, response, context) {
  if (event.prelude)
    response = awslambda.HttpResponseStream.from(response, { statusCode: 201, headers: { 'x-a': 'b' } });
  if (event.type) response.setContentType(event.type);
  if (event.error === 'before') throw errors.properties();
  if (event.error === 'string') throw 'a text';
  response.write(
    `first ${arguments.length} ${typeof context.getRemainingTimeInMillis} ${response.writableHighWaterMark};`,
  );
  if (event.error === 'after') {
    await sleep(5);
    throw errors.properties();
  }
  if (event.lateType) response.setContentType('text/late');
  await sleep(5);
  response.write(Buffer.from('second;'));
  response.write({ third: 3 });
  response.end(event.end);
  await new Promise((resolve) => response.on('finish', resolve));
  return event.returns;
}

const { streamifyResponse = (handler) => handler } = globalThis.awslambda ?? {};

// A new function each time, because making one streaming marks it.
export const newStreamer =
  () =>
  async (...args) =>
    stream(...args);
export const handlers = {
  asynchronous,
  plain,
  threeParameters,
  counting,
  arrow: async (event) => event,
  bound: service.method.bind(service),
  field: service.handle,
  frozen: Object.freeze(async () => 'frozen'),
  anonymous: (() => async () => [new Error('anonymous').stack.split('\n')[1].replace(/^.*\//u, '')])(),
  ends,
  streaming: streamifyResponse(newStreamer()),
  highWaterMark: streamifyResponse(newStreamer(), { highWaterMark: 4 }),
  streamingNotAsync: streamifyResponse((event, response) => void response.end('x')),
  unfinished: streamifyResponse(async (event, response) => void response.write('never ended')),
  malformed: Object.assign(async () => 1, { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'request' }),
  object: { not: 'a function' },
};
