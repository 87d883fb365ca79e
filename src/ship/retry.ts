/**
 * Attempts: how long each, how long between, and on until the time is used up: a store that is out for a second must
 * not cost evidence while there are 20 left. Our own, so that both transports behave alike and end in time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { faultFromError, faultWord, isTransient, mayHaveArrived } from './faults.ts';
import type { Fault, Reply } from './faults.ts';

/** All times in milliseconds. */
export interface RetryRules {
  /** Longest time of one attempt. */
  readonly attemptMs: number;
  /** The pause before attempt n is random between 0 and min(capMs, baseMs * 2^(n-1)): full jitter. */
  readonly baseMs: number;
  readonly capMs: number;
  /** The caller keeps the event loop alive himself, or wants it to end: no pause does. */
  readonly isFree?: boolean;
}

export interface Retried<T> {
  readonly reply: Reply<T>;
  readonly attempts: number;
  /** An attempt before the last one ended without an answer and may have been carried out. */
  readonly lost: boolean;
}

const ABORTED: Fault = { code: 'Aborted' };
const NOT_STARTED: Fault = { code: 'Aborted', unsent: true };

/** Rules for a body of this many bytes: an attempt has 3 s and 1 s more for each MiB. */
export function rulesFor(bytes: number): RetryRules {
  return { attemptMs: 3000 + Math.ceil(bytes / 1024), baseMs: 100, capMs: 2000 };
}

/**
 * Runs `once` until it succeeds, fails for good, or `signal` aborts, even if `once` does not look at its own signal.
 * Never throws.
 *
 * @param onPause - called before each pause, with the fault that it follows
 */
export async function retry<T>(
  once: (signal: AbortSignal, attempt: number) => Promise<Reply<T>>,
  rules: RetryRules,
  signal: AbortSignal,
  onPause?: (fault: Fault) => void,
): Promise<Retried<T>> {
  let lost = false;
  let before: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const reply = whyAborted(await attemptOnce((own) => once(own, attempt), rules.attemptMs, signal), before);
    if (reply.ok || !isTransient(reply.fault)) return { reply, attempts: attempt, lost };
    lost ||= mayHaveArrived(reply.fault);
    before = faultWord(reply.fault);
    onPause?.(reply.fault);
    const pause = Math.random() * Math.min(rules.capMs, rules.baseMs * 2 ** Math.min(attempt, 16));
    if (!(await pauseFor(pause, signal, { ref: rules.isFree !== true }))) return { reply, attempts: attempt, lost };
  }
}

/** An attempt that the end of the time cut off says nothing of the bucket: the fault before it does. */
function whyAborted<T>(reply: Reply<T>, before: string | undefined): Reply<T> {
  if (reply.ok || before === undefined || reply.fault.code !== ABORTED.code) return reply;
  return { ok: false, fault: { ...reply.fault, before } };
}

async function attemptOnce<T>(
  once: (signal: AbortSignal) => Promise<Reply<T>>,
  attemptMs: number,
  signal: AbortSignal,
): Promise<Reply<T>> {
  if (signal.aborted) return { ok: false, fault: NOT_STARTED };
  const attempt = new AbortController();
  const stop = Promise.withResolvers<Reply<T>>();
  const give = (fault: Fault): void => {
    stop.resolve({ ok: false, fault });
    attempt.abort();
  };
  const onAbort = (): void => give(ABORTED);
  const timer = setTimeout(
    () => give({ code: 'AttemptTimeout', reason: `no answer within ${String(attemptMs)} ms` }),
    attemptMs,
  );
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const running = once(attempt.signal).catch(
      (error: unknown): Reply<T> => ({ ok: false, fault: faultFromError(error) }),
    );
    return await Promise.race([running, stop.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    // frees what the attempt may still hold, such as a request that was answered before its body was sent
    attempt.abort();
  }
}

/** False if the signal ended the pause. */
async function pauseFor(ms: number, signal: AbortSignal, { ref }: { readonly ref: boolean }): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal, ref });
    return true;
  } catch {
    return false;
  }
}
