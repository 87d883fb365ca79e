/** Asking the control plane: one question and its entry, pages in bounded number, several questions ahead. */
import type { Entry, JsonEntry } from '../contracts/evidence.ts';
import { AmberError } from '../errors.ts';
import type { AcquireContext } from './contracts.ts';
import { absentEntry, type Asked } from './error-class.ts';

/**
 * The answer as a JSON entry, or what became of it; nothing if an earlier run has it. `undefined` answers are left out.
 */
export async function* ask(context: AcquireContext, asked: Asked, run: () => Promise<unknown>): AsyncGenerator<Entry> {
  if (context.ledger.done(asked.path)) return;
  try {
    const value = await run();
    if (value !== undefined) yield jsonEntry(asked, value);
  } catch (error) {
    yield absentEntry(asked, error);
  }
}

export function jsonEntry({ path, call }: Pick<Asked, 'path' | 'call'>, value: unknown): JsonEntry {
  return { path, source: call, method: 'api', kind: 'json', value: plain(value) };
}

/** An answer without the SDK's metadata, with dates as text. */
export function plain(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (key, value: unknown) => (key === '$metadata' ? undefined : value)),
  ) as unknown;
}

/** What a question gives, all of it. */
export async function only(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

/** No list of one function is longer; it ends a server that never does. */
const MAX_PAGES = 100_000;

/** Pages until there is no next token. @throws AmberError ACQUIRE_FAILED if a token comes twice in a row. */
export async function* pages<P>(
  next: (token: string | undefined) => Promise<P>,
  tokenOf: (page: P) => string | undefined,
): AsyncGenerator<P> {
  let token: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = await next(token);
    yield page;
    const following = tokenOf(page);
    if (following === undefined || following === '') return;
    if (following === token)
      throw new AmberError('ACQUIRE_FAILED', 'The service gave the same page token twice in a row.');
    token = following;
  }
  throw new AmberError('ACQUIRE_FAILED', `The list has more than ${MAX_PAGES} pages.`);
}

/** All items of all pages. */
export async function everyItem<P, T>(
  next: (token: string | undefined) => Promise<P>,
  tokenOf: (page: P) => string | undefined,
  itemsOf: (page: P) => readonly T[] | undefined,
): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages(next, tokenOf)) items.push(...(itemsOf(page) ?? []));
  return items;
}

/** The results of `run` in order, with up to `width` under way: the quota is the limit then, not the round trip. */
export async function* ahead<T, R>(items: Iterable<T>, width: number, run: (item: T) => Promise<R>): AsyncGenerator<R> {
  const flying: Promise<R>[] = [];
  for (const item of items) {
    const flight = run(item);
    flight.catch(() => undefined); // reported by the await below
    flying.push(flight);
    const first = flying.length >= width ? flying.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const flight of flying) yield await flight;
}
