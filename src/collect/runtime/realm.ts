/**
 * The intrinsics of the JavaScript engine, compared with those of a fresh realm.
 *
 * A new context (vm, without Node's wrapping of its global) has pristine intrinsics of the very same engine, whatever
 * was done to ours: same names, same attributes, same `[native code]` text with the same function name in it. A bound
 * function or a proxy also claims native code, but not under the name. The walk uses the fresh realm's own
 * Reflect and toString, so that patched ones of ours do not answer for themselves. It reads descriptors only.
 *
 * Who owns the process can forge this too. It finds polyfills, instrumentation and the ordinary implant, not every one.
 */
import { types } from 'node:util';
import vm from 'node:vm';

/** A built-in that is not as the engine made it. A fact, not a verdict: instrumentation and polyfills do the same. */
export interface Patch {
  readonly name: string;
  /** `replaced`: another function. `differs`: another value, kind or attribute. `proxy`: a proxy, not looked into. */
  readonly fact: 'replaced' | 'added' | 'removed' | 'differs' | 'accessor' | 'proxy' | 'wrapped' | 'foreign';
  readonly detail?: string;
  /** The beginning of the source of the function that stands there now. */
  readonly source?: string;
}

export interface Realm {
  readonly global: object;
  readonly ownKeys: (target: object) => readonly (string | symbol)[];
  readonly descriptor: (target: object, key: string | symbol) => PropertyDescriptor | undefined;
  readonly prototypeOf: (target: object) => object | null;
  /** The text of a function of any realm, by the fresh realm's `Function.prototype.toString`. */
  readonly textOf: (target: unknown) => string;
}

/** Makes a realm: 0.7 ms and some 0.5 MB, which go with it. */
export function freshRealm(): Realm {
  const global = vm.createContext(vm.constants.DONT_CONTEXTIFY) as typeof globalThis;
  const { ownKeys, getOwnPropertyDescriptor, getPrototypeOf, apply } = global.Reflect;
  const toString: unknown = global.Reflect.get(global.Function.prototype, 'toString');
  return {
    global,
    ownKeys,
    descriptor: getOwnPropertyDescriptor,
    prototypeOf: getPrototypeOf,
    textOf: (target) => apply(toString as () => string, target, []),
  };
}

const INTRINSICS: readonly string[] = [
  'Object',
  'Function',
  'Array',
  'String',
  'Number',
  'Boolean',
  'Symbol',
  'BigInt',
  'Promise',
  'RegExp',
  'Date',
  'Error',
  'TypeError',
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'Proxy',
  'Reflect',
  'JSON',
  'Math',
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Uint8Array',
  'Atomics',
  'eval',
  'parseInt',
  'parseFloat',
  'isNaN',
  'decodeURIComponent',
  'encodeURIComponent',
  'WebAssembly',
];

/** What Node itself adds to the intrinsics of its main realm: no patch. Seen in Node.js 22 and 24. */
const OF_NODE: ReadonlyMap<string, string> = new Map([
  ['Error.prepareStackTrace', 'function ErrorPrepareStackTrace('],
  ['Symbol.dispose', ''],
  ['Symbol.asyncDispose', ''],
]);

/** Patches listed; a page of polyfills needs no more. */
const MAX_PATCHES = 500;
/** Stands for one that the list will not show: only counted. */
const UNSHOWN: Patch = { name: '', fact: 'added' };

/** Compares the intrinsics of a global object (ours) with a fresh realm's. */
export function comparedIntrinsics(realm: Realm, global: object = globalThis): readonly Patch[] {
  const patches: Patch[] = [];
  for (const name of INTRINSICS) {
    const fresh: unknown = realm.descriptor(realm.global, name)?.value;
    const property = realm.descriptor(global, name);
    if (fresh === undefined) continue;
    const patch = compareProperty(realm, name, property, realm.descriptor(realm.global, name));
    if (patch !== undefined) patches.push(patch);
    const ours: unknown = property?.value;
    if (isWalkable(ours) && isWalkable(fresh)) walk(realm, name, ours, fresh, patches);
  }
  return patches.length <= MAX_PATCHES
    ? patches
    : [
        ...patches.slice(0, MAX_PATCHES),
        { name: `and ${patches.length - MAX_PATCHES} more`, fact: 'differs', detail: 'beyond the limit of this list' },
      ];
}

