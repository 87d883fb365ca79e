/** How long a main thread was held at a stretch, in wall time and in the CPU time of that thread. */

export interface Holds {
  /** Turns of the event loop that were seen: the count that tests assert on. */
  readonly turns: number;
  readonly longestMs: number;
  /** CPU of the main thread in its longest stretch: free of what the machine did beside us. */
  readonly longestCpuMs: number;
  /** Stretches of more than 20 ms of CPU. */
  readonly over20: number;
  readonly elapsedMs: number;
}

/**
 * A timer of 1 ms is due in each turn that follows a stretch of work, so the time between two of them is the stretch.
 */
export function watchHolds(): { readonly end: () => Holds } {
  const started = performance.now();
  let last = started;
  let lastCpu = threadCpuMs();
  let turns = 0;
  let longestMs = 0;
  let longestCpuMs = 0;
  let over20 = 0;
  const look = (): void => {
    const now = performance.now();
    const cpu = threadCpuMs();
    turns += 1;
    longestMs = Math.max(longestMs, now - last);
    longestCpuMs = Math.max(longestCpuMs, cpu - lastCpu);
    if (cpu - lastCpu > 20) over20 += 1;
    last = now;
    lastCpu = cpu;
  };
  const timer = setInterval(look, 1);
  return {
    end: () => {
      look();
      clearInterval(timer);
      return { turns, longestMs, longestCpuMs, over20, elapsedMs: performance.now() - started };
    },
  };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
