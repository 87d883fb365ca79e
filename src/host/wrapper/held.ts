/**
 * An answer that a capture holds reaches its caller even if the process ends meanwhile. Without a capture the client
 * has posted it by then, so what ends the process first has the client post it: by the client's own methods, which are
 * synchronous (aws-lambda-ric 3 src/RAPIDClient.js, 4 src/client/rapid-client.ts). Loaded for a capture, and in force
 * for as long as an answer is held.
 */
import { isWrapped } from './mark.ts';
import type { HostEnvironment } from '../environment.ts';

/** What the handler has given. A streamed answer is out already. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown } | { readonly streamed: true };

/** The part of the runtime client that posts. */
export interface Poster {
  readonly postInvocationResponse: (value: unknown, id: string, done: () => void) => unknown;
  readonly postInvocationError: (error: unknown, id: string, done: () => void) => unknown;
  readonly nextInvocation: () => Promise<unknown>;
}

export interface Held {
  readonly outcome: Outcome;
  readonly requestId: string;
  readonly poster: Poster;
  readonly emitter: HostEnvironment['emitter'];
  /** Version 3 ends the process by listeners of its own, which post an error first. */
  readonly isV3: boolean;
  /** Several invocations share the process: it asks for the next one by itself. */
  readonly isShared: boolean;
}

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with
// it.
const { clearImmediate, setImmediate } = globalThis;

/** Signals that end a process which does not listen for them, and that may be listened for. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM'] as const;
/** A request that another thread sends needs so long to leave. */
const SEND_MS = 10;

const nothing = (): void => undefined;

/**
 * Stands in for the client until `wait` is over. From the moment on at which the client would have posted: at once in
 * version 3, a turn of the event loop later in version 4. What ends the process before that loses the answer bare, too.
 *
 * @returns `wait`
 */
export function holdFor(held: Held, wait: Promise<unknown>): Promise<unknown> {
  let disarm = nothing;
  const begin = (): void => {
    disarm = arm(held);
  };
  const turn = held.isV3 ? undefined : setImmediate(begin);
  if (held.isV3) begin();
  return wait.finally(() => {
    if (turn !== undefined) clearImmediate(turn);
    disarm();
  });
}

function arm(held: Held): () => void {
  const { emitter, isV3 } = held;
  let posted = false;
  const once = (): void => {
    if (posted) return;
    posted = true;
    post(held);
  };
  // Where version 4 has a listener, that decides whether the process goes on; if it exits, `exit` follows.
  const uncaught = (): void => {
    if (isV3 || emitter.listenerCount('uncaughtException') === 0) once();
  };
  const exiting = (): void => {
    once();
    sayReady(held);
  };
  const signals = SIGNALS.filter((name) => emitter.listenerCount(name) === 0).map((name) => ({
    name,
    listener: (): void => {
      disarm();
      exiting();
      process.kill(process.pid, name);
    },
  }));
  const disarm = (): void => {
    emitter.off('uncaughtExceptionMonitor', uncaught);
    emitter.off('unhandledRejection', once);
    emitter.off('exit', exiting);
    for (const { name, listener } of signals) emitter.off(name, listener);
  };
  emitter.on('uncaughtExceptionMonitor', uncaught);
  // In version 4 a listener would keep a process alive that ends without it: its rejections reach the monitor.
  if (isV3) emitter.prependListener('unhandledRejection', once);
  emitter.prependListener('exit', exiting);
  for (const { name, listener } of signals) emitter.on(name, listener);
  return disarm;
}

function post({ outcome, requestId, poster }: Held): void {
  if ('streamed' in outcome) return;
  try {
    if ('error' in outcome) poster.postInvocationError(outcome.error, requestId, nothing);
    else respond(poster, outcome.value, requestId);
  } catch {
    // The process ends as it would have; there is nobody left to tell.
  }
}

/** A value that cannot be serialised is an error of the invocation in both clients. */
function respond(poster: Poster, value: unknown, requestId: string): void {
  try {
    poster.postInvocationResponse(value, requestId, nothing);
  } catch (error) {
    poster.postInvocationError(error, requestId, nothing);
  }
}

/**
 * An invocation is over when the runtime asks for the next one (RIE internal/lambda/rapid/handlers.go,
 * AwaitRuntimeReady).
 */
function sayReady({ poster, isShared }: Held): void {
  if (isShared) return;
  try {
    poster.nextInvocation().catch(nothing);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SEND_MS);
  } catch {
    // as above
  }
}

/** The client that calls the handler; undefined where somebody else does, who may still change the answer. */
export function clientOf(caller: unknown): Pick<Held, 'poster' | 'isV3'> | undefined {
  try {
    // Version 3 calls the handler as a method of its Runtime, version 4 as one of a processor that has a lifecycle.
    const { handler, client, lifecycle } = caller as {
      handler?: unknown;
      client?: unknown;
      lifecycle?: { client?: unknown };
    };
    const poster = (lifecycle === undefined ? client : lifecycle.client) as Partial<Poster> | undefined;
    const posts =
      typeof poster?.postInvocationResponse === 'function' && typeof poster.postInvocationError === 'function';
    if (!isWrapped(handler) || !posts || typeof poster.nextInvocation !== 'function') return undefined;
    return { poster: poster as Poster, isV3: lifecycle === undefined };
  } catch {
    return undefined;
  }
}
