/** When the platform will end this invocation. */

/** More than this is no deadline of Lambda: asynchronous invocations of Managed Instances may take 90 minutes. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * The deadline of an invocation, in milliseconds since the epoch.
 *
 * @param context - what the handler got. Tests and local runners make their own: the method may be absent, throw, or
 *   answer with anything; then there is no deadline.
 * @param nowMs - the time by the same clock that the deadline will be compared with.
 */
export function deadlineOf(context: unknown, nowMs: number = Date.now()): number | undefined {
  if (typeof context !== 'object' || context === null) return undefined;
  try {
    const ask = (context as { getRemainingTimeInMillis?: unknown }).getRemainingTimeInMillis;
    if (typeof ask !== 'function') return undefined;
    const remaining: unknown = Reflect.apply(ask, context, []);
    if (typeof remaining !== 'number' || !Number.isFinite(remaining) || Math.abs(remaining) > LONGEST_MS)
      return undefined;
    return nowMs + remaining;
  } catch {
    return undefined;
  }
}
