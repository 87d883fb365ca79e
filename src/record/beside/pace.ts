/**
 * What the recorder of the extension may use of the CPU: a share of what the function has, and a burst. The rest waits
 * for the next invocation.
 */

/** Of the quota, for what happens while an invocation runs. */
const SHARE = 0.02;
/** CPU at once at a full core, milliseconds. */
const BURST_MS = 20;

export interface Pace {
  /** True while there is CPU left. */
  readonly allows: () => boolean;
  /** Does what is due in any case; it counts all the same. */
  readonly spend: (work: () => void) => void;
  /** The same for work that runs aside: an estimate, milliseconds. */
  readonly charge: (ms: number) => void;
  /** CPU until now, milliseconds. */
  readonly spentMs: () => number;
}

/** @param cores - cores that the function may use; one thread uses one of them at most */
export function openPace(cores: number, clock: Clock = CLOCK): Pace {
  const share = Math.min(1, cores);
  const most = BURST_MS * share;
  let credit = most;
  let filledMs = clock.nowMs();
  let spentMs = 0;
  const refill = (): void => {
    const nowMs = clock.nowMs();
    credit = Math.min(most, credit + Math.max(0, nowMs - filledMs) * SHARE * share);
    filledMs = nowMs;
  };
  // What must be done may use more than there is, and keeps the rest away no longer than a burst lasts.
  const charge = (ms: number): void => {
    spentMs += ms;
    credit = Math.max(-most, credit - ms);
  };
  return {
    allows: () => {
      refill();
      return credit > 0;
    },
    spend: (work) => {
      const before = clock.cpuMs();
      try {
        work();
      } finally {
        charge(Math.max(0, clock.cpuMs() - before));
      }
    },
    charge,
    spentMs: () => spentMs,
  };
}

/** Other than the real one for tests. */
export interface Clock {
  readonly nowMs: () => number;
  readonly cpuMs: () => number;
}

const CLOCK: Clock = {
  nowMs: () => performance.now(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};
