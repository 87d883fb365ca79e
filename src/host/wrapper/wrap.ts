/** `withCapture`: a handler that can be captured, and that nobody can tell from the handler itself. */
import type { Options } from '../../config/config.ts';
import { isAmberError } from '../../errors.ts';
import { startMonitoring } from '../monitor/start.ts';
import { loadSetup, isWatching, type HostSetup, type TrackedInvocation } from './setup.ts';
import { failWith, follow, followCallback, passOn } from './hold.ts';
import { WRAPPED } from './mark.ts';
import { begun, note, openProgress } from './progress.ts';
import { recordings, startRecording } from './record.ts';
import { contextIn, isStreaming, makeNoted, proxied, type Callable, type Trap } from './proxied.ts';
import { loadAhead } from './start.ts';
import { watchUncaught } from './uncaught.ts';
import { endTracking, trackInvocation, returned, settle } from './tracked-invocation.ts';
import { fault, HOST_ENVIRONMENT, type HostEnvironment } from '../environment.ts';
import type { Progress } from '../limits/invocation-progress.ts';

/**
 * Any function: the parameters are the handler's own business. A parameter without a type is `any`, as in `Handler` of
 * \@types/aws-lambda.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- `never` or `unknown` would bind the event
export type AnyHandler = (...args: any[]) => unknown;

/**
 * A handler as Lambda calls it: one that names fewer than two parameters takes the context and the callback all the
 * same.
 */
export type Wrapped<H extends AnyHandler> = H &
  (H extends (...args: infer A) => infer R
    ? A extends [] | [unknown?]
      ? (...args: LambdaArguments<A>) => R
      : unknown
    : unknown);

type LambdaArguments<A extends unknown[]> = A extends []
  ? [event?: unknown, context?: unknown, callback?: unknown]
  : [...event: A, context?: unknown, callback?: unknown];

/**
 * Wraps a handler so that triggers can capture its sandbox.
 *
 * The result is a proxy of the handler: kind, name, number of parameters, own properties and symbols (streaming) are
 * the handler's own, now and later. While nothing is due it is called as if it stood there itself, without a frame in
 * the stack or a listener on its promise. Only V8 shows it, by leaving `[as handler]` off its frame. The first
 * invocation of a sandbox, in which the timeout of the function is learned, is another case. So are all that follow a
 * `capture()`, and those that a trigger watches. One frame of this file is then in the stacks of what the handler
 * throws before it first waits. Under a trigger its promise is a derived one. Anomalies are watched for without that,
 * until something has moved in the sandbox (a file in `/tmp`, a process). When a capture is due, the result is passed
 * on, unchanged, once the capture has ended: at the latest `marginMs` before the deadline.
 *
 * A handler of aws-lambda-ric 3 that returns no promise answers by its callback or by `context.succeed`, `fail`,
 * `done`. What `AMBER_CAPTURE=now` captures is then the moment at which the function returns, and its work may still go
 * on. An answer by the callback waits for the capture, an answer by `context` does not, and its failure fires no
 * trigger.
 *
 * Wrap last: methods of the handler that return it (middy's `use`) return the handler and not the wrapper.
 *
 * @param handler - anything else than a function (`undefined`, too) is given back as it is: the runtime then fails as
 *   it does
 *   without Amber, and says what is wrong with the handler.
 * @param options - over the environment, see the table of options.
 * @returns the wrapped handler; the handler itself if it is wrapped already, if `AMBER_DISABLED` is set, or if the
 *   environment is not usable (one log line, `{"amber":"config",…}`, says why nothing is armed).
 * @throws AmberError CONFIG_INVALID, if what is wrong stands in `options`.
 */
export function withCapture<H extends AnyHandler>(handler: H, options: Options = {}): Wrapped<H> {
  return wrapOn(HOST_ENVIRONMENT, handler, options) as Wrapped<H>;
}

