/** What was tailed against the ring as it was found later: a process with the uid can change what has been written. */
import type { ReadRing, RecordedEvent } from '../contracts/recorded.ts';

export interface RingDifference {
  /** Sequences that say something else now. */
  readonly changed: readonly number[];
  /** Sequences that the ring should still hold, and does not. */
  readonly erased: readonly number[];
}

/** @param tailed - events as they were read when they were new */
export function differences(tailed: readonly RecordedEvent[], found: ReadRing): RingDifference {
  const now = new Map(found.events.map((event) => [event.sequence, event]));
  const changed: number[] = [];
  const erased: number[] = [];
  for (const event of tailed) {
    const other = now.get(event.sequence);
    if (other === undefined) {
      if (event.sequence > found.overwritten) erased.push(event.sequence);
    } else if (JSON.stringify(other) !== JSON.stringify(event)) changed.push(event.sequence);
  }
  return { changed, erased };
}
