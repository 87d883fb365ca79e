/** What is loaded in this process, as far as JavaScript can know. */
import module from 'node:module';
import { types } from 'node:util';

export interface LoadedModules {
  /** Keys of the CommonJS cache: absolute paths, or what a loader made of them. */
  readonly commonjs: readonly CommonJsModule[];
  readonly commonjsUnread: number;
  /** Modules of Node itself, internal ones included, in the order of loading. */
  readonly builtin: readonly string[];
  /** What cannot be known from here. */
  readonly notKnown: readonly string[];
}

interface CommonJsModule {
  readonly path: string;
  /** False while it is being loaded, and forever if its code threw. */
  readonly loaded: boolean | undefined;
  readonly requires: number;
  /** Stands in a tree that the function can write: code that was dropped there runs. */
  readonly writable?: true;
}

const MAX_MODULES = 20_000;

const NOT_KNOWN = [
  'ES modules: their cache is not public; the collector `scripts` (opt-in) lists every script that V8 holds',
  'modules that were taken out of the cache again',
];

/** Lists what is loaded. Data properties only: no getter and no proxy of a replaced cache is run. */
export function loadedModules(writable: readonly string[]): LoadedModules {
  const cache: unknown = Object.getOwnPropertyDescriptor(module, '_cache')?.value;
  const readable = typeof cache === 'object' && cache !== null && !types.isProxy(cache);
  const paths = readable ? Object.keys(cache) : [];
  const commonjs = paths.slice(0, MAX_MODULES).map((path): CommonJsModule => {
    const entry: unknown = Object.getOwnPropertyDescriptor(cache, path)?.value;
    const children = own(entry, 'children');
    const loaded = own(entry, 'loaded');
    return {
      path,
      loaded: typeof loaded === 'boolean' ? loaded : undefined,
      requires: Array.isArray(children) && !types.isProxy(children) ? children.length : 0,
      ...(writable.some((root) => path.startsWith(`${root}/`)) ? { writable: true as const } : {}),
    };
  });
  return {
    commonjs,
    commonjsUnread: paths.length - commonjs.length,
    builtin: builtinModules(),
    notKnown: readable ? NOT_KNOWN : [...NOT_KNOWN, 'CommonJS modules: the cache was replaced'],
  };
}

/** `fs`, `internal/url`, …: the modules of Node that were loaded, snapshot included. */
export function builtinModules(): readonly string[] {
  const list = own(process, 'moduleLoadList');
  if (!Array.isArray(list)) return [];
  return list
    .map(String)
    .filter((line) => line.startsWith('NativeModule '))
    .map((line) => line.slice('NativeModule '.length));
}

function own(object: unknown, key: string): unknown {
  if (typeof object !== 'object' || object === null || types.isProxy(object)) return undefined;
  return Object.getOwnPropertyDescriptor(object, key)?.value;
}
