/** A signal that is aborted by the clock, of any number of milliseconds. */

/** The longest wait of a timer of Node, in milliseconds: 24.8 days. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Node refuses a fraction and a negative number with a RangeError, and what is left of an invocation may be either.
 *
 * @param ms - until the signal is aborted; NaN counts as 0
 * @see https://nodejs.org/api/globals.html#abortsignaltimeoutdelay
 */
export function signalAfter(ms: number): AbortSignal {
  // eslint-disable-next-line no-restricted-syntax -- whole and positive here
  return AbortSignal.timeout(Math.min(MAX_MS, Math.max(0, Math.ceil(ms) || 0)));
}