/** The same on another environment: for tests, and for hosts that bring their own environment. */
export function wrapOn<H extends AnyHandler>(environment: HostEnvironment, handler: H, options: Options): H {
  const setup = loadSetup(options, environment);
  if (isAmberError(setup) || typeof handler !== 'function' || WRAPPED in handler) return handler;
  watchUncaught(setup);
  loadAhead(setup);
  record(setup);
  startMonitoring(setup);
  const { state } = setup;
  const recording = recordings.get(state);
  const progress = openProgress(state, environment.env);
  const due = makeDue(setup, progress);
  return proxied(handler, () => {
    state.invocations += 1;
    recording?.begins(state.invocations);
    setup.changeMonitor?.begins(state.invocations);
    return due({ isNoted: begun(progress) });
  });
}

/** Before the monitor notes what stands in the sandbox: the black box is part of it. */
export function record({ state, config, environment }: HostSetup): void {
  const { env, scope } = environment;
  startRecording(state, { level: config.record, env, scope }, (error) => fault(environment, 'record', error));
}

/** What is called in the handler's place in an invocation that has begun, which is to be noted or not. */
export function makeDue(
  setup: HostSetup,
  progress: Progress,
): (options: { readonly isNoted: boolean }) => Trap | undefined {
  const { state, config, environment } = setup;
  const call = makeCall(setup, progress);
  const noted = makeNoted(state, progress, (error) => fault(environment, 'invoke', error));
  return ({ isNoted }) => {
    if (isWatching(setup)) return call;
    return isNoted && state.captures < config.maxCaptures ? noted : undefined;
  };
}

function makeCall(setup: HostSetup, progress: Progress): Trap {
  let unanswered: TrackedInvocation | undefined;
  return (handler, self, args) => {
    const tracked = begin(handler, self, args);
    let result: unknown;
    try {
      result = Reflect.apply(handler, self, args);
    } catch (error) {
      if (tracked === undefined) throw error;
      return thrown(tracked, handler, args, error);
    }
    if (tracked === undefined) return result;
    return follow(tracked, result) ?? plain(tracked, handler, args, result);
  };

  function begin(handler: Callable, self: unknown, args: unknown[]): TrackedInvocation | undefined {
    try {
      // A v3 runtime runs one invocation at a time: what has not answered by its callback did so by its context.
      if (unanswered !== undefined) endTracking(unanswered);
      const context = contextIn(handler, args);
      note(progress, { context, event: args[0], number: setup.state.invocations });
      const tracked = trackInvocation(setup, setup.state.invocations, args[0], context);
      if (tracked === undefined) {
        setup.state.invocations -= 1;
        return undefined;
      }
      Object.assign(tracked, { caller: self, streams: isStreaming(handler) });
      if (isCallbackStyle(args)) {
        args[2] = followCallback(tracked, args[2] as Callable, context);
        unanswered = tracked;
      }
      return tracked;
    } catch (error) {
      fault(setup.environment, 'invoke', error);
      return undefined;
    }
  }
}

/** A v3 runtime gives a callback; a v4 runtime gives two arguments, and a streaming handler gets its context third. */
function isCallbackStyle(args: readonly unknown[]): boolean {
  return typeof args[2] === 'function';
}

/** The handler has returned what is not a promise. */
function plain(tracked: TrackedInvocation, handler: Callable, args: readonly unknown[], result: unknown): unknown {
  if (isCallbackStyle(args)) {
    tracked.isQuiet = true;
    returned(tracked);
    return result;
  }
  const wait = settle(tracked);
  // A streaming handler that returns no promise is an error of the runtime, which must see what was returned.
  return isStreaming(handler) ? result : passOn(tracked, wait, result);
}

/** The handler has thrown before it returned. */
function thrown(tracked: TrackedInvocation, handler: Callable, args: readonly unknown[], error: unknown): unknown {
  const wait = settle(tracked, { error, atOnce: true });
  // A v3 runtime hands a thrown undefined or null to the callback, which takes it for success; a rejected one is an
  // error.
  const lost = isCallbackStyle(args) && !isStreaming(handler) && (error === undefined || error === null);
  return failWith(tracked, lost ? undefined : wait, error);
}
