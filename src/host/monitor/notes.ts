/**
 * What stands in built-ins and in variables that lead requests elsewhere, compared with what stood there at the last
 * question. It costs some microseconds, and it loads nothing.
 */
import type { Group } from './builtins.ts';

export interface Notes {
  readonly functions: readonly Group[];
  readonly env: NodeJS.ProcessEnv;
  /** What each of {@link ROUTES} was when it was last looked at. */
  readonly variables: (string | undefined)[];
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

export function makeNotes(env: NodeJS.ProcessEnv, functions: readonly Group[]): Notes {
  return { functions, env, variables: ROUTES.map((key) => env[key]), next: 0 };
}

/** True once for each change: what is there now is what the next call compares with. */
export function haveChanged(notes: Notes): boolean {
  let changed = false;
  for (const group of notes.functions) changed = hasChanged(group) || changed;
  const { env, next, variables } = notes;
  notes.next = (next + 1) % ROUTES.length;
  const value = env[ROUTES[next] ?? ''];
  if (value === variables[next]) return changed;
  variables[next] = value;
  return true;
}

function hasChanged({ holder, keys, initial, values }: Group): boolean {
  let changed = false;
  for (let index = 0; index < keys.length; index += 1) {
    if (initial[index] === undefined) continue;
    const value = holder[keys[index] ?? ''];
    if (value === values[index]) continue;
    values[index] = value;
    changed = true;
  }
  return changed;
}
