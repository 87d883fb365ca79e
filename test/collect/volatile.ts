/** Drives the collectors of the process table, over the running system or a recorded tree. */
import type { Collector, Entry, CollectorContext } from '../../src/contracts/evidence.ts';
import { snapshotProcesses, type SnapshotOptions } from '../../src/proc/snapshot.ts';
import { makeContext } from './context.ts';

/** A scene whose process table is read from `root`. */
export function contextOf(
  root = '/proc',
  facts: Partial<CollectorContext> = {},
  options: SnapshotOptions = {},
): CollectorContext {
  const context = makeContext({});
  const table = snapshotProcesses({ root, ...options });
  return { ...context, roots: { ...context.roots, proc: root }, processes: () => table, ...facts };
}

export async function entriesOf(collector: Collector, context: CollectorContext): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of collector.collect(context)) entries.push(entry);
  return entries;
}

/** The value of the only entry, as it looks once it is written and read again. */
export async function valueOf<T>(collector: Collector, context: CollectorContext): Promise<T> {
  const [entry, ...more] = await entriesOf(collector, context);
  if (more.length > 0) throw new Error(`${more.length + 1} entries`);
  const value = entry?.kind === 'json' ? entry.value : entry?.kind === 'jsonl' ? entry.rows : undefined;
  return JSON.parse(JSON.stringify(value)) as T;
}
