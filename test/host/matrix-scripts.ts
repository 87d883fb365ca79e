/** The rows of the handler matrix: what a wrapper could get wrong, as scripts for one sandbox each. */
import type { Client } from '../sandbox/clients.ts';
import type { Script } from '../sandbox/record.ts';

export interface Row extends Omit<Script, 'handler'> {
  readonly name: string;
  /** Export of plain.mjs and amber.mjs. */
  readonly handler: string;
  /** Export of amber.mjs that stands for it, where it is another one. */
  readonly wrapped?: string;
  /** Rows that end a process or that only one generation knows. */
  readonly generation?: Client['generation'];
}

const results = [
  'object', 'text', 'undefined', 'null', 'number', 'false', 'toJson', 'arguments', 'self', 'trace', 'handlerVariable',
  'mutatedContext', 'remaining', 'listeners', 'log', 'bigint', 'circular',
];
const errors = ['error', 'type', 'properties', 'string', 'empty', 'undefined', 'null', 'number', 'object', 'withoutStack', 'control'];
const LONG = 300;

// prettier-ignore
export const ROWS: readonly Row[] = [
  { name: 'an async handler: results', handler: 'asynchronous', events: [...results.map((result) => ({ result })), { result: 'text', wait: 20 }] },
  { name: 'an async handler: errors before and after it first waits', handler: 'asynchronous',
    events: [...errors.map((error) => ({ error })), ...errors.map((error) => ({ error, wait: 1 })), { deep: 4 }] },
  { name: 'an async handler: work that goes on after the answer', handler: 'asynchronous', events: [{ afterwards: true, result: 'text' }, { result: 'object' }] },
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
  { name: 'streaming', handler: 'streaming',
    events: [{}, { end: 'last' }, { prelude: true }, { type: 'text/html' }, { lateType: true }, { returns: 'a value' }, { error: 'before' }, { error: 'string' }, { error: 'after' }, {}] },
  { name: 'streaming with a high water mark', handler: 'highWaterMark', events: [{}, { prelude: true }] },
  { name: 'streaming, wrapped before it is made so', handler: 'highWaterMark', wrapped: 'streamingInside', events: [{}, { prelude: true }, { error: 'after' }] },
  { name: 'streaming without a promise', handler: 'streamingNotAsync', events: [{}], timeoutMs: 600 },
  { name: 'a stream that is never ended', handler: 'unfinished', events: [{}], timeoutMs: 600 },
  { name: 'a streaming mark that is not known', handler: 'malformed', events: [] },
  { name: 'an unhandled rejection', handler: 'ends', events: [{ way: 'unawaited rejection' }], end: 'itself' },
  { name: 'an unhandled rejection of a text', handler: 'ends', events: [{ way: 'rejected text' }], end: 'itself' },
  { name: 'a throw in a timer', handler: 'ends', events: [{ way: 'throw in a timer' }], end: 'itself' },
  // Version 3 posts the error over a connection on which another thread waits for the next invocation: it differs each time.
  { name: 'a throw after the answer', handler: 'ends', generation: 'v4', events: [{ way: 'after the answer' }], end: 'itself' },
  { name: 'an exit', handler: 'ends', events: [{ way: 'exit' }], end: 'itself' },
  { name: 'a kill', handler: 'ends', events: [{ way: 'abort' }], end: 'itself' },
  { name: 'a promise that never settles and nothing to wait for', handler: 'ends', events: [{ way: 'never settles' }], timeoutMs: 800 },
  { name: 'SIGTERM', handler: 'ends', events: [{ way: 'idle' }], end: 'SIGTERM' },
  { name: 'SIGTERM with a listener of the function', handler: 'ends', events: [{ way: 'own listener' }], end: 'SIGTERM' },
  { name: 'structured logs', handler: 'asynchronous', events: [{ result: 'log' }, { error: 'properties' }], env: { AWS_LAMBDA_LOG_FORMAT: 'JSON' } },
  { name: 'several invocations at once', handler: 'asynchronous', generation: 'v4', together: true,
    events: [{ result: 'object', wait: 60 }, { error: 'properties', wait: 30 }, { deep: 2 }, { result: 'text' }],
    env: { AWS_LAMBDA_MAX_CONCURRENCY: '4', AWS_LAMBDA_NODEJS_WORKER_COUNT: '1', AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances' } },
];
