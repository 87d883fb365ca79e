/** The rows of the handler matrix: what a wrapper could get wrong, as scripts for one sandbox each. */
import type { Client } from '../../sandbox/clients.ts';
import type { Script } from '../../sandbox/record.ts';

export interface Row extends Omit<Script, 'handler'> {
  readonly name: string;
  /** Export of plain.mjs and amber.mjs. */
  readonly handler: string;
  /** Export of amber.mjs that stands for it, where it is another one. */
  readonly wrapped?: string;
  /** Rows that end a process or that only one generation knows. */
  readonly generation?: Client['generation'];
  /** One of the few that also the stand-in client has to pass where the real ones run. */
  readonly basic?: boolean;
}

const results = [
  'object',
  'text',
  'undefined',
  'null',
  'number',
  'false',
  'toJson',
  'arguments',
  'self',
  'trace',
  'handlerVariable',
  'mutatedContext',
  'remaining',
  'listeners',
  'log',
  'bigint',
  'circular',
];
const errors = [
  'error',
  'type',
  'properties',
  'string',
  'empty',
  'undefined',
  'null',
  'number',
  'object',
  'withoutStack',
  'control',
];
const LONG = 300;
const MANAGED_INSTANCES = {
  AWS_LAMBDA_MAX_CONCURRENCY: '4',
  AWS_LAMBDA_NODEJS_WORKER_COUNT: '1',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
};

// biome-ignore format: a table, a row a line
export const ROWS: readonly Row[] = [
  { name: 'an async handler: results', handler: 'asynchronous', basic: true, events: [...results.map((result) => ({ result })), { result: 'text', wait: 20 }] },
  { name: 'an async handler: errors before and after it first waits', handler: 'asynchronous', basic: true,
    events: [...errors.map((error) => ({ error })), ...errors.map((error) => ({ error, wait: 1 })), { deep: 4 }] },
  { name: 'an async handler: work that goes on after the answer', handler: 'asynchronous', events: [{ afterwards: 'a timer of the handler', result: 'text' }, { result: 'object' }] },
  { name: 'an async handler that is wrapped twice', handler: 'asynchronous', wrapped: 'twice', events: [{ result: 'object' }, { error: 'properties' }, { result: 'self' }] },
  { name: 'a plain function: returned values', handler: 'plain', events: results.filter((result) => result !== 'log').map((result) => ({ style: 'return', result })) },
  { name: 'a plain function: promises', handler: 'plain', events: results.map((result) => ({ style: 'promise', result })) },
  { name: 'a plain function: thrown errors', handler: 'plain', events: errors.map((error) => ({ style: 'throw', error })) },
  { name: 'a plain function: thenables', handler: 'plain',
    events: ['bluebird', 'rejecting', 'lazy', 'subclass', 'nothing'].map((thenable) => ({ style: 'thenable', thenable })) },
  { name: 'a plain function: answers by the context', handler: 'plain', generation: 'v3',
    events: ['emitter', 'succeed', 'done', 'doneError', 'fail', 'failNothing', 'accessor'].map((style) => ({ style })) },
  { name: 'a plain function: answers by the callback', handler: 'plain', generation: 'v3',
    events: ['callback', 'callbackLater', 'callbackTwice', 'callbackThenSucceed', 'callbackErrorThenSucceed', 'callbackAndPromise', 'callbackErrorAndPromise', 'never'].map((style) => ({ style })) },
  { name: 'a plain function: errors by the callback', handler: 'plain', generation: 'v3',
    events: [...errors.map((error) => ({ style: 'callbackError', error })), ...[0, '', false, null].map((error) => ({ style: 'callbackFalsy', error }))] },
  { name: 'a plain function: the event loop that is waited for, or not', handler: 'plain', generation: 'v3',
    events: [{ style: 'callbackLater', pending: LONG }, { style: 'callbackLater', pending: LONG, waits: false }, { style: 'succeed', pending: LONG }, { style: 'callbackError', error: 'error', pending: LONG }] },
  { name: 'a callback that v4 does not give', handler: 'plain', generation: 'v4', events: [{ style: 'callback' }, { style: 'callbackTwice' }, { style: 'never' }, { style: 'accessor' }] },
  { name: 'three parameters', handler: 'threeParameters', events: [{ a: 1 }], end: 'stop' },
  { name: 'own properties', handler: 'counting', events: [{}, {}] },
  { name: 'an arrow function', handler: 'arrow', events: [{ a: 1 }] },
  { name: 'a bound method', handler: 'bound', events: [{ case: 1 }] },
  { name: 'a method in a field', handler: 'field', events: [{ case: 1 }] },
  { name: 'a frozen function', handler: 'frozen', events: [{}] },
  { name: 'a function without a name', handler: 'anonymous', events: [{}] },
  { name: 'an export that is missing', handler: 'missing', events: [] },
  { name: 'an export that is no function', handler: 'object', events: [] },
  { name: 'streaming', handler: 'streaming', basic: true,
    events: [{}, { end: 'last' }, { prelude: true }, { type: 'text/html' }, { lateType: true }, { returns: 'a value' }, { error: 'before' }, { error: 'string' }, { error: 'after' }, {}] },
  { name: 'streaming with a high water mark', handler: 'highWaterMark', events: [{}, { prelude: true }] },
  { name: 'streaming, wrapped before it is made so', handler: 'highWaterMark', wrapped: 'streamingInside', events: [{}, { prelude: true }, { error: 'after' }] },
  { name: 'streaming without a promise', handler: 'streamingNotAsync', events: [{}], timeoutMs: 600 },
  { name: 'a stream that is never ended', handler: 'unfinished', events: [{}], timeoutMs: 600 },
  { name: 'a streaming mark that is not known', handler: 'malformed', events: [] },
  { name: 'an unhandled rejection', handler: 'ends', basic: true, events: [{ way: 'unawaited rejection' }], end: 'itself' },
  { name: 'an unhandled rejection of a text', handler: 'ends', events: [{ way: 'rejected text' }], end: 'itself' },
  { name: 'a throw in a timer', handler: 'ends', events: [{ way: 'throw in a timer' }], end: 'itself' },
  // Version 3 posts the error over a connection on which another thread waits for the next invocation: it differs each
  // time.
  { name: 'a throw after the answer', handler: 'ends', generation: 'v4', events: [{ way: 'after the answer' }], end: 'itself' },
  { name: 'an exit', handler: 'ends', events: [{ way: 'exit' }], end: 'itself' },
  { name: 'a kill', handler: 'ends', events: [{ way: 'abort' }], end: 'itself' },
  { name: 'a promise that never settles and nothing to wait for', handler: 'ends', events: [{ way: 'never settles' }], timeoutMs: 800 },
  { name: 'SIGTERM', handler: 'ends', events: [{ way: 'idle' }], end: 'SIGTERM' },
  { name: 'SIGTERM with a listener of the function', handler: 'ends', events: [{ way: 'own listener' }], end: 'SIGTERM' },
  { name: 'structured logs', handler: 'asynchronous', events: [{ result: 'log' }, { error: 'properties' }], env: { AWS_LAMBDA_LOG_FORMAT: 'JSON' } },
  { name: 'several invocations at once', handler: 'asynchronous', generation: 'v4', together: true,
    events: [{ result: 'object', wait: 60 }, { error: 'properties', wait: 30 }, { deep: 2 }, { result: 'text' }],
    env: MANAGED_INSTANCES },
];

