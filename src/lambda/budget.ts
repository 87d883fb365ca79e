/** What a capture may use: time, bytes, and the main thread in slices. Measured on the monotonic clock. */
import { setImmediate } from 'node:timers';
import type { Budget } from '../contracts/evidence.ts';
import { isAmberError, type AmberError } from '../errors.ts';

export interface BudgetLimits {
  /** Milliseconds from now until collecting stops. */
  readonly collectMs: number;
  /**
   * Milliseconds from now until the commit marker is written, whatever is not acknowledged by then; default is the end.
   */
  readonly commitMs?: number;
  /** Milliseconds from now until everything has ended, shipping and commit included. */
  readonly totalMs: number;
  readonly bytes: number;
  readonly sliceMs: number;
}

export interface RunningBudget extends Budget {
  /** Aborted when nothing may go on, shipping included. `signal` (collecting) is aborted before. */
  readonly hardStop: AbortSignal;
  /** Aborted when the commit marker is due. */
  readonly commitBy: AbortSignal;
  readonly spend: (bytes: number) => void;
  /** Ends collecting now: there is no place for what would come, or a host has a reason, which the manifest gives. */
  readonly stop: (reason?: AmberError) => void;
  /** Keeps the event loop alive no longer; the limits stay. */
  readonly release: () => void;
  /** Frees the timers. */
  readonly end: () => void;
}

export function startBudget(limits: BudgetLimits): RunningBudget {
  const collecting = new AbortController();
  const committing = new AbortController();
  const everything = new AbortController();
  const startedMs = performance.now();
  let bytes = limits.bytes;
  let sliceStartedMs = startedMs;
  const timers = [
    setTimeout(() => collecting.abort(), Math.max(0, limits.collectMs)),
    setTimeout(() => committing.abort(), Math.max(0, limits.commitMs ?? limits.totalMs)),
    setTimeout(() => everything.abort(), Math.max(0, limits.totalMs)),
  ];
  // A timer fires late when the main thread is busy with our own slices, so the clock is asked as well.
  const expire = (now: number): void => {
    if (now - startedMs >= limits.collectMs && !collecting.signal.aborted) collecting.abort();
  };
  const yieldToEventLoop = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        sliceStartedMs = performance.now();
        resolve();
      });
    });
  return {
    signal: collecting.signal,
    hardStop: everything.signal,
    commitBy: committing.signal,
    remainingMs: () => Math.max(0, limits.collectMs - (performance.now() - startedMs)),
    remainingBytes: () => bytes,
    spend: (count) => {
      bytes = Math.max(0, bytes - count);
    },
    yieldIfDue: () => {
      const now = performance.now();
      if (now - sliceStartedMs < limits.sliceMs) return undefined;
      expire(now);
      return yieldToEventLoop();
    },
    stop: (reason) => collecting.abort(reason),
    release: () => {
      for (const timer of timers) timer.unref();
    },
    end: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Why collecting has ended, in words that go before `before it ran` and `after 3 items`. */
export function endOf({ reason }: AbortSignal): string {
  return isAmberError(reason) ? reason.message : 'the time budget ended';
}
