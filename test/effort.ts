/**
 * How often a property is tried: EFFORT times what `.ci/run` has time for, which is 1. `.ci/nightly` sets it higher. No
 * case depends on it: more values are drawn.
 */
const EFFORT = Number(process.env['EFFORT'] ?? 1);

/** The number of draws for this effort, never less than was written. */
export function times(count: number): number {
  return Math.ceil(count * Math.max(1, EFFORT || 1));
}
