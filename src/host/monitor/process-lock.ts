/**
 * One capture at a time for all threads of a process. On Managed Instances the runtime starts worker threads (eight for
 * each vCPU: aws-lambda-ric 4 worker.ts), each with its own globals and so its own counts. Every one of them would
 * capture the same /tmp and the same process table.
 *
 * Threads share no JavaScript, and a lock file in /tmp would be in the evidence. So a thread binds a name among the
 * abstract sockets (unix(7)): the kernel gives it to one, and takes it back when the process ends.
 */
import type { Cause, Config } from '../../contracts/evidence.ts';

/** Taken: its holder gives it back when the capture has ended. */
export type Release = () => void;

const NOTHING: Release = () => undefined;

/**
 * Asks for the turn of this process. After a capture the name is kept for the cooldown, and that of the flag for ever:
 * one sandbox, one capture by its flag, and one by each order.
 *
 * @returns undefined if another thread has it. In the main thread, and where there are no sockets, it is always given.
 */
export async function acquireProcessLock(cause: Cause, config: Config): Promise<Release | undefined> {
  if (process.getBuiltinModule('node:worker_threads').isMainThread) return NOTHING;
  if (cause.trigger === 'flag' && (await bind('flag')) === undefined) return undefined;
  if (cause.order !== undefined && (await bind(`order.${cause.order.id}`)) === undefined) return undefined;
  const release = await bind('capture');
  if (release === undefined) return undefined;
  return () => {
    setTimeout(release, config.cooldownMs).unref();
  };
}

/** Gives what unbinds the name, or undefined if it is bound already. */
async function bind(what: string): Promise<Release | undefined> {
  const server = process.getBuiltinModule('node:net').createServer((visitor) => visitor.destroy());
  server.unref();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? undefined : NOTHING));
    server.listen({ path: `\0lambda-amber.${String(process.pid)}.${what}` }, () => resolve(() => server.close()));
  });
}