/** One event of each kind, to be the first of its sandbox and so the one that is captured; another one follows. */
function due(name: string, handler: string, event: object, more: Partial<Row> = {}): Row {
  const next = handler === 'ends' ? [] : [event];
  return { name, handler, events: [event, ...next], timeoutMs: 20_000, ...more };
}

const V3 = { generation: 'v3' } as const;

// biome-ignore format: a table, a row a line
export const DUE_ROWS: readonly Row[] = [
  due('a result', 'asynchronous', { result: 'object', wait: 5 }, { basic: true }),
  due('a result that cannot be serialised', 'asynchronous', { result: 'bigint' }),
  due('an error', 'asynchronous', { error: 'properties', wait: 1 }, { basic: true }),
  due('an error before the handler first waits', 'asynchronous', { error: 'properties' }),
  due('a rejected text', 'asynchronous', { error: 'string' }),
  due('a rejected undefined', 'asynchronous', { error: 'undefined' }),
  due('a deep error', 'asynchronous', { deep: 3 }),
  due('a returned value', 'plain', { style: 'return', result: 'object' }),
  due('a thrown error', 'plain', { style: 'throw', error: 'properties' }),
  due('a thrown undefined', 'plain', { style: 'throw', error: 'undefined' }),
  due('a thenable', 'plain', { style: 'thenable', thenable: 'bluebird' }),
  due('a thenable that rejects', 'plain', { style: 'thenable', thenable: 'rejecting' }),
  due('a thenable that runs at each then', 'plain', { style: 'thenable', thenable: 'lazy' }),
  due('context.succeed', 'plain', { style: 'succeed' }, V3),
  due('context.fail', 'plain', { style: 'fail' }, V3),
  due('a callback', 'plain', { style: 'callback' }, V3),
  due('a later callback', 'plain', { style: 'callbackLater' }, V3),
  due('a callback that waits for no event loop', 'plain', { style: 'callbackLater', waits: false }, V3),
  due('a callback with an error', 'plain', { style: 'callbackError', error: 'properties' }, V3),
  due('a callback with an error, then context.succeed', 'plain', { style: 'callbackErrorThenSucceed' }, V3),
  due('a callback with an error, and a promise', 'plain', { style: 'callbackErrorAndPromise' }, V3),
  due('a callback, and a promise', 'plain', { style: 'callbackAndPromise' }, V3),
  due('a stream', 'streaming', { prelude: true }, { basic: true }),
  due('a stream that fails before its first byte', 'streaming', { error: 'before' }),
  due('a stream that fails after its first byte', 'streaming', { error: 'after' }),
  due('a throw in a timer', 'ends', { way: 'throw in a timer' }, { end: 'itself' }),
  due('an unhandled rejection', 'ends', { way: 'unawaited rejection' }, { end: 'itself' }),
  { name: 'several invocations at once', handler: 'asynchronous', generation: 'v4', together: true, timeoutMs: 20_000, env: MANAGED_INSTANCES,
    events: [{ result: 'object', wait: 400 }, { error: 'properties', wait: 200 }, { result: 'text' }] },
  { name: 'several invocations at once in several threads', handler: 'asynchronous', generation: 'v4', together: true, timeoutMs: 20_000,
    env: { ...MANAGED_INSTANCES, AWS_LAMBDA_NODEJS_WORKER_COUNT: '3' },
    events: [{ result: 'object', wait: 50 }, { error: 'properties', wait: 50 }, { result: 'text', wait: 50 }, { result: 'null', wait: 300 }] },
  due('SIGTERM', 'ends', { way: 'idle' }, { end: 'SIGTERM' }),
];
