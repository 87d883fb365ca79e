/** The proxy that stands for a handler, and what it notes of an invocation that nobody watches. */
import { WRAPPED } from './mark.ts';
import { note } from './progress.ts';
import type { SandboxState } from '../limits/state.ts';
import type { Progress } from '../limits/invocation-progress.ts';

export type Callable = (...args: unknown[]) => unknown;

/** Calls the handler in the proxy's place. */
export type Trap = (handler: Callable, self: unknown, args: unknown[]) => unknown;

/** How both runtime clients know a streaming handler (aws-lambda-ric 3 UserFunction.js, 4 user-function-loader.ts). */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

export function isStreaming(handler: Callable): boolean {
  return Boolean((handler as { [STREAMING]?: unknown })[STREAMING]);
}

export function contextIn(handler: Callable, args: readonly unknown[]): unknown {
  return isStreaming(handler) ? args[2] : args[1];
}

/**
 * A proxy of the handler. `begins` is asked at each call, before the call; undefined means that the handler is called
 * directly.
 */
export function proxied<H extends Callable>(handler: H, begins: () => Trap | undefined): H {
  const traps: ProxyHandler<H> = {
    has: (target, key) => key === WRAPPED || Reflect.has(target, key),
    get: (target, key, receiver): unknown => (key === WRAPPED ? true : Reflect.get(target, key, receiver)),
  };
  Object.defineProperty(traps, 'apply', { get: begins }); // ECMA-262 10.5.12
  return new Proxy(handler, traps);
}

/** Calls the handler, and keeps what it was called with. */
export function makeNoted(state: SandboxState, progress: Progress, fault: (error: unknown) => void): Trap {
  return (handler, self, args) => {
    try {
      note(progress, { context: contextIn(handler, args), event: args[0], number: state.invocations });
    } catch (error) {
      fault(error);
    }
    return Reflect.apply(handler, self, args);
  };
}
