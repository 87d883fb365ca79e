/**
 * When the control object is read in process: at init, and at the beginning of invocations under the TTL, beside the
 * handler. What a read brings counts as soon as it is there: in its own invocation if the handler takes that long, else
 * in the next. All that reads is loaded only where AMBER_CONTROL is set.
 */
import type { InvocationFacts, OrderedCapture, Config } from '../../contracts/evidence.ts';
import { isAmberError, type AmberError } from '../../errors.ts';
import type { Control, OpenControl } from './control.ts';
import { shared, type SandboxState } from '../limits/state.ts';
import type { HostEnvironment } from '../environment.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with
// it.
const { clearTimeout, setTimeout } = globalThis;

/** Longest time of one read. The handler runs meanwhile. */
const READ_MS = 2000;
/** A read that is older than this when an invocation begins was frozen in between: its connection is dead. */
const STALE_MS = 1000;
/**
 * An answer waits so long, at most, for a read that was begun before its invocation: a handler that is always quicker
 * than the read would otherwise never let one end. Not again after a wait that brought nothing, until a read has
 * succeeded.
 */
const HOLD_MS = 150;
/** In an invocation that lasts, the object is read again under the TTL; not more often than this. */
const LEAST_AGAIN_MS = 1000;

export interface ControlPoller {
  /**
   * An invocation begins (1 also for init: the first invocation waits for nothing). `isQuiet`: its client waits for an
   * empty event loop before it takes the answer.
   */
  readonly begin: (invocation: number, isQuiet: () => boolean) => void;
  /** What the answer of this invocation has to wait for, at most {@link HOLD_MS}; undefined: nothing. */
  readonly pendingRead: (invocation: number, leftMs: number) => Promise<unknown> | undefined;
  /** The answer goes out to a client that waits for an empty event loop: lets go of a read that still runs. */
  readonly cancelRead: () => void;
  /** The order that is due, if one is held at all. */
  readonly due: (facts: () => InvocationFacts) => OrderedCapture | undefined;
  readonly markConsumed: (ordered: OrderedCapture) => void;
  readonly stopped: () => boolean;
  /**
   * Reads on while a capture runs, and calls `stop` with a reason to end it when a signed order to stop comes. @returns
   * what to call at its end.
   */
  readonly watchForStop: (stop: (reason: AmberError) => void) => () => void;
}

const kept = shared<ControlPoller>('checks');

/** The checks of this sandbox, one for all hosts in it; undefined where AMBER_CONTROL is not set. */
export function pollerFor(
  config: Config,
  state: SandboxState,
  environment: HostEnvironment,
): ControlPoller | undefined {
  if (config.control === undefined || config.capture === 'off') return undefined;
  const open = environment.control ?? (async () => (await import('./control.ts')).openControl(config, environment));
  const poller = kept.get(state) ?? makePoller(open, state, config, environment);
  kept.set(state, poller);
  return poller;
}

