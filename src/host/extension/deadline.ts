/**
 * Before an invocation runs out of time its processes are captured while they still live. The extension has a thread of
 * its own, so a handler that blocks its event loop cannot keep it from that. No timer in the handler's process would
 * fire.
 */
import { isAmberError } from '../../errors.ts';
import { deadline } from '../../trigger/deadline.ts';
import { flag } from '../../trigger/flag.ts';
import { startCapture } from './capture.ts';
import type { ExtensionState, InvocationRecord } from './state.ts';
import type { Config } from '../../contracts/evidence.ts';

/** The longest delay that a timer of Node takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** A timer that fires so late was frozen: the event of a new invocation may be on its way, and replaces it. */
const LATE_MS = 50;

/** Milliseconds before the deadline at which the capture starts; 0: nothing asks for one. */
export function leadMs(config: Config, totalMs: number, { wanted }: { readonly wanted: boolean }): number {
  if (config.deadlineMs > 0) return Math.min(config.deadlineMs, totalMs - 1);
  return wanted ? Math.min(flag.leadMs?.(config, totalMs) ?? 0, totalMs - 1) : 0;
}

/** Sets the timer of this invocation; the one of the last is cleared. */
export function watchDeadline(state: ExtensionState, invocation: InvocationRecord): void {
  clearTimeout(state.timers.deadline);
  state.timers.deadline = undefined;
  const { own, hinted, open } = state.captures;
  const { deadlineMs } = invocation.event;
  if (deadlineMs === undefined) return;
  const totalMs = deadlineMs - Date.now();
  // `now` asks for a capture of the sandbox, whatever becomes of its first invocation; an open finding or order does
  // too.
  const lead = leadMs(state.config, totalMs, {
    wanted: open.size > 0 || (state.config.capture === 'now' && own.captures + hinted.captures === 0),
  });
  if (lead <= 0) return;
  arm(state, invocation, deadlineMs - lead);
}

function arm(state: ExtensionState, invocation: InvocationRecord, dueMs: number): void {
  state.timers.deadline = setTimeout(
    fire,
    Math.min(Math.max(0, dueMs - Date.now()), LONGEST_TIMER_MS),
    state,
    invocation,
    dueMs,
  );
}

function fire(state: ExtensionState, invocation: InvocationRecord, dueMs: number): void {
  if (invocation.done !== undefined || state.invocation !== invocation) return;
  const { deadlineMs = 0 } = invocation.event;
  const remainingMs = deadlineMs - Date.now();
  if (remainingMs <= 0) return;
  if (Date.now() - dueMs > LATE_MS) {
    arm(state, invocation, Date.now() + 5);
    return;
  }
  const config = state.config.deadlineMs > 0 ? state.config : { ...state.config, deadlineMs: remainingMs };
  const cause = deadline.fires({ at: 'near-deadline', invocation: invocation.number, remainingMs }, config);
  if (cause === undefined) return;
  // Half of the margin of an in-process capture: nobody's answer has to be passed on here.
  const start = startCapture(state, {
    cause,
    config: state.config,
    hardStopMs: deadlineMs - Math.min(state.config.marginMs, remainingMs / 4),
  });
  if (isAmberError(start)) state.limiter.logRefusal(cause, start);
  else state.captures.open.clear();
}
