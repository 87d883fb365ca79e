/** Takes a tree in a given order, each path once. Synchronous: the archive gives the main thread back between entries. */
import type { Entry } from '../contracts.ts';
import type { Order } from './order.ts';
import type { Taker } from './take.ts';

/** Files under a lease that are asked for again at the end. */
const MOST_BUSY = 1000;

/** Every entry of `order`, class after class. Closes the taker. */
export function* contents(order: Order, taker: Taker): Generator<Entry> {
  const busy: number[] = [];
  try {
    for (const turns of order.classes) {
      for (const entry of turns) {
        const taken = taker.take(entry);
        if (taken !== 'busy') yield taken;
        else if (busy.length < MOST_BUSY) busy.push(entry);
        else yield taker.leased(entry);
      }
    }
    for (const entry of busy) {
      const taken = taker.take(entry);
      yield taken === 'busy' ? taker.leased(entry) : taken;
    }
  } finally {
    taker.close();
  }
}
