/** Keeps our own requests below the quotas of the account, which the responder shares with production. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until one more request may go out. Rejects when the signal aborts. */
export type Pace = (signal: AbortSignal) => Promise<void>;

/**
 * A token bucket, kept as the time at which it would be empty (GCRA): `perSecond` on average, up to `burst` at once,
 * in the order in which they asked.
 */
export function tokenBucket(perSecond: number, burst = 1): Pace {
  const interval = 1000 / perSecond;
  const tolerance = (burst - 1) * interval;
  let emptyAt = 0;
  return async (signal) => {
    const now = performance.now();
    const start = Math.max(now, emptyAt - tolerance);
    emptyAt = Math.max(emptyAt, now) + interval;
    if (start > now) await sleep(start - now, undefined, { signal });
    else signal.throwIfAborted();
  };
}

/**
 * Requests per second by service and operation; the first that fits counts. Lambda: "Lambda quotas" (GetFunction 100,
 * the rest of the control plane 15 for all of them together). LookupEvents: 2, "CloudTrail quotas". FilterLogEvents and
 * DescribeLogStreams: 5 in the smallest Regions, "CloudWatch Logs quotas". IAM, STS and GuardDuty state none: kept low.
 */
const RATES: readonly (readonly [service: string, operation: RegExp, perSecond: number, burst: number])[] = [
  ['lambda', /^GetFunction$/u, 100, 10],
  ['lambda', /./u, 15, 5],
  ['cloudtrail', /^LookupEvents$/u, 2, 1],
  ['logs', /^(?:Filter|Get|Describe)/u, 5, 5],
  ['', /./u, 10, 5],
];

/** Gives the bucket of an operation; operations without a rate of their own share one by service. */
export function paces(): (service: string, operation: string) => Pace {
  const made = new Map<string, Pace>();
  return (service, operation) => {
    const index = RATES.findIndex(([of, pattern]) => (of === '' || of === service) && pattern.test(operation));
    const [, , perSecond, burst] = RATES[index] ?? ['', /./u, 10, 5];
    const key = `${service}#${index}`;
    const pace = made.get(key) ?? tokenBucket(perSecond, burst);
    made.set(key, pace);
    return pace;
  };
}
