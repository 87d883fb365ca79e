/**
 * One invocation under watch: from the call of the handler to the moment it settles. All state of an invocation lives
 * here, because Managed Instances run several at once.
 */
import type { Cause, InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { defined } from '../../defined.ts';
import { deadlineOf } from '../../lambda/deadline.ts';
import { ask, type HostSetup, type TrackedInvocation } from './setup.ts';
import { invocationFacts, lambdaContext } from './facts.ts';
import { awaitOrders, beginOrders, ordersFor, spend } from '../orders/orders.ts';
import { startCapture } from './start.ts';
import { fault } from '../environment.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with
// it.
const { clearTimeout, setTimeout } = globalThis;

/** The longest delay that a timer of Node takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer may fire a little early: what was due within this has been asked. */
const SLACK_MS = 5;

/** How the handler failed. A wrapper object, because `undefined` can be thrown too. */
export interface Failure {
  readonly error: unknown;
  /**
   * Thrown before anything was waited for: the client shows another stack of its own where that becomes a rejection.
   */
  readonly atOnce?: true;
}

/**
 * Begins to watch; undefined if another host watches this invocation already (a wrapper around a wrapper, middy
 * within).
 */
export function trackInvocation(
  setup: HostSetup,
  number: number,
  event: unknown,
  context: unknown,
): TrackedInvocation | undefined {
  if (typeof context === 'object' && context !== null) {
    if (setup.state.watched.has(context)) return undefined;
    setup.state.watched.add(context);
  }
  setup.state.inFlight += 1;
  const nowMs = setup.near.length === 0 ? 0 : Date.now();
  const deadlineMs = setup.near.length === 0 ? undefined : deadlineOf(lambdaContext(context), nowMs);
  const totalMs = (deadlineMs ?? nowMs) - nowMs;
  const tracked: TrackedInvocation = {
    setup,
    event,
    context,
    number,
    deadlineMs,
    totalMs,
    open: true,
    isOver: undefined,
    timer: undefined,
    capture: undefined,
    isQuiet: false,
    caller: undefined,
    streams: false,
    asking: undefined,
    order: undefined,
  };
  if (deadlineMs !== undefined) setTimer(tracked, totalMs);
  setup.changeMonitor?.opened(tracked);
  beginOrders(
    tracked,
    () => facts(tracked, undefined),
    () => {
      if (tracked.isQuiet) returned(tracked); // an answer by the context is not seen, so there may be no later moment
    },
  );
  return tracked;
}

/** Ends the watch without asking anybody: the invocation is over, and how it went is not known. */
export function endTracking(tracked: TrackedInvocation): void {
  if (!tracked.open) return;
  tracked.open = false;
  tracked.setup.state.inFlight -= 1;
  if (tracked.timer !== undefined) clearTimeout(tracked.timer);
  tracked.timer = undefined;
  if (typeof tracked.context === 'object' && tracked.context !== null)
    tracked.setup.state.watched.delete(tracked.context);
  tracked.setup.changeMonitor?.settled(tracked);
}

/**
 * The handler has settled. Asks the triggers, and starts a capture if one fires. Later calls for the same invocation
 * only give the capture that runs. Never throws.
 *
 * @returns what to wait for before the result is passed on (it never rejects), or undefined: pass it on now.
 */
export function settle(tracked: TrackedInvocation, failure?: Failure): Promise<unknown> | undefined {
  if (!tracked.open) return tracked.capture;
  endTracking(tracked);
  if (tracked.capture !== undefined) return tracked.capture;
  const wait = awaitOrders(tracked, { atOnce: failure?.atOnce === true });
  if (wait === undefined) return consider(tracked, failure);
  tracked.capture = wait.then(() => {
    tracked.capture = undefined;
    return consider(tracked, failure);
  });
  return tracked.capture;
}

/** The handler has returned, but its result comes by a callback: captures if that is what a trigger waits for. */
export function returned(tracked: TrackedInvocation): void {
  if (tracked.open && tracked.capture === undefined) void consider(tracked, undefined);
}

function consider(tracked: TrackedInvocation, failure: Failure | undefined): Promise<unknown> | undefined {
  const { setup, number: invocation } = tracked;
  try {
    const orders = pending(tracked, failure);
    const cause =
      (failure === undefined
        ? undefined
        : ask(setup, setup.failed, { at: 'failed', invocation, error: failure.error, ...orders })) ??
      ask(setup, setup.settled, { at: 'settled', invocation, ...orders });
    return cause === undefined ? undefined : begin(tracked, cause, failure, orders.orders);
  } catch (error) {
    fault(setup.environment, 'settle', error);
    return undefined;
  }
}

interface Pending {
  readonly orders?: readonly OrderedCapture[];
}

function pending(tracked: TrackedInvocation, failure: Failure | undefined): Pending {
  const orders = ordersFor(tracked, () => facts(tracked, failure));
  return defined({ orders });
}

function begin(
  tracked: TrackedInvocation,
  cause: Cause,
  failure: Failure | undefined,
  orders: Pending['orders'],
): Promise<unknown> | undefined {
  const ordered = orders?.find((one) => one.cause === cause);
  const start = startCapture(tracked.setup, cause, facts(tracked, failure), ordered);
  if (!start.begun) {
    tracked.setup.limiter.logRefusal(cause, start.refused);
    return undefined;
  }
  spend(tracked, ordered);
  tracked.capture = start.freed.then(() => {
    tracked.capture = undefined;
  });
  return tracked.capture;
}

/**
 * Detectors have found something. An invocation that still runs is answered after the capture. One that has answered
 * may still wait for an empty event loop, which the capture fills (a callback of aws-lambda-ric 3): until it has
 * passed, its deadline counts.
 *
 * @returns false if too little was left for a capture, so that it is to be tried again in the next invocation.
 */
export function beginFound(tracked: TrackedInvocation, cause: Cause): boolean {
  const known = facts(tracked, undefined);
  const isBinding = tracked.open || (known.deadlineMs !== undefined && known.deadlineMs > Date.now());
  const start = startCapture(tracked.setup, cause, isBinding ? known : { ...known, deadlineMs: undefined });
  if (!start.begun) {
    tracked.setup.limiter.logRefusal(cause, start.refused);
    return start.refused.details['limit'] !== 'budget';
  }
  if (!tracked.open) return true;
  tracked.capture = start.freed.then(() => {
    tracked.capture = undefined;
  });
  return true;
}

function facts(tracked: TrackedInvocation, failure: Failure | undefined): InvocationFacts {
  const { setup, context, number } = tracked;
  return invocationFacts({
    context,
    number,
    deadlineMs: tracked.deadlineMs ?? deadlineOf(lambdaContext(context)),
    concurrent: setup.state.inFlight - (tracked.open ? 1 : 0),
    ...(setup.config.includeEvent ? { event: tracked.event } : {}),
    ...failure,
  });
}

/** Sets the timer to the next moment at which one of the near-deadline triggers wants to be asked. */
function setTimer(tracked: TrackedInvocation, remainingMs: number): void {
  const { setup, totalMs } = tracked;
  let nextMs = 0;
  for (const trigger of setup.near) {
    if (trigger.once === true && setup.state.captures > 0) continue;
    // A lead longer than the whole invocation means its beginning.
    const leadMs = Math.min(trigger.leadMs?.(setup.config, totalMs) ?? 0, totalMs - 1);
    if (leadMs < remainingMs) nextMs = Math.max(nextMs, leadMs);
  }
  if (nextMs === 0) return;
  tracked.timer = setTimeout(nearDeadline, Math.min(remainingMs - nextMs, LONGEST_TIMER_MS), tracked);
  tracked.timer.unref();
}

function nearDeadline(tracked: TrackedInvocation): void {
  tracked.timer = undefined;
  const { setup, deadlineMs, number: invocation } = tracked;
  const remainingMs = (deadlineMs ?? 0) - Date.now();
  // A sandbox that was frozen after it had answered wakes up with old timers: their invocation is long over.
  if (!tracked.open || tracked.isOver?.() === true || tracked.capture !== undefined || remainingMs <= 0) return;
  try {
    const orders = pending(tracked, undefined);
    const cause = ask(setup, setup.near, { at: 'near-deadline', invocation, remainingMs, ...orders });
    if (cause === undefined || begin(tracked, cause, undefined, orders.orders) === undefined)
      setTimer(tracked, remainingMs - SLACK_MS);
  } catch (error) {
    fault(setup.environment, 'deadline', error);
  }
}
