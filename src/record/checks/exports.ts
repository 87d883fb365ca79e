/** Exports and methods of modules that are loaded: CommonJS alone, since nobody lists the modules of ES. */
import { withoutSecrets } from '../withheld.ts';
import { hasChanged, type Check, type Noted, type Teller } from './check.ts';

/** Properties that one check compares: a microsecond holds eight checks of this size. */
const EACH = 24;
/** Of one module. */
const MAX_EXPORTS = 64;
const MAX_METHODS = 32;
const MAX_NOTES = 384;
/** Modules in all. */
const MAX_MODULES = 4000;

type Cache = Readonly<Record<string, { readonly loaded?: unknown; readonly exports?: unknown } | undefined>>;

export interface ModuleChecks {
  /** Checks of modules that have come since the last call; `told` hears of each. */
  readonly fresh: (told?: Teller) => Check[];
}

/** @param cache - `require.cache` */
export function moduleChecks(cache: Cache): ModuleChecks {
  const known = new Set<string>();
  return {
    fresh: (told) => {
      const checks: Check[] = [];
      for (const path in cache) {
        if (known.has(path)) continue;
        // An intruder may put as many names there as he likes.
        if (known.size >= MAX_MODULES) break;
        known.add(path);
        checks.push(checkOf(cache, path));
        told?.put(path.endsWith('.node') ? 'addon' : 'module', withoutSecrets(path));
      }
      return checks;
    },
  };
}

/** What stands in a module is noted in its first turn, and compared in the next ones. */
function checkOf(cache: Cache, path: string): Check {
  let notes: Noted[] | undefined;
  let from = 0;
  return {
    weight: 1,
    ask: (recorder) => {
      const module = cache[path];
      if (module?.loaded !== true) return;
      if (notes === undefined) {
        notes = notesOf(path, module);
        return;
      }
      const to = Math.min(notes.length, from + EACH);
      for (let at = from; at < to; at += 1) {
        const note = notes[at];
        if (note !== undefined && hasChanged(note)) recorder.put('method', note.name);
      }
      from = to === notes.length ? 0 : to;
    },
  };
}

function notesOf(path: string, module: object): Noted[] {
  const notes: Noted[] = [];
  note(notes, path, module, 'exports');
  const exports = (module as { exports?: unknown }).exports;
  if (!isHolder(exports)) return notes;
  for (const key of Object.keys(exports).slice(0, MAX_EXPORTS)) {
    const value = note(notes, `${path} ${key}`, exports, key);
    if (typeof value !== 'function') continue;
    const prototype = Object.getOwnPropertyDescriptor(value, 'prototype')?.value as unknown;
    if (!isHolder(prototype)) continue;
    for (const method of Object.getOwnPropertyNames(prototype).slice(0, MAX_METHODS)) {
      if (notes.length < MAX_NOTES) note(notes, `${path} ${key}.${method}`, prototype, method);
    }
  }
  return notes;
}

/** Functions alone, and what a module exports as a whole. No getter is run. */
function note(notes: Noted[], name: string, holder: object, key: string): unknown {
  const value: unknown = Object.getOwnPropertyDescriptor(holder, key)?.value;
  if (typeof value === 'function' || key === 'exports')
    notes.push({ name, holder: holder as Readonly<Record<string, unknown>>, key, value });
  return value;
}

function isHolder(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
