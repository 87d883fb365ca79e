/**
 * The end of a sandbox. The runtime has gone before the extension hears of it (RIE internal/lambda/rapid/shutdown.go),
 * so its processes are what was seen last; /tmp is there still. Two seconds in all, of which the runtime may have used
 * 0.6.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cause } from '../../contracts/evidence.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import type { ShutdownEvent } from '../../lambda/extensions-api.ts';
import { endingOf } from '../../trigger/shutdown.ts';
import { lastLook } from './black-box.ts';
import { configAtTheEnd, startCapture } from './capture.ts';
import type { ExtensionState } from './state.ts';
import { lastOrder } from './orders.ts';
import { many } from '../../many.ts';

/**
 * Between the hard stop of the capture and SIGKILL: the last slice, the log line, the exit, by a thread that may get a
 * slice of CPU every 20 ms.
 */
const EXIT_MS = 200;
/** What is left where the clock makes no sense of the event's deadline: 2,000 ms less the runtime's share of 600. */
const LEAST_MS = 1400;
const MAX_MS = 2000;
/**
 * A capture that is under way when SHUTDOWN comes may close in this part of the time. It has most of what there is to
 * have.
 */
const SHARE_OF_RUNNING = 0.6;

/**
 * The caller of an invocation that crashed is answered when the extensions have ended. He is told of a timeout where
 * that takes longer than his invocation has (RIE internal/lambda/rapidcore/server.go, Invoke): so much is left of it.
 */
const ANSWER_MS = 100;
/** The exit from a capture that the invocation bounds: nothing is killed when it is late. */
const LATE_EXIT_MS = 50;
/** Less than this holds no capture of the end: the caller is answered at once. */
const LEAST_CRASH_MS = 200;

/** Captures what is left, by policy. Ends in time, and never rejects. */
export async function atShutdown(state: ExtensionState, event: ShutdownEvent): Promise<void> {
  clearTimeout(state.timers.deadline);
  clearInterval(state.timers.scan);
  const { open } = state.captures;
  const { cause, policy } = endingOf(event.reason, lastWord(state), state.config);
  const wholeMs = Date.now() + leftMs(event.deadlineMs);
  const answerMs = cause.trigger === 'crash' ? answerDue(state, Date.now()) : undefined;
  const isBound = answerMs !== undefined && answerMs < wholeMs - EXIT_MS;
  const endMs = isBound ? answerMs : wholeMs;
  const exitMs = isBound ? LATE_EXIT_MS : EXIT_MS;
  if (endMs - Date.now() < LEAST_CRASH_MS) {
    state.captures.running?.stopper.abort(new AmberError('CAPTURE_ABORTED', 'the end of the sandbox came'));
    state.limiter.logRefusal(
      cause,
      new AmberError(
        'CAPTURE_LIMITED',
        `${String(Math.max(0, endMs - Date.now()))} ms are left of the invocation that crashed: its caller ` +
          'is answered with that error at once',
        { details: { limit: 'answer' } },
      ),
    );
    return;
  }
  const [under] = await Promise.all([settle(state, endMs), lastOrder(state)]);
  if (state.control?.stopped() === true) return;
  lastLook(state);
  const ordered = [...open].some((one) => one.startsWith('order '));
  if ((policy === 'off' && !ordered) || (under === 'whole' && open.size === 0)) return;
  const due = dueAtTheEnd(state, cause, { contents: policy === 'contents' });
  if (due === undefined) return;
  const start = startCapture(state, {
    cause: due.cause,
    config: configAtTheEnd(state, { contents: due.contents }),
    hardStopMs: endMs - exitMs,
    last: true,
  });
  if (!isAmberError(start)) await Promise.race([start.ended, sleep(Math.max(0, endMs - exitMs / 2 - Date.now()))]);
  // What the destination did not take is parked as soon as its put has failed.
  await Promise.race([Promise.allSettled(state.parking.pending), sleep(Math.max(0, endMs - exitMs / 4 - Date.now()))]);
}

/**
 * When the answer of the invocation in progress is due; undefined where nobody waits for one: answered, or out of time.
 */
function answerDue({ invocation }: ExtensionState, nowMs: number): number | undefined {
  const deadlineMs = invocation?.event.deadlineMs;
  if (deadlineMs === undefined || deadlineMs <= nowMs || invocation?.done?.status === 'success') return undefined;
  return deadlineMs - ANSWER_MS;
}

interface Due {
  readonly cause: Cause;
  readonly contents: boolean;
}

/**
 * What is captured, and why. A finding or an order that is open makes it contents. Without one, the captures after
 * crashes are counted across the lives of the sandbox. One line says so of what is not captured.
 */
function dueAtTheEnd(
  state: ExtensionState,
  cause: Cause,
  { contents }: { readonly contents: boolean },
): Due | undefined {
  const {
    captures: { open },
    resets,
    config: { maxCaptures },
  } = state;
  const because = (why: string): Cause => ({ ...cause, reason: `${cause.reason}; ${why}` });
  const nowMs = Date.now();
  const allowed = cause.trigger === 'crash' && open.size === 0 ? resets.allowed(maxCaptures, nowMs) : 'all';
  const counted =
    `${many(resets.captured(nowMs), 'capture')} after crashes of this sandbox in the last hour ` +
    '(AMBER_MAX_CAPTURES), by its own record';
  if (allowed === 'nothing') {
    state.limiter.logRefusal(
      cause,
      new AmberError('CAPTURE_LIMITED', `${counted}; the next in ten minutes`, { details: { limit: 'resets' } }),
    );
    return undefined;
  }
  if (cause.trigger === 'crash') resets.note(nowMs);
  if (open.size > 0) return { cause: because(`open: ${[...open].slice(0, 3).join(', ')}`), contents: true };
  return allowed === 'inventory' && contents
    ? { cause: because(`without contents: ${counted}`), contents: false }
    : { cause, contents };
}

/** The platform's deadline is a wall clock time, and the clock may jump between the two processes that read it. */
export function leftMs(deadlineMs: number | undefined, nowMs: number = Date.now()): number {
  const left = (deadlineMs ?? 0) - nowMs;
  return left > 0 && left <= MAX_MS ? left : LEAST_MS;
}

/**
 * Lets a capture that runs close: `whole` if it did, and it was one of this invocation's processes while they lived.
 */
async function settle({ captures: { running } }: ExtensionState, endMs: number): Promise<'whole' | undefined> {
  if (running === undefined) return undefined;
  running.stopper.abort(new AmberError('CAPTURE_ABORTED', 'the end of the sandbox came'));
  const report = await Promise.race([
    running.ended,
    sleep(Math.max(0, (endMs - Date.now()) * SHARE_OF_RUNNING), undefined),
  ]);
  return report?.state === 'whole' ? 'whole' : undefined;
}

function lastWord({ invocation }: ExtensionState): string | undefined {
  if (invocation?.done === undefined || invocation.done.status === 'success') return undefined;
  const { status, errorType } = invocation.done;
  return errorType === undefined ? status : `${status} ${errorType}`;
}
