/**
 * The functions of Node and of the language through which everything goes, as they are now. No getter is run, nothing
 * is loaded.
 *
 * They are noted at init, by code that has never run: what loops longer than some hundred steps V8 compiles a second
 * time, for half a millisecond. So they lie in groups of one holder, and their names are made when they are asked for.
 */

import { shared, type Kept, type SandboxState } from '../limits/state.ts';

/** Names of functions by what holds them; '' is the object itself. */
type Table = Readonly<Record<string, readonly string[]>>;

const GLOBALS: Table = {
  '': ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  JSON: ['parse', 'stringify'],
  'Promise.prototype': ['then'],
  'Function.prototype': ['call', 'apply'],
  Reflect: ['apply'],
  Object: ['defineProperty'],
  'Array.prototype': ['push'],
};

const MODULES: Readonly<Record<string, Table>> = {
  fs: { '': ['readFile', 'readFileSync', 'openSync', 'writeFileSync', 'createReadStream'] },
  http: { '': ['request', 'get', 'ClientRequest'], 'ClientRequest.prototype': ['write', 'end', 'setHeader'] },
  https: { '': ['request', 'get'] },
  net: { '': ['connect'], 'Socket.prototype': ['connect'] },
  tls: { '': ['connect'] },
  dns: { '': ['lookup'] },
  child_process: { '': ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] },
  module: { '': ['_load', '_resolveFilename'], prototype: ['require', '_compile'] },
  events: { prototype: ['emit'] },
  crypto: { '': ['createHmac', 'createHash', 'createDecipheriv'] },
};

/** Functions that stand in one object. */
export interface Group {
  readonly where: string;
  readonly holder: Readonly<Record<string, unknown>>;
  readonly keys: readonly string[];
  /** What stood under each key when the group was made; undefined for what is no function of the holder's own. */
  readonly initial: readonly unknown[];
  /** The same as it was last looked at. */
  readonly values: unknown[];
}

const kept: Kept<readonly Group[]> = shared('functions');

/** The groups as they stood when the first handler of the sandbox was wrapped. */
export function notedFunctions(state: SandboxState): readonly Group[] {
  const known = kept.get(state);
  if (known !== undefined) return known;
  const groups = builtinGroups();
  kept.set(state, groups);
  return groups;
}

/** Every group, of modules that are loaded. */
export function builtinGroups(): Group[] {
  const groups: Group[] = [];
  addGroups(groups, '', globalThis, GLOBALS);
  addGroups(groups, 'process', process, { '': ['dlopen', 'getBuiltinModule'] }); // an accessor of the global object
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
  for (const name of Object.keys(MODULES))
    if (loaded.includes(`NativeModule ${name}`))
      addGroups(groups, name, process.getBuiltinModule(name), MODULES[name] ?? {});
  return groups;
}

function addGroups(groups: Group[], name: string, root: unknown, table: Table): void {
  for (const path of Object.keys(table))
    groups.push(
      groupOf(name === '' || path === '' ? name + path : `${name}.${path}`, holderIn(root, path), table[path]),
    );
}

/** Where a function stands. */
export interface Place {
  readonly name: string;
  readonly holder: Readonly<Record<string, unknown>>;
  readonly key: string;
  readonly initial: unknown;
}

/** Every place, one by one. */
export function builtinPlaces(groups: readonly Group[] = builtinGroups()): Place[] {
  return groups.flatMap(({ where, holder, keys, initial }) =>
    keys.flatMap((key, index) =>
      initial[index] === undefined
        ? []
        : [{ name: where === '' ? key : `${where}.${key}`, holder, key, initial: initial[index] }],
    ),
  );
}

/** By name, what stood at each place when its group was made. */
export function namedBuiltins(groups: readonly Group[]): Map<string, unknown> {
  return new Map(builtinPlaces(groups).map(({ name, initial }) => [name, initial]));
}

/** By name, what stands at each place now. */
export function currentBuiltins(): Map<string, unknown> {
  return namedBuiltins(builtinGroups());
}

function groupOf(where: string, holder: unknown, keys: readonly string[] = []): Group {
  const held = isHolder(holder) ? holder : {};
  const initial = keys.map((key): unknown => {
    const value = valueIn(held, key);
    return typeof value === 'function' ? value : undefined;
  });
  return { where, holder: held, keys, initial, values: [...initial] };
}

/** What stands there, be it inherited. A replacement is a member of its own before it. No getter is run. */
function valueIn(held: object, key: string): unknown {
  for (let holder: object | null = held; holder !== null; holder = Reflect.getPrototypeOf(holder)) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, key);
    if (descriptor !== undefined) return descriptor.value;
  }
  return undefined;
}

function holderIn(root: unknown, path: string): unknown {
  if (path === '') return root;
  let holder = root;
  for (const step of path.split('.'))
    holder = isHolder(holder) ? (Object.getOwnPropertyDescriptor(holder, step)?.value as unknown) : undefined;
  return holder;
}

function isHolder(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
