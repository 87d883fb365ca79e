/** Runs one collector: entry by entry into the tarball, in time slices, under the budget. A fault of it is an outcome. */
import { closeSync } from 'node:fs';
import type { AbsentEntry, Budget, Collector, Entry, Scene } from '../contracts.ts';
import { describeError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import type { Tarball } from './tarball.ts';

/** Rejects only if the tarball can no longer hand over segments. */
export async function drive(collector: Collector, scene: Scene, tarball: Tarball): Promise<void> {
  const refusal = refusalOf(collector, scene);
  if (refusal !== undefined) {
    await tarball.add(absent(collector, 'skipped', refusal), collector.name);
    return;
  }
  await pump({ name: collector.name, start: () => collector.collect(scene), budget: scene.budget }, tarball);
}

/** Where {@link pump} puts entries; {@link Tarball} is one. */
export interface EntrySink {
  readonly add: (entry: Entry, collector: string) => unknown;
  readonly age: () => Promise<void>;
}

export interface Feed {
  /** Name of the collector or source. */
  readonly name: string;
  readonly start: () => Iterable<Entry> | AsyncIterable<Entry>;
  readonly budget: Budget;
  /** Why it was stopped before its end, and what that left out; default: the time budget. */
  readonly stopped?: () => string;
}

/** Moves every entry of a feed into the sink, and says so there if the feed fails or the time ends before it does. */
export async function pump(feed: Feed, sink: EntrySink): Promise<void> {
  let items = 0;
  const entries = iterate(feed);
  for (;;) {
    const step = pull(entries, feed.budget.signal);
    // A feed without promises is answered without any: awaiting each entry costs as much as hashing it.
    const next = step instanceof Promise ? await step : step;
    if (next === 'done') return;
    if (next instanceof Failed) {
      await sink.add(absent(feed, 'failed', `after ${items} items: ${describeError(next.cause)}`), feed.name);
      return;
    }
    if (next === 'stopped') {
      await sink.add(absent(feed, 'skipped', feed.stopped?.() ?? `${endOf(feed.budget.signal)} after ${items} items; paths of the inventory without a line of their own were not reached`), feed.name);
      return;
    }
    items += 1;
    const added = sink.add(safe(next), feed.name);
    if (added instanceof Promise) await added;
    const pause = feed.budget.breathe();
    if (pause !== undefined) {
      await pause;
      await sink.age();
    }
  }
}

function refusalOf(collector: Collector, scene: Scene): string | undefined {
  if (collector.needsRecipient === true && scene.config.recipient === undefined) {
    return 'raw memory needs a recipient (AMBER_RECIPIENT)';
  }
  if (collector.inProcess === true && !scene.inProcess) return 'it reads the process it runs in, and that is not the function';
  return scene.budget.signal.aborted ? `${endOf(scene.budget.signal)} before it ran` : undefined;
}

class Failed {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

type Source = Iterator<Entry> | AsyncIterator<Entry> | Failed;

function iterate(feed: Feed): Source {
  try {
    const entries = feed.start();
    return Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]();
  } catch (cause) {
    return new Failed(cause);
  }
}

type Pulled = Entry | 'done' | 'stopped' | Failed;

/** The next entry; a collector that does not come back by the end of the budget is left behind. Does not reject. */
function pull(source: Source, signal: AbortSignal): Pulled | Promise<Pulled> {
  if (source instanceof Failed) return source;
  if (signal.aborted) {
    leave(source);
    return 'stopped';
  }
  try {
    const step = source.next();
    return step instanceof Promise ? pullLater(source, step, signal) : entryOf(step);
  } catch (cause) {
    return new Failed(cause);
  }
}

async function pullLater(source: Exclude<Source, Failed>, step: Promise<IteratorResult<Entry>>, signal: AbortSignal): Promise<Pulled> {
  try {
    const result = await raceAbort(step, signal);
    if (result !== undefined) return entryOf(result);
    leave(source);
    return 'stopped';
  } catch (cause) {
    return new Failed(cause);
  }
}

function entryOf(step: IteratorResult<Entry>): Entry | 'done' {
  return step.done === true ? 'done' : step.value;
}

function raceAbort<T>(step: Promise<IteratorResult<T>>, signal: AbortSignal): Promise<IteratorResult<T> | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      resolve(undefined);
      step.then(dropLate, () => undefined);
    };
    // The collecting itself may have ended it, before there was a step to wait for.
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    step.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}

/** An entry that arrives after the end may own a descriptor. */
function dropLate(late: IteratorResult<unknown>): void {
  const entry = late.value as Entry | undefined;
  if (late.done !== true && entry?.kind === 'file') closeSync(entry.fd);
}

/** Lets a generator clean up. Not awaited: it may be stuck. */
function leave(source: Iterator<Entry> | AsyncIterator<Entry>): void {
  try {
    const left = source.return?.();
    if (left instanceof Promise) left.catch(() => undefined);
  } catch {
    // A generator whose cleanup throws has nothing more to say: its items are recorded as not reached.
  }
}

/** Paths of a user's collector are kept inside the archive's tree, and away from the manifest parts that verify reads. */
function safe(entry: Entry): Entry {
  const { path } = entry;
  // Nearly no path has two dots in a row, and asking for them is cheap.
  const leaves = path.startsWith('/') || (path.includes('..') && `/${path}/`.includes('/../'));
  if (!leaves && !path.startsWith('manifest/')) return entry;
  if (entry.kind === 'file') closeSync(entry.fd);
  const reason = leaves ? 'the collector gave a path that leaves the archive' : 'the collector gave a path below manifest/, which is the archive\'s own';
  return { kind: 'absent', path: 'refused', source: entry.source, method: entry.method, outcome: 'failed', reason };
}

function absent({ name }: { readonly name: string }, outcome: AbsentEntry['outcome'], reason: string): AbsentEntry {
  return { kind: 'absent', path: `collector/${name}`, source: name, method: 'collector', outcome, reason };
}
