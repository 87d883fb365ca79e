/**
 * What all copies of Amber in one process share: a function may bundle the package and have the layer's copy beside it
 * (datadog-lambda-js issue 500). Still there is one sandbox, one capture at a time, one cap.
 *
 * A worker thread of Managed Instances has a global object of its own, so it counts for itself.
 * host/monitor/process-lock.ts sees to it that they do not capture side by side.
 */

import type { Progress } from './invocation-progress.ts';

const KEY = Symbol.for('lambda-amber.state');
const VERSION = 3;

/** Counts of this sandbox. Written by hosts only. */
export interface SandboxState {
  readonly version: number;
  /** Invocations that have begun; 1 during the first. */
  invocations: number;
  /** Watched invocations that have not settled. */
  inFlight: number;
  /** Captures that were started. */
  captures: number;
  /** True from the start of a capture until the engine has answered. */
  running: boolean;
  /** When the last capture ended, milliseconds since the epoch; 0 = never. */
  endedMs: number;
  /** Contexts of invocations that a host watches already, so that a wrapper around a wrapper stays out of it. */
  readonly watched: WeakSet<object>;
  /** The invocation in progress; absent where an older copy of the package has made this. */
  progress?: Progress;
  /** What is said or done once in a sandbox: log lines of a kind, the listener for uncaught errors. */
  readonly done: Set<string>;
  /**
   * What is kept for all hosts of the sandbox, by {@link shared}: made by the copy that needs it first, used by every
   * other.
   */
  readonly kept: Map<string, unknown>;
}

/** What is kept in a sandbox, by its name. The version of the state covers the shape of each. */
export interface Kept<T> {
  readonly get: (state: SandboxState) => T | undefined;
  readonly set: (state: SandboxState, value: T) => void;
}

/** One value in a sandbox for all copies of the package: a map of its own in each copy would make two of them. */
export function shared<T>(what: string): Kept<T> {
  return {
    get: (state) => state.kept.get(what) as T | undefined,
    set: (state, value) => void state.kept.set(what, value),
  };
}

/**
 * The state of this process, made at the first call.
 *
 * @param scope - the global object, except in tests
 * @returns undefined if another copy of the package keeps a state of another version: then that copy is in charge.
 */
export function sandboxState(scope: object = globalThis): SandboxState | undefined {
  const found = (scope as Record<symbol, SandboxState | undefined>)[KEY];
  if (found !== undefined) return found.version === VERSION ? found : undefined;
  const made = freshState();
  // Not enumerable: code that lists the globals sees what it saw without us.
  Object.defineProperty(scope, KEY, { value: made });
  return made;
}

/** The state of a sandbox in which nothing has happened. */
export function freshState(): SandboxState {
  return {
    version: VERSION,
    invocations: 0,
    inFlight: 0,
    captures: 0,
    running: false,
    endedMs: 0,
    watched: new WeakSet(),
    done: new Set(),
    kept: new Map(),
  };
}

/** True the first time that it is asked for `what`. The set is bounded by the few words that hosts use. */
export function firstTime(state: SandboxState, what: string): boolean {
  if (state.done.has(what)) return false;
  state.done.add(what);
  return true;
}