interface Read {
  readonly startedMs: number;
  /** The invocation that first wanted it. */
  readonly since: number;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

/** All that is kept between invocations. */
interface PollerState {
  readonly open: OpenControl;
  readonly state: SandboxState;
  readonly config: Config;
  readonly environment: HostEnvironment;
  control: Control | undefined;
  opening: Promise<Control | undefined> | undefined;
  running: Read | undefined;
  /** The invocation that wanted a read which was let go. */
  owed: number | undefined;
  /** False after a wait that brought nothing, until a read succeeds. */
  patient: boolean;
  isQuiet: () => boolean;
  again: NodeJS.Timeout | undefined;
}

function makePoller(
  open: OpenControl,
  state: SandboxState,
  config: Config,
  environment: HostEnvironment,
): ControlPoller {
  const poller: PollerState = {
    open,
    state,
    config,
    environment,
    control: undefined,
    opening: undefined,
    running: undefined,
    owed: undefined,
    patient: true,
    isQuiet: () => false,
    again: undefined,
  };
  return {
    begin: (invocation, isQuiet) => {
      poller.isQuiet = isQuiet;
      begin(poller, invocation);
    },
    pendingRead: (invocation, leftMs) => {
      const { running, control } = poller;
      if (running === undefined || running.since >= invocation || !poller.patient || control?.lastRead() === 'failed')
        return undefined;
      return within(poller, running.ended, Math.max(0, Math.min(HOLD_MS, leftMs)));
    },
    cancelRead: () => {
      poller.owed = poller.running?.since ?? poller.owed;
      drop(poller);
    },
    due: (facts) => (poller.control?.isPending() === true ? poller.control.due(facts()) : undefined),
    markConsumed: (ordered) => poller.control?.markConsumed(ordered),
    stopped: () => poller.control?.stopped() === true,
    watchForStop: (stop) => watchForStop(poller, stop),
  };
}

function begin(poller: PollerState, invocation: number): void {
  const { running, control } = poller;
  const nowMs = Date.now();
  if (running !== undefined) {
    if (nowMs - running.startedMs < STALE_MS) return;
    drop(poller);
    control?.dropConnections();
    start(poller, running.since);
  } else if (poller.owed !== undefined || control === undefined || nowMs >= control.nextMs()) {
    start(poller, poller.owed ?? invocation);
  }
}

function start(poller: PollerState, since: number): void {
  poller.owed = undefined;
  const stop = new AbortController();
  // Behind what the runtime client does on this stack: then the handler has been called, and it is known how it
  // answers.
  const ended = Promise.resolve()
    .then(() => run(poller, read))
    .catch(() => undefined);
  const read: Read = { startedMs: Date.now(), since, stop, ended };
  poller.running = read;
}

async function run(poller: PollerState, read: Read): Promise<void> {
  const quiet = poller.isQuiet();
  const control = poller.control ?? (await opened(poller));
  await control?.check(READ_MS, undefined, { fresh: true, background: true, quiet, signal: read.stop.signal });
  if (control?.lastRead() === 'good') poller.patient = true;
  if (poller.running !== read) return; // it was dropped, and another one may run
  poller.running = undefined;
  if (control?.nextMs() === 0) poller.owed = read.since; // it was cut, and what it was to bring is still wanted
  readAgain(poller);
}

function opened(poller: PollerState): Promise<Control | undefined> {
  return (poller.opening ??= poller.open().then(
    (made) => (poller.control = made),
    (error: unknown) => {
      poller.environment.log('fault', {
        where: 'control',
        error: isAmberError(error) ? error.message : 'the channel could not be opened',
      });
      return undefined;
    },
  ));
}

/** An invocation that lasts gets to know of orders as well. */
function readAgain(poller: PollerState): void {
  clearTimeout(poller.again);
  if (poller.state.inFlight === 0) return;
  poller.again = setTimeout(
    () => {
      if (poller.state.inFlight > 0 && poller.running === undefined) start(poller, poller.state.invocations);
    },
    Math.max(LEAST_AGAIN_MS, poller.config.controlTtlMs),
  );
  poller.again.unref();
}

function drop(poller: PollerState): void {
  poller.running?.stop.abort();
  poller.running = undefined;
}

/** The timer keeps the event loop alive: an answer is held, and a callback runtime must not find the loop empty. */
function within(poller: PollerState, ended: Promise<unknown>, ms: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      poller.patient = false;
      resolve(undefined);
    }, ms);
    void ended.then(() => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

function watchForStop({ control, config }: PollerState, stop: (reason: AmberError) => void): () => void {
  let end: (() => void) | undefined;
  let isOver = control === undefined;
  if (control !== undefined) {
    void import('./stop-order.ts').then(({ watchForStopOrder }) => {
      if (!isOver) end = watchForStopOrder({ control, ttlMs: config.controlTtlMs, facts: () => undefined, stop });
    });
  }
  return () => {
    isOver = true;
    end?.();
  };
}
