/**
 * The extension idles from here on, and what it does once more is compiled: V8 is told so. Not on the command line of Node, where a flag
 * that changes how V8 compiles makes it refuse the code that Node brings for its own modules, and costs 25 ms of the function's
 * init; nor before all modules are loaded, for the same reason.
 */

/**
 * Live memory may grow fourfold before old space is collected: a shutdown, which has little CPU and ends in exit, does without. What was
 * rehearsed is neither optimised, by threads that would take their part of the CPU, nor forgotten.
 */
const FLAGS = ['--heap-growing-percent=300', '--no-opt', '--no-maglev', '--no-flush-bytecode', '--expose-gc'] as const;

/** Sets the flags, and gives back the memory that loading and rehearsing took. A V8 that does not know a flag goes on without it. */
export function settleDown(): void {
  const v8 = process.getBuiltinModule('node:v8');
  for (const flag of FLAGS) v8.setFlagsFromString(flag);
  // A context that is made after the flag has the function.
  const collect = process.getBuiltinModule('node:vm').runInNewContext('typeof gc === "function" ? gc : () => undefined') as (how: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
