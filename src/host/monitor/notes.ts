/**
 * What stands in built-ins and in variables that lead requests elsewhere, compared with what stood there at the last
 * question. It costs some microseconds, and it loads nothing.
 */
import type { Place } from './builtins.ts';

/** A property and what stood in it when it was last looked at. */
interface Note {
  readonly holder: Readonly<Record<string, unknown>>;
  readonly key: string;
  value: unknown;
}

export interface Notes {
  readonly functions: readonly Note[];
  readonly variables: readonly Note[];
  /** The variable whose turn it is. */
  next: number;
}

/**
 * Variables that lead requests elsewhere. Node asks libuv for each, 1 microsecond, so one of them is compared at a
 * time.
 */
const ROUTES = [
  'AWS_LAMBDA_RUNTIME_API',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'HTTPS_PROXY',
  'AWS_ENDPOINT_URL',
  '_HANDLER',
] as const;

export function makeNotes(
  env: NodeJS.ProcessEnv,
  places: readonly Place[],
  builtins: ReadonlyMap<string, unknown>,
): Notes {
  return {
    functions: places.map(({ name, holder, key }) => ({ holder, key, value: builtins.get(name) })),
    variables: ROUTES.map((key) => ({ holder: env, key, value: env[key] })),
    next: 0,
  };
}

/** True once for each change: what is there now is what the next call compares with. */
export function haveChanged(notes: Notes): boolean {
  let changed = false;
  for (const note of notes.functions) changed = hasChanged(note) || changed;
  const variable = notes.variables[notes.next];
  notes.next = (notes.next + 1) % notes.variables.length;
  return (variable !== undefined && hasChanged(variable)) || changed;
}

function hasChanged(note: Note): boolean {
  const value = note.holder[note.key];
  if (value === note.value) return false;
  note.value = value;
  return true;
}
