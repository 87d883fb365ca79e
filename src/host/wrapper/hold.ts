/**
 * Passes on what a handler gives, later if a capture is due, and never changed: value, reason, order and number of
 * subscriptions are the handler's own.
 */
import { lambdaContext } from './facts.ts';
import { clientOf, holdFor, type Outcome } from './held.ts';
import { settle } from './tracked-invocation.ts';
import type { TrackedInvocation } from './setup.ts';

type Callable = (...args: unknown[]) => unknown;

interface Thenable {
  readonly then: Callable;
}

// Kept from before user code can replace it.
const nativeThen: unknown = Reflect.get(Promise.prototype, 'then');

/**
 * What to give to the runtime in place of a result that settles later; undefined for a result that is no such thing.
 *
 * Thenables are told as the runtimes tell them (aws-lambda-ric 3 Runtime.js, 4 streaming-invoke-processor.ts). A
 * function with a `then` is one to v3 alone and nobody writes such handlers: it is passed on as it is.
 */
export function follow(tracked: TrackedInvocation, result: unknown): object | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  try {
    const { then } = result as { then?: unknown };
    if (typeof then !== 'function') return undefined;
    return then === nativeThen && result instanceof Promise
      ? followPromise(tracked, result)
      : followThenable(tracked, result as Thenable);
  } catch {
    return undefined; // a getter or a proxy that throws: the runtime meets it as it would without us
  }
}

/**
 * A promise that settles as `promise` does. It is derived and not a second listener beside the original: V8 follows a
 * chain of one reaction a promise, so that a listener on the side would cut the `at async` frames off every error
 * stack.
 */
function followPromise(tracked: TrackedInvocation, promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => passOn(tracked, settle(tracked), value),
    (error: unknown) => failWith(tracked, settle(tracked, { error }), error),
  );
}

/**
 * A thenable that subscribes to the original when it is subscribed to itself, and as often. Query builders (knex,
 * mongoose) run their query at each `then`, so a subscription of ours would run it twice. Its callbacks are delayed
 * while a capture is due; one that calls back before its `then` has returned is so too.
 */
function followThenable(tracked: TrackedInvocation, original: Thenable): object {
  const then = (...given: unknown[]): unknown => {
    const [fulfilled, rejected, ...rest] = given;
    const delayed = [
      delay(fulfilled, (value) => hold(tracked, settle(tracked), tracked.streams ? STREAMED : { value })),
      delay(rejected, (error) => hold(tracked, settle(tracked, { error }), { error })),
    ];
    return Reflect.apply(original.then, original, [...delayed.slice(0, given.length), ...rest]);
  };
  return Object.create(original, { then: { value: then, writable: true, configurable: true } }) as object;
}

function delay(callback: unknown, settled: (argument: unknown) => Promise<unknown> | undefined): unknown {
  if (typeof callback !== 'function') return callback;
  return function (this: unknown, ...args: unknown[]): unknown {
    const call = (): unknown => Reflect.apply(callback, this, args);
    const wait = settled(args[0]);
    return wait === undefined ? call() : wait.then(call);
  };
}

const STREAMED: Outcome = { streamed: true };

/** Sees to it that the answer is posted even if the process ends while it is held. */
function hold(
  tracked: TrackedInvocation,
  wait: Promise<unknown> | undefined,
  outcome: Outcome,
): Promise<unknown> | undefined {
  if (wait === undefined || (tracked.streams && 'error' in outcome)) return wait;
  const client = clientOf(tracked.caller);
  const requestId: unknown =
    client === undefined ? undefined : Reflect.get(Object(lambdaContext(tracked.context)) as object, 'awsRequestId');
  if (client === undefined || typeof requestId !== 'string') return wait;
  const { env, emitter } = tracked.setup.environment;
  return holdFor(
    { ...client, outcome, requestId, emitter, isShared: (env['AWS_LAMBDA_MAX_CONCURRENCY'] ?? '') !== '' },
    wait,
  );
}

/** A value that the runtime takes as the result (aws-lambda-ric 4 awaits whatever the handler returns). */
export function passOn(tracked: TrackedInvocation, wait: Promise<unknown> | undefined, value: unknown): unknown {
  return wait === undefined ? value : hold(tracked, wait, tracked.streams ? STREAMED : { value })?.then(() => value);
}

/** An error that the runtime takes as the result. Thrown on at once if there is nothing to wait for. */
export function failWith(
  tracked: TrackedInvocation,
  wait: Promise<unknown> | undefined,
  error: unknown,
): Promise<never> {
  const held = hold(tracked, wait, { error });
  if (held === undefined) throw error;
  return held.then(() => {
    throw error;
  });
}

/**
 * The callback of a v3 runtime, for an invocation under watch. What it was first called with is passed on, after the
 * capture if one is due. Meanwhile, as after any first answer, the further ways to answer do nothing: that rule is the
 * runtime's (CallbackContext.js onlyAllowFirstCall), which does not know of this answer yet.
 */
export function followCallback(tracked: TrackedInvocation, callback: Callable, context: unknown): Callable {
  let held = false;
  return function (this: unknown, ...args: unknown[]): unknown {
    if (held) return undefined;
    const [error] = args;
    // Falsy errors are errors; only undefined and null are none (CallbackContext.js).
    const failed = error !== undefined && error !== null;
    const wait = settle(tracked, failed ? { error } : undefined);
    const call = (): unknown => Reflect.apply(callback, this, args);
    if (wait === undefined) return call();
    held = true;
    silence(context);
    // An answer that waits for an empty event loop is not out when the process ends, bare neither.
    const isOut = failed || Reflect.get(Object(context) as object, 'callbackWaitsForEmptyEventLoop') === false;
    const until = isOut ? hold(tracked, wait, failed ? { error } : { value: args[1] }) : wait;
    void until?.then(call).catch((thrown: unknown) => {
      // What the runtime throws here it would have thrown into the handler: an uncaught error, and not a rejection.
      setImmediate(() => {
        throw thrown;
      });
    });
    return undefined;
  };
}

const ignore = (): void => undefined;

function silence(context: unknown): void {
  if (typeof context !== 'object' || context === null) return;
  for (const way of ['succeed', 'fail', 'done']) {
    if (typeof Reflect.get(context, way) === 'function') Reflect.set(context, way, ignore);
  }
}
