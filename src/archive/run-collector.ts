/**
 * Runs one collector: entry by entry into the tarball, in time slices, under the budget. A fault of it is an outcome.
 */
import { types } from 'node:util';
import type {
  AbsentEntry,
  Budget,
  ByDesign,
  Collector,
  Entry,
  CollectorContext,
  StreamEntry,
} from '../contracts/evidence.ts';
import { AmberError, describeError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import { dropDescriptor, foreignEntry } from './foreign-entry.ts';
import type { Tarball } from './tarball.ts';
import { many } from '../many.ts';

/** Rejects only if the tarball can no longer hand over segments. */
export async function runCollector(collector: Collector, context: CollectorContext, tarball: Tarball): Promise<void> {
  const refusal = refusalOf(collector, context);
  if (refusal !== undefined) {
    await tarball.add({ ...absent(collector, 'skipped', refusal.reason), ...refusal }, collector.name);
    return;
  }
  const isForeign = context.config.collectors.some(({ name }) => name === collector.name);
  await drainEntries(
    { name: collector.name, start: () => collector.collect(context), budget: context.budget, isForeign },
    tarball,
  );
}

/** Where {@link drainEntries} puts entries; {@link Tarball} is one. */
export interface EntrySink {
  readonly add: (entry: Entry, collector: string) => unknown;
  readonly age: () => Promise<void>;
}

export interface EntrySource {
  /** Name of the collector or source. */
  readonly name: string;
  readonly start: () => Iterable<Entry> | AsyncIterable<Entry>;
  readonly budget: Budget;
  /** Why it was stopped before its end, and what that left out; default: the time budget. */
  readonly stopped?: () => string;
  /** Code of a user: entries of another form than the contract's are refused, and told of in one line at its end. */
  readonly isForeign?: boolean;
}

/**
 * Moves every entry of a source into the sink, and says so there if the source fails or the time ends before it does.
 */
export async function drainEntries(source: EntrySource, sink: EntrySink): Promise<void> {
  let items = 0;
  const refusals: Refusals = { count: 0, first: '' };
  const entries: Source<Entry | Box> = source.isForeign === true ? boxed(source.start) : iterate(source.start);
  for (;;) {
    const step = pull(entries, source.budget.signal);
    // A source without promises is answered without any: awaiting each entry costs as much as hashing it.
    const next = step instanceof Promise ? await step : step;
    if (next === DONE || next === STOPPED || next instanceof Failed) {
      for (const line of lastLines(source, next, items, refusals)) await sink.add(line, source.name);
      return;
    }
    items += 1;
    const entry = 'given' in next ? judged(source, next, items, refusals) : next;
    if (entry !== undefined) {
      const added = sink.add(safe(entry), source.name);
      if (added instanceof Promise) await added;
    }
    const pause = source.budget.yieldIfDue();
    if (pause !== undefined) {
      await pause;
      await sink.age();
    }
  }
}

/** Entries of a user's collector that are of another form: counted, so that a flood of them is one line. */
interface Refusals {
  count: number;
  first: string;
}

function judged(source: EntrySource, { given }: Box, number: number, refusals: Refusals): Entry | undefined {
  try {
    const entry = foreignEntry(given, source.name);
    return entry.kind === 'stream' ? { ...entry, chunks: () => safeChunks(entry, source.budget.signal) } : entry;
  } catch (cause) {
    refusals.count += 1;
    if (refusals.count === 1) refusals.first = `entry ${number}: ${describeError(cause)}`;
    return undefined;
  }
}

/** Chunks of a user: no other kind of value, and none is waited for beyond the end of the budget. */
async function* safeChunks({ chunks }: StreamEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const source = boxed(chunks);
  try {
    for (;;) {
      const next = await pull(source, signal);
      if (next === DONE || next === STOPPED) return;
      if (next instanceof Failed) throw next.cause;
      if (!types.isUint8Array(next.given))
        throw new AmberError(
          'COLLECTOR_FAILED',
          `a chunk is of type ${typeof next.given}; expected a Uint8Array or a Buffer`,
        );
      yield next.given;
    }
  } finally {
    if (!(source instanceof Failed)) cancelIterator(source);
  }
}

function lastLines(
  source: EntrySource,
  end: typeof DONE | typeof STOPPED | Failed,
  items: number,
  { count, first }: Refusals,
): readonly AbsentEntry[] {
  const refused =
    count === 0
      ? []
      : [
          absent(
            source,
            'failed',
            `${count} of ${many(items, 'entry is', 'entries are')} not usable and left out; ${first}`,
          ),
        ];
  if (end === DONE) return refused;
  if (end instanceof Failed)
    return [...refused, absent(source, 'failed', `after ${many(items, 'item')}: ${describeError(end.cause)}`)];
  const why =
    source.stopped?.() ??
    `${endOf(source.budget.signal)} after ${many(items, 'item')}; paths of the inventory without a line of ` +
      'their own were not reached';
  return [...refused, absent(source, 'skipped', why)];
}

function refusalOf(
  collector: Collector,
  context: CollectorContext,
): { readonly reason: string; readonly byDesign?: ByDesign } | undefined {
  if (collector.needsRecipient === true && context.config.recipient === undefined) {
    return { reason: 'raw memory needs a recipient (AMBER_RECIPIENT)' };
  }
  if (collector.inProcess === true && !context.inProcess) {
    return { reason: 'it reads the process it runs in, and that is not the function', byDesign: 'nothing-to-do' };
  }
  return context.budget.signal.aborted ? { reason: `${endOf(context.budget.signal)} before it ran` } : undefined;
}

class Failed {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

type Source<T> = Iterator<T> | AsyncIterator<T> | Failed;

function iterate<T>(start: () => Iterable<T> | AsyncIterable<T>): Source<T> {
  try {
    const values = start();
    return Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
  } catch (cause) {
    return new Failed(cause);
  }
}

/**
 * What a user's code yields is carried unseen: it may be a promise, which waiting would take apart, or a proxy, which
 * throws.
 */
interface Box {
  readonly given: unknown;
}

function boxed(start: () => Iterable<unknown> | AsyncIterable<unknown>): Source<Box> {
  const source = iterate(start);
  if (source instanceof Failed) return source;
  const box = (step: IteratorResult<unknown>): IteratorResult<Box> =>
    step.done === true ? { done: true, value: undefined } : { done: false, value: { given: step.value } };
  return {
    next: () => {
      const step = source.next();
      return step instanceof Promise ? step.then(box) : box(step);
    },
    return: () => source.return?.() as Promise<IteratorResult<Box>>,
  } as Source<Box>;
}

const DONE = Symbol('done');
const STOPPED = Symbol('stopped');

type Pulled<T> = T | typeof DONE | typeof STOPPED | Failed;

/** The next entry; a collector that does not come back by the end of the budget is left behind. Does not reject. */
function pull<T>(source: Source<T>, signal: AbortSignal): Pulled<T> | Promise<Pulled<T>> {
  if (source instanceof Failed) return source;
  if (signal.aborted) {
    cancelIterator(source);
    return STOPPED;
  }
  try {
    const step = source.next();
    return step instanceof Promise ? pullLater(source, step, signal) : valueOf(step);
  } catch (cause) {
    return new Failed(cause);
  }
}

async function pullLater<T>(
  source: Exclude<Source<T>, Failed>,
  step: Promise<IteratorResult<T>>,
  signal: AbortSignal,
): Promise<Pulled<T>> {
  try {
    const result = await raceAbort(step, signal);
    if (result !== undefined) return valueOf(result);
    cancelIterator(source);
    return STOPPED;
  } catch (cause) {
    return new Failed(cause);
  }
}

function valueOf<T>(step: IteratorResult<T>): T | typeof DONE {
  return step.done === true ? DONE : step.value;
}

function raceAbort<T>(step: Promise<IteratorResult<T>>, signal: AbortSignal): Promise<IteratorResult<T> | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      resolve(undefined);
      step.then(dropLate).catch(() => undefined);
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
  if (late.done === true) return;
  const entry = ('given' in (late.value as object) ? (late.value as Box).given : late.value) as Entry;
  if (entry.kind === 'file') dropDescriptor(entry.fd);
}

/** Lets a generator clean up. Not awaited: it may be stuck. */
function cancelIterator(source: Iterator<unknown> | AsyncIterator<unknown>): void {
  try {
    const left = source.return?.();
    if (left instanceof Promise) left.catch(() => undefined);
  } catch {
    // A generator whose cleanup throws has nothing more to say: its items are recorded as not reached.
  }
}

/**
 * Paths of a user's collector are kept inside the archive's tree, and away from the manifest parts that verify reads.
 */
function safe(entry: Entry): Entry {
  const { path } = entry;
  // Nearly no path has two dots in a row, and asking for them is cheap.
  const leaves = path.startsWith('/') || (path.includes('..') && `/${path}/`.includes('/../'));
  if (!leaves && !path.startsWith('manifest/')) return entry;
  if (entry.kind === 'file') dropDescriptor(entry.fd);
  const reason = leaves
    ? 'the collector gave a path that leaves the archive'
    : "the collector gave a path below manifest/, which is the archive's own";
  return { kind: 'absent', path: 'refused', source: entry.source, method: entry.method, outcome: 'failed', reason };
}

function absent({ name }: { readonly name: string }, outcome: AbsentEntry['outcome'], reason: string): AbsentEntry {
  return { kind: 'absent', path: `collector/${name}`, source: name, method: 'collector', outcome, reason };
}