/** A constructor with its prototype, or a namespace. */
function walk(realm: Realm, path: string, ours: object, fresh: object, patches: Patch[]): void {
  comparedObject(realm, path, ours, fresh, patches);
  const ourPrototype: unknown = realm.descriptor(ours, 'prototype')?.value;
  const freshPrototype: unknown = realm.descriptor(fresh, 'prototype')?.value;
  if (isWalkable(ourPrototype) && isWalkable(freshPrototype)) {
    comparedObject(realm, `${path}.prototype`, ourPrototype, freshPrototype, patches);
    // The hidden parents: %TypedArray%.prototype stands behind Uint8Array.prototype.
    const [ourParent, freshParent] = [realm.prototypeOf(ourPrototype), realm.prototypeOf(freshPrototype)];
    if (path === 'Uint8Array' && ourParent !== null && freshParent !== null && !types.isProxy(ourParent)) {
      comparedObject(realm, 'TypedArray.prototype', ourParent, freshParent, patches);
    }
  }
}

function comparedObject(realm: Realm, path: string, ours: object, fresh: object, patches: Patch[]): void {
  for (const key of realm.ownKeys(fresh)) {
    const patch = compareProperty(realm, join(path, key), realm.descriptor(ours, key), realm.descriptor(fresh, key));
    if (patch !== undefined) patches.push(patch);
  }
  for (const key of realm.ownKeys(ours)) {
    if (realm.descriptor(fresh, key) !== undefined) continue;
    const name = join(path, key);
    const property = realm.descriptor(ours, key);
    const expected = OF_NODE.get(name);
    if (
      expected !== undefined &&
      (typeof property?.value !== 'function' || realm.textOf(property.value).startsWith(expected))
    )
      continue;
    if (patches.length >= MAX_PATCHES) patches.push(UNSHOWN);
    else patches.push({ name, fact: 'added', ...sourceOf(realm, part(property, 'value') ?? part(property, 'get')) });
  }
}

function compareProperty(
  realm: Realm,
  name: string,
  ours: PropertyDescriptor | undefined,
  fresh: PropertyDescriptor | undefined,
): Patch | undefined {
  if (fresh === undefined) return undefined;
  if (ours === undefined) return { name, fact: 'removed' };
  if ('get' in ours !== 'get' in fresh)
    return { name, fact: 'get' in ours ? 'accessor' : 'differs', ...sourceOf(realm, part(ours, 'get')) };
  for (const slot of ['value', 'get', 'set'] as const) {
    const now = part(ours, slot);
    const then = part(fresh, slot);
    if (types.isProxy(now)) return { name, fact: 'proxy' };
    if (typeof now !== typeof then)
      return { name, fact: 'differs', detail: `${slot}: ${typeof now}`, ...sourceOf(realm, now) };
    if (typeof now === 'function' && realm.textOf(now) !== realm.textOf(then))
      return { name, fact: 'replaced', ...sourceOf(realm, now) };
    if (isPrimitive(now) && !Object.is(now, then)) return { name, fact: 'differs', detail: `${slot}: ${String(now)}` };
  }
  const moved = (['writable', 'enumerable', 'configurable'] as const).filter(
    (attribute) => ours[attribute] !== fresh[attribute],
  );
  return moved.length === 0
    ? undefined
    : { name, fact: 'differs', detail: moved.map((attribute) => `${attribute}: ${ours[attribute]}`).join(', ') };
}

/** The head of a function's source. */
export function sourceOf(realm: Realm, value: unknown): { source?: string } {
  return typeof value === 'function' && !types.isProxy(value) ? { source: realm.textOf(value).slice(0, 300) } : {};
}

/** A slot of a descriptor as a plain value: it is never called. */
function part(property: PropertyDescriptor | undefined, slot: 'value' | 'get' | 'set'): unknown {
  return (property as Record<string, unknown> | undefined)?.[slot];
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== 'function' && (typeof value !== 'object' || value === null);
}

function isWalkable(value: unknown): value is object {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && !types.isProxy(value);
}

function join(path: string, key: string | symbol): string {
  return typeof key === 'symbol' ? `${path}[${String(key)}]` : `${path}.${key}`;
}
