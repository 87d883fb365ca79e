/** When reading has to stop. */

export interface Ending {
  readonly stopped: () => boolean;
  /** Calls `wake` at the end; gives the function that takes this back. */
  readonly onStop: (wake: () => void) => () => void;
  readonly release: () => void;
}

/** The end by time or by signal, whichever comes first. */
export function ending(totalMs: number, signal: AbortSignal | undefined): Ending {
  let stopped = signal?.aborted === true;
  const sleepers = new Set<() => void>();
  const stop = (): void => {
    stopped = true;
    for (const wake of sleepers) wake();
  };
  const timer = setTimeout(stop, totalMs).unref();
  signal?.addEventListener('abort', stop, { once: true });
  return {
    stopped: () => stopped,
    onStop: (wake) => {
      sleepers.add(wake);
      return () => void sleepers.delete(wake);
    },
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    },
  };
}
