/** What one snapshot shares between its parts: where it reads, what it may spend, when it has to end. */
import type { BoundedPool } from './bounded-pool.ts';
import { failure, type Allowance, type PoolRead, type ReadRule } from './read.ts';
import type { ProcRead } from '../contracts/process-table.ts';

export interface Session {
  /** `/proc`, or a recorded tree. */
  readonly root: string;
  /** Our own pid in that tree, or 0. */
  readonly self: number;
  readonly allowance: Allowance;
  readonly boundedPool: BoundedPool;
  readonly pool: PoolRead;
  /** Longest time of one read that another process may hold up, milliseconds. */
  readonly slowMs: number;
  /** Descriptors read of one process at most, and of all together. */
  readonly descriptorsEach: number;
  readonly descriptors: Allowance;
  /** Mount namespaces of which a mountinfo was read. */
  readonly mountNamespaces: Set<string>;
  readonly stopped: () => boolean;
}

/** A file that its process can hold up, by name relative to /proc/PID. */
export type SlowFile = readonly [name: string, rule: ReadRule];

/**
 * Reads the slow files of one process, one after another, in one place of the pool, and hands each to `keep`. After the
 * first that hangs the rest is not tried: one hostile process must not take both places. Never rejects.
 */
export async function readSlowly(
  session: Session,
  { dir, owner }: { readonly dir: string; readonly owner: string },
  files: readonly SlowFile[],
  keep: (name: string, read: ProcRead) => void,
): Promise<void> {
  let next = 0;
  const result = await session.boundedPool.run(
    (ticket) =>
      new Promise<void>((resolve) => {
        const step = (): void => {
          const file = session.stopped() ? undefined : files[next];
          if (file === undefined) {
            resolve();
            return;
          }
          session.pool(`${dir}/${file[0]}`, file[1], session.allowance, ticket, (read) => {
            // What comes back after its time was reported already.
            if (ticket.abandoned()) {
              resolve();
              return;
            }
            next += 1;
            keep(file[0], read);
            ticket.progress();
            step();
          });
        };
        step();
      }),
    session.slowMs,
    owner,
  );
  if (result.state === 'done') return;
  const ended: ProcRead =
    result.state === 'failed' ? failure(result.error) : { ok: false, outcome: 'timed-out', reason: result.reason };
  const after: ProcRead = { ok: false, outcome: 'timed-out', reason: 'not tried: another read of this process hangs' };
  files.slice(next).forEach(([name], index) => keep(name, index === 0 || result.state === 'failed' ? ended : after));
}

/** Lets the event loop turn once: other work of the process runs, and finished reads are taken in. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
