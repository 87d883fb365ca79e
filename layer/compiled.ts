/** Compiles what stands in the library as a text, when it is due. */
import { home } from 'amber:due';

// Kept from before user code can replace it.
const builtin = process.getBuiltinModule.bind(process);

/** What the texts ask of the file that compiles them, by the name under which they import it. */
export interface Given {
  readonly record?: unknown;
  readonly kept?: unknown;
  readonly due?: (name: string) => Promise<unknown>;
}

/** The exports of a CommonJS text. What it has not itself it is given. */
export function compiled(pieces: readonly string[], given: Given): unknown {
  const module = { exports: {} };
  const { compileFunction } = builtin('node:vm');
  const run = compileFunction(pieces.join(''), ['module', 'require', 'due'], { filename: home() }) as (
    ...parts: unknown[]
  ) => void;
  run(module, (name: string) => given[name.slice('amber:'.length) as keyof Given], given.due);
  return module.exports;
}
