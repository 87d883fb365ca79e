/**
 * What recorders of Python leave of their process: JSON in a sealed memfd. An intruder with the same uid can leave the
 * same.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { CollectorContext } from '../contracts/evidence.ts';
import { identityOf } from '../proc/maps.ts';
import { groundsOf } from './grounds.ts';
import { candidates, look, type Item } from './recovered-items.ts';

const LABEL = '/memfd:amber-runtime (deleted)';
const MAX_BYTES = 1 << 20;
const MAX_FOUND = 8;
const MAX_DEPTH = 12;

export interface LeftFacts {
  /** Device and inode, as {@link identityOf}. */
  readonly identity: string;
  readonly source: string;
  readonly path: string;
  /** The process that holds it, which need not be the one that wrote it. */
  readonly pid: number;
  readonly value: Readonly<Record<string, unknown>>;
}

const known = new WeakMap<CollectorContext, Promise<readonly LeftFacts[]>>();

export async function leftFacts(context: CollectorContext): Promise<readonly LeftFacts[]> {
  let found = known.get(context);
  if (found === undefined) known.set(context, (found = find(context)));
  return found;
}

async function find(context: CollectorContext): Promise<readonly LeftFacts[]> {
  const { processes } = await context.processes();
  const book = groundsOf(context);
  const found = new Map<string, LeftFacts>();
  for (const record of processes) {
    for (const item of candidates(record, context.roots.proc, () => undefined)) {
      if (item.label !== LABEL || !item.name.startsWith('fd-') || found.size === MAX_FOUND) continue;
      const looked = look(item, book);
      if (looked === undefined || !('stat' in looked) || looked.stat.size > MAX_BYTES) continue;
      const identity = identityOf(looked.stat);
      const value = found.has(identity) ? undefined : factsIn(item, Number(looked.stat.size));
      const path = `live_response/runtime-${item.pid}${found.size === 0 ? '' : `-${found.size}`}.json`;
      if (value !== undefined) found.set(identity, { identity, source: item.source, path, pid: item.pid, value });
    }
    await context.budget.yieldIfDue();
  }
  return [...found.values()];
}

/** Undefined for what is no such JSON: the collector of deleted files stores it as it is. */
function factsIn(item: Item, size: number): LeftFacts['value'] | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(item.source, constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(size);
    const value: unknown = JSON.parse(bytes.toString('utf8', 0, readSync(fd, bytes, 0, size, 0)));
    const isFacts = typeof value === 'object' && value !== null && !Array.isArray(value) && isFlat(value, MAX_DEPTH);
    return isFacts ? (value as LeftFacts['value']) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function isFlat(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((one) => isFlat(one, depth - 1));
}
