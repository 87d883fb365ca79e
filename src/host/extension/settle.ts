/**
 * The extension idles from here on, and what it does once more is compiled: V8 is told so. Not on the command line of
 * Node: a flag that changes how V8 compiles makes it refuse the code that Node brings for its own modules. That costs
 * 25 ms of the function's init. Nor before all modules are loaded, for the same reason.
 */

/**
 * Live memory may grow fourfold before old space is collected: a shutdown, which has little CPU and ends in exit, does
 * without. What was rehearsed is neither optimised, by threads that would take their part of the CPU, nor forgotten.
 */
const FLAGS = ['--heap-growing-percent=300', '--no-opt', '--no-maglev', '--no-flush-bytecode', '--expose-gc'] as const;

/**
 * Sets the flags, and gives back the memory that loading and rehearsing took. A V8 that does not know a flag goes on
 * without it.
 */
export function tuneForIdle(): void {
  const v8 = process.getBuiltinModule('node:v8');
  for (const flag of FLAGS) v8.setFlagsFromString(flag);
  collect('last-resort');
}

/** Invocations that leave a megabyte behind. */
const TIDY_EVERY = 1000;
let tidyAt = TIDY_EVERY;

/**
 * Gives back what invocations have left behind, some 15 ms now and then: after an answer, so that it is not due at the
 * end.
 */
export function collectGarbage(invocations: number): void {
  if (invocations < tidyAt) return;
  tidyAt = invocations + TIDY_EVERY;
  collect('regular');
}

function collect(flavor: 'regular' | 'last-resort'): void {
  // A context that is made after the flag has the function.
  const gc = process.getBuiltinModule('node:vm').runInNewContext('typeof gc === "function" ? gc : () => undefined') as (
    how: object,
  ) => void;
  gc({ type: 'major', execution: 'sync', flavor });
}
