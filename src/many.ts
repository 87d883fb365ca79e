/** A count with its noun, for every sentence that has one: `1 segment`, `2 segments`, `0 entries`. */

/** `plural` where it is not the noun with an `s`: `many(2, 'entry', 'entries')`. */
export function many(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
