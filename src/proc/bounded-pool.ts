/**
 * Calls that another process can make hang, kept away from the main thread and from the rest of the threadpool.
 *
 * Reading /proc/PID/environ, cmdline, maps or mem takes locks of that process and may fault in its pages. With a page
 * behind a FUSE mount that its owner serves, such a read never returns (and not even open() does while an exec hangs:
 * `mm_access` waits for exec_update_lock). No call can cancel it. libuv has 4 threads for all file and DNS work of the
 * function we are guests of. So at most 2 of ours are ever in use. A call that hangs keeps its place until it comes
 * back.
 */
import { many } from '../many.ts';

/** How a call through the pool ended. A rejected job is `failed` with what it threw. */
export type PoolResult<T> =
  | { readonly state: 'done'; readonly value: T }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'timed-out'; readonly reason: string };

/** What a running job is told. */
export interface Ticket {
  /** True once nobody waits for the job: it should free what it holds and end. */
  readonly abandoned: () => boolean;
  /** The job got further: its time starts anew. */
  readonly progress: () => void;
}

export interface BoundedPool {
  /**
   * Runs `job` when a place is free. Never rejects. The time counts from the start of the job, and from each
   * `progress()`; an abandoned job keeps its place until it ends. While a call hangs, no other is tried for the same
   * `owner` (see {@link ownerOf}): one hostile process takes one place, in however many captures.
   */
  readonly run: <T>(job: (ticket: Ticket) => Promise<T>, timeoutMs: number, owner?: string) => Promise<PoolResult<T>>;
  /** Calls that hang at this moment. */
  readonly hanging: () => number;
}

/** Places of the pool that Amber's collectors share. */
export const POOL_SLOTS = 2;

const GRACE_MS = 25;
const STARVED_MS = 20;
const MAX_EXTENSIONS = 4;

/** Makes a pool of its own: for tests. Everything in Amber uses {@link sharedPool}. */
export function createPool(slots: number = POOL_SLOTS): BoundedPool {
  let running = 0;
  const hung = new Map<object, string | undefined>();
  const waiting: (() => void)[] = [];
  const next = (): void => {
    while (waiting.length > 0 && (running < slots || hung.size >= slots)) waiting.shift()?.();
  };
  const refusal = (owner: string | undefined): string | undefined => {
    if (hung.size >= slots)
      return `not tried: ${many(hung.size, 'earlier read of procfs hangs', 'earlier reads of procfs hang')}`;
    return owner !== undefined && [...hung.values()].includes(owner)
      ? 'not tried: an earlier read of this process hangs'
      : undefined;
  };

  const run = <T>(job: (ticket: Ticket) => Promise<T>, timeoutMs: number, owner?: string): Promise<PoolResult<T>> =>
    new Promise((resolve) => {
      const start = (): void => {
        const reason = refusal(owner);
        if (reason !== undefined) {
          resolve({ state: 'timed-out', reason });
          next();
          return;
        }
        running += 1;
        const watch = watchdog(timeoutMs, () => {
          hung.set(watch, owner);
          resolve({ state: 'timed-out', reason: `no answer within ${timeoutMs} ms` });
          next();
        });
        const end = (result: PoolResult<T>): void => {
          running -= 1;
          hung.delete(watch);
          watch.stop();
          resolve(result);
          next();
        };
        job(watch).then(
          (value) => end({ state: 'done', value }),
          (error: unknown) => end({ state: 'failed', error }),
        );
      };
      if (running < slots || hung.size >= slots) start();
      else waiting.push(start);
    });
  return { run, hanging: () => hung.size };
}

/** The name of a process for {@link BoundedPool.run}: pid and start, so that a successor of the pid is another one. */
export function ownerOf(pid: number, startTicks: number): string {
  return `${pid}:${startTicks}`;
}

/** One pool a process, whatever the number of captures: the threadpool is one too. */
export const sharedPool: BoundedPool = createPool();

function watchdog(timeoutMs: number, onTimeout: () => void): Ticket & { readonly stop: () => void } {
  let since = performance.now();
  let due = 0;
  let extensions = 0;
  let state: 'running' | 'late' | 'abandoned' | 'stopped' = 'running';
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const now = performance.now();
    const left = since + timeoutMs - now;
    if (left > 1) {
      arm(left);
    } else if (now - due > STARVED_MS && extensions < MAX_EXTENSIONS) {
      // The timer itself is late: the whole process gets no CPU (a small function has a twentieth of a core).
      extensions += 1;
      arm(timeoutMs);
    } else if (state === 'running') {
      // Timers run before finished calls are reported, and a job may have steps left to do: it gets a little more.
      state = 'late';
      arm(GRACE_MS);
    } else if (state === 'late') {
      state = 'abandoned';
      onTimeout();
    }
  };
  const arm = (ms: number): void => {
    due = performance.now() + ms;
    // A call under way keeps the process alive by itself; the timer must not.
    timer = setTimeout(look, ms).unref();
  };
  arm(timeoutMs);
  return {
    abandoned: () => state === 'abandoned',
    progress: () => {
      since = performance.now();
      if (state === 'late') state = 'running';
    },
    stop: () => {
      if (state !== 'abandoned') state = 'stopped';
      clearTimeout(timer);
    },
  };
}
