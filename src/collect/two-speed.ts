/** Entries that need waiting first and then come one after the other without any. */
import type { Entry } from '../contracts/evidence.ts';

/**
 * Gives what `source` yields, and then the entries of the iterable that it returns. Those are answered at once, not by
 * a promise each: a promise, and the watch for the end of the budget that goes with it, cost more than opening a file.
 *
 * A consumer may look whether `next()` gave a promise; `for await` takes both, because it awaits whatever it gets
 * (https://tc39.es/ecma262/#sec-runtime-semantics-forin-div-ofbodyevaluation-lhs-stmt-iterator-lhskind-labelset).
 */
export function twoSpeed(source: AsyncGenerator<Entry, Iterable<Entry>>): AsyncIterable<Entry> {
  let fast: Iterator<Entry> | undefined;
  let left = false;
  const slow = async (): Promise<IteratorResult<Entry>> => {
    const step = await source.next();
    if (step.done !== true) return step;
    if (left) return { done: true, value: undefined };
    fast = step.value[Symbol.iterator]();
    return fast.next();
  };
  const iterator = {
    next: (): IteratorResult<Entry> | Promise<IteratorResult<Entry>> => (fast === undefined ? slow() : fast.next()),
    return: async (): Promise<IteratorResult<Entry>> => {
      left = true;
      if (fast === undefined) await source.return([]);
      else fast.return?.();
      return { done: true, value: undefined };
    },
  };
  // The type of the language's library knows promises only.
  return { [Symbol.asyncIterator]: () => iterator as AsyncIterator<Entry> };
}
