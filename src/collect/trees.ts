/** The trees of one capture: each is walked once, at the first question. */
import type { CollectorContext } from '../contracts/evidence.ts';
import { walk, type Pace, type Walked } from '../fs/walk.ts';
import { groundsOf } from './grounds.ts';
import type { ProcessTable } from '../contracts/process-table.ts';

const writableTrees = new WeakMap<CollectorContext, Promise<Walked>>();

/** Part of the time that is left which listing may take: what is listed has to be written, and then the contents. */
const SHARE_OF_TIME = 0.4;

/** /tmp and /dev/shm (scene.roots.writable). */
export function writableTree(context: CollectorContext): Promise<Walked> {
  let walked = writableTrees.get(context);
  if (walked === undefined) {
    walked = walk(context.roots.writable, context.config.maxEntries, paceOf(context), groundsOf(context));
    writableTrees.set(context, walked);
  }
  return walked;
}

/** Walks the code as loaded (scene.roots.code), under the same limits. */
export function codeTree(context: CollectorContext): Promise<Walked> {
  return walk(context.roots.code, context.config.maxEntries, paceOf(context), groundsOf(context));
}

function paceOf(context: CollectorContext): Pace {
  const { budget } = context;
  const until = performance.now() + budget.remainingMs() * SHARE_OF_TIME;
  return { yieldIfDue: budget.yieldIfDue, stopped: () => budget.signal.aborted || performance.now() > until };
}

/** The process table, or undefined where it could not be read: files are collected all the same. */
export async function processesOf(context: CollectorContext): Promise<ProcessTable | undefined> {
  try {
    return await context.processes();
  } catch {
    return undefined; // the collectors of processes report it
  }
}

/** When the sandbox started, nanoseconds since the epoch: the start of process 1, else our own. */
export function sandboxStart(table: ProcessTable | undefined): bigint {
  const first = table?.processes.find((one) => one.pid === 1) ?? table?.processes.find((one) => one.pid === table.self);
  return BigInt(Math.floor(first?.startMs ?? performance.timeOrigin)) * 1_000_000n;
}
