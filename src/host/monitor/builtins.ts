/**
 * The functions of Node and of the language through which everything goes, as they are now. No getter is run, nothing
 * is loaded.
 */

const GLOBALS: readonly string[] = [
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'JSON.parse',
  'JSON.stringify',
  'Promise.prototype.then',
  'Function.prototype.call',
  'Function.prototype.apply',
  'Reflect.apply',
  'Object.defineProperty',
  'Array.prototype.push',
  'process.dlopen',
  'process.getBuiltinModule',
];

const MODULES: Readonly<Record<string, readonly string[]>> = {
  fs: ['readFile', 'readFileSync', 'openSync', 'writeFileSync', 'createReadStream'],
  http: ['request', 'get'],
  https: ['request', 'get'],
  net: ['connect', 'Socket.prototype.connect'],
  tls: ['connect'],
  dns: ['lookup'],
  child_process: ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'],
  module: ['_load', '_resolveFilename', 'prototype.require', 'prototype._compile'],
  events: ['prototype.emit'],
  crypto: ['createHmac', 'createHash', 'createDecipheriv'],
};

/** Where a function stands. */
export interface Place {
  readonly name: string;
  readonly holder: Readonly<Record<string, unknown>>;
  readonly key: string;
}

/** Every place, of modules that are loaded. */
export function builtinPlaces(): Place[] {
  // `process` is an accessor of the global object.
  const roots: Readonly<Record<string, unknown>> = { process };
  const places = GLOBALS.map((path) => placeOf(path.startsWith('process.') ? roots : globalThis, path, path));
  const loaded = new Set((process as { moduleLoadList?: readonly string[] }).moduleLoadList);
  for (const name in MODULES) {
    if (!loaded.has(`NativeModule ${name}`)) continue;
    const exports: unknown = process.getBuiltinModule(name);
    for (const path of MODULES[name] ?? []) places.push(placeOf(exports, path, `${name}.${path}`));
  }
  return places.filter((place) => place !== undefined);
}

/** By name, what stands at each place now. */
export function currentBuiltins(places: readonly Place[] = builtinPlaces()): Map<string, unknown> {
  return new Map(
    places.map(({ name, holder, key }) => [name, Object.getOwnPropertyDescriptor(holder, key)?.value as unknown]),
  );
}

function placeOf(from: unknown, path: string, name: string): Place | undefined {
  const steps = path.split('.');
  const key = steps.pop() ?? '';
  let at = from;
  for (const step of steps) {
    if (!isHolder(at)) return undefined;
    at = Object.getOwnPropertyDescriptor(at, step)?.value;
  }
  // Inherited members stand elsewhere, and a getter would have to be run.
  return isHolder(at) && typeof Object.getOwnPropertyDescriptor(at, key)?.value === 'function'
    ? { name, holder: at, key }
    : undefined;
}

function isHolder(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
