/**
 * One invocation under watch: from the call of the handler to the moment it settles. All state of an invocation lives
 * here, because Managed Instances run several at once.
 */
import type { Cause, InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { deadlineOf } from '../../lambda/deadline.ts';
import { ask, fault, type Armed } from './setup.ts';
import { invocationFacts, lambdaContext } from './facts.ts';
import { awaitOrders, beginOrders, ordersFor, spend } from '../orders/orders.ts';
import { logRefusal, startCapture } from './start.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with it.
const { clearTimeout, setTimeout } = globalThis;

/** The longest delay that a timer of Node takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer may fire a little early: what was due within this has been asked. */
const SLACK_MS = 5;

export interface Watch {
  readonly armed: Armed;
  readonly event: unknown;
  readonly context: unknown;
  /** 1 for the first invocation of this sandbox. */
  readonly number: number;
  readonly deadlineMs: number | undefined;
  /** What was left of the invocation when the watch began. */
  readonly totalMs: number;
  /** False once the invocation has settled. */
  open: boolean;
  /** For hosts that are not told of every end: true if the invocation has settled without them. */
  isOver: (() => boolean) | undefined;
  timer: NodeJS.Timeout | undefined;
  /** The capture that runs for this invocation: whoever passes its result on waits for it. */
  capture: Promise<unknown> | undefined;
  /** The client takes the answer when the event loop is empty (a callback of aws-lambda-ric 3), so nothing may fill it. */
  isQuiet: boolean;
  /** What calls the handler, where the host knows it: the client posts through it. */
  caller: unknown;
  /** The handler streams its answer. */
  streams: boolean;
  /** The order in the event is being judged. */
  asking: Promise<void> | undefined;
  /** What the event orders, and how it is told that this was carried out. */
  order: (OrderedCapture & { readonly token: string; readonly took: () => void }) | undefined;
}

/** How the handler failed. A wrapper object, because `undefined` can be thrown too. */
export interface Failure {
  readonly error: unknown;
  /** Thrown before anything was waited for: the client shows another stack of its own where that becomes a rejection. */
  readonly atOnce?: true;
}

/** Begins to watch; undefined if another host watches this invocation already (a wrapper around a wrapper, middy within). */
export function openWatch(armed: Armed, number: number, event: unknown, context: unknown): Watch | undefined {
  if (typeof context === 'object' && context !== null) {
    if (armed.state.watched.has(context)) return undefined;
    armed.state.watched.add(context);
  }
  armed.state.inFlight += 1;
  const nowMs = armed.near.length === 0 ? 0 : Date.now();
  const deadlineMs = armed.near.length === 0 ? undefined : deadlineOf(lambdaContext(context), nowMs);
  const totalMs = (deadlineMs ?? nowMs) - nowMs;
  const watch: Watch = {
    armed, event, context, number, deadlineMs, totalMs, open: true, isOver: undefined, timer: undefined, capture: undefined,
    isQuiet: false, caller: undefined, streams: false, asking: undefined, order: undefined,
  };
  if (deadlineMs !== undefined) setTimer(watch, totalMs);
  armed.guard?.opened(watch);
  beginOrders(watch, () => facts(watch, undefined), () => {
    if (watch.isQuiet) returned(watch); // an answer by the context is not seen, so there may be no later moment
  });
  return watch;
}

/** Ends the watch without asking anybody: the invocation is over, and how it went is not known. */
export function closeWatch(watch: Watch): void {
  if (!watch.open) return;
  watch.open = false;
  watch.armed.state.inFlight -= 1;
  if (watch.timer !== undefined) clearTimeout(watch.timer);
  watch.timer = undefined;
  if (typeof watch.context === 'object' && watch.context !== null) watch.armed.state.watched.delete(watch.context);
  watch.armed.guard?.settled(watch);
}

/**
 * The handler has settled. Asks the triggers, and starts a capture if one fires. Later calls for the same invocation
 * only give the capture that runs. Never throws.
 *
 * @returns what to wait for before the result is passed on (it never rejects), or undefined: pass it on now.
 */
export function settle(watch: Watch, failure?: Failure): Promise<unknown> | undefined {
  if (!watch.open) return watch.capture;
  closeWatch(watch);
  if (watch.capture !== undefined) return watch.capture;
  const wait = awaitOrders(watch, failure?.atOnce === true);
  if (wait === undefined) return consider(watch, failure);
  watch.capture = wait.then(() => {
    watch.capture = undefined;
    return consider(watch, failure);
  });
  return watch.capture;
}

/** The handler has returned, but its result comes by a callback: captures if that is what a trigger waits for. */
export function returned(watch: Watch): void {
  if (watch.open && watch.capture === undefined) void consider(watch, undefined);
}

function consider(watch: Watch, failure: Failure | undefined): Promise<unknown> | undefined {
  const { armed, number: invocation } = watch;
  try {
    const orders = pending(watch, failure);
    const cause =
      (failure === undefined ? undefined : ask(armed, armed.failed, { at: 'failed', invocation, error: failure.error, ...orders })) ??
      ask(armed, armed.settled, { at: 'settled', invocation, ...orders });
    return cause === undefined ? undefined : begin(watch, cause, failure, orders.orders);
  } catch (error) {
    fault(armed.ground, 'settle', error);
    return undefined;
  }
}

interface Pending {
  readonly orders?: readonly OrderedCapture[];
}

function pending(watch: Watch, failure: Failure | undefined): Pending {
  const orders = ordersFor(watch, () => facts(watch, failure));
  return orders === undefined ? {} : { orders };
}

function begin(watch: Watch, cause: Cause, failure: Failure | undefined, orders: Pending['orders']): Promise<unknown> | undefined {
  const ordered = orders?.find((one) => one.cause === cause);
  const start = startCapture(watch.armed, cause, facts(watch, failure), ordered);
  if (!start.begun) {
    logRefusal(watch.armed, cause, start.refused);
    return undefined;
  }
  spend(watch, ordered);
  watch.capture = start.freed.then(() => {
    watch.capture = undefined;
  });
  return watch.capture;
}

/**
 * Detectors have found something. An invocation that still runs is answered after the capture. One that has answered may
 * still wait for an empty event loop, which the capture fills (a callback of aws-lambda-ric 3): until it has passed, its
 * deadline counts.
 *
 * @returns false if too little was left for a capture, so that it is to be tried again in the next invocation.
 */
export function beginFound(watch: Watch, cause: Cause): boolean {
  const known = facts(watch, undefined);
  const isBinding = watch.open || (known.deadlineMs !== undefined && known.deadlineMs > Date.now());
  const start = startCapture(watch.armed, cause, isBinding ? known : { ...known, deadlineMs: undefined });
  if (!start.begun) {
    logRefusal(watch.armed, cause, start.refused);
    return start.refused.details['limit'] !== 'budget';
  }
  if (!watch.open) return true;
  watch.capture = start.freed.then(() => {
    watch.capture = undefined;
  });
  return true;
}

function facts(watch: Watch, failure: Failure | undefined): InvocationFacts {
  const { armed, context, number } = watch;
  return invocationFacts({
    context,
    number,
    deadlineMs: watch.deadlineMs ?? deadlineOf(lambdaContext(context)),
    concurrent: armed.state.inFlight - (watch.open ? 1 : 0),
    ...(armed.config.includeEvent ? { event: watch.event } : {}),
    ...failure,
  });
}

/** Sets the timer to the next moment at which one of the near-deadline triggers wants to be asked. */
function setTimer(watch: Watch, remainingMs: number): void {
  const { armed, totalMs } = watch;
  let nextMs = 0;
  for (const trigger of armed.near) {
    if (trigger.once === true && armed.state.captures > 0) continue;
    // A lead longer than the whole invocation means its beginning.
    const leadMs = Math.min(trigger.leadMs?.(armed.config, totalMs) ?? 0, totalMs - 1);
    if (leadMs < remainingMs) nextMs = Math.max(nextMs, leadMs);
  }
  if (nextMs === 0) return;
  watch.timer = setTimeout(nearDeadline, Math.min(remainingMs - nextMs, LONGEST_TIMER_MS), watch);
  watch.timer.unref();
}

function nearDeadline(watch: Watch): void {
  watch.timer = undefined;
  const { armed, deadlineMs, number: invocation } = watch;
  const remainingMs = (deadlineMs ?? 0) - Date.now();
  // A sandbox that was frozen after it had answered wakes up with old timers: their invocation is long over.
  if (!watch.open || watch.isOver?.() === true || watch.capture !== undefined || remainingMs <= 0) return;
  try {
    const orders = pending(watch, undefined);
    const cause = ask(armed, armed.near, { at: 'near-deadline', invocation, remainingMs, ...orders });
    if (cause === undefined || begin(watch, cause, undefined, orders.orders) === undefined) setTimer(watch, remainingMs - SLACK_MS);
  } catch (error) {
    fault(armed.ground, 'deadline', error);
  }
}
