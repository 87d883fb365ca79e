/**
 * Node's own functions, which are JavaScript and so have no `[native code]` to show: where they are defined tells.
 *
 * V8's inspector gives the script and line of a function ([[FunctionLocation]]) without running it and without enabling
 * the debugger. Every group below has an anchor that stands in the same file of Node and that nobody wraps. A function
 * of the group in another script was put there by someone. Only modules that are loaded are looked at.
 */
import type { Session } from 'node:inspector';
import { types } from 'node:util';
import { describeError } from '../../errors.ts';
import { functionPlaces, type FunctionPlace } from '../../proc/function-places.ts';
import { sourceOf, type Patch, type Realm } from './realm.ts';

/**
 * Functions of one file of Node: `anchor` and `names` are paths of own properties, `get:x` the getter of an accessor.
 */
interface Group {
  readonly module: string;
  readonly anchor: string;
  readonly names: readonly string[];
}

const GROUPS: readonly Group[] = [
  {
    module: 'fs',
    anchor: 'get:promises',
    names: ['readFile', 'readFileSync', 'openSync', 'writeFileSync', 'createReadStream'],
  },
  { module: 'http', anchor: 'get:maxHeaderSize', names: ['request', 'get'] },
  {
    module: '_http_outgoing',
    anchor: 'OutgoingMessage/prototype/getHeaderNames',
    names: ['OutgoingMessage/prototype/write', 'OutgoingMessage/prototype/end'],
  },
  { module: 'https', anchor: 'Server', names: ['request', 'get'] },
  { module: 'net', anchor: '_normalizeArgs', names: ['connect', 'Socket/prototype/connect'] },
  { module: 'tls', anchor: 'TLSSocket', names: ['connect'] },
  { module: 'dns', anchor: 'lookupService', names: ['lookup'] },
  {
    module: 'child_process',
    anchor: '_forkChild',
    names: ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'],
  },
  {
    module: 'module',
    anchor: '_nodeModulePaths',
    names: ['_load', '_resolveFilename', 'prototype/require', 'prototype/_compile', '_extensions/.js'],
  },
  { module: 'events', anchor: 'prototype/setMaxListeners', names: ['prototype/emit'] },
  { module: 'crypto', anchor: 'createECDH', names: ['createHmac', 'createDecipheriv'] },
];

/** Globals of Node that are JavaScript, by the beginning of their text in Node.js 22 and 24. */
const GLOBALS: ReadonlyMap<string, string> = new Map([
  ['fetch', 'function fetch('],
  ['setTimeout', 'function setTimeout('],
  ['setInterval', 'function setInterval('],
  ['setImmediate', 'function setImmediate('],
  ['queueMicrotask', 'function queueMicrotask('],
]);

interface Checked {
  readonly name: string;
  readonly target: unknown;
}

export interface NativesFound {
  readonly patches: readonly Patch[];
  /** Why places of definition are not known. */
  readonly unknown?: string;
}

/** Compares Node's functions with where they belong, a group at a time. Never throws. */
export async function comparedNatives(
  realm: Realm,
  loaded: ReadonlySet<string>,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<NativesFound> {
  const patches = comparedGlobals(realm);
  let open: () => Session;
  try {
    // A millisecond to load, and Node may be built without it.
    const inspector = await import('node:inspector');
    open = () => new inspector.Session();
  } catch (cause) {
    return { patches, unknown: describeError(cause) };
  }
  for (const group of GROUPS) {
    if (!loaded.has(group.module)) continue;
    try {
      patches.push(...comparedGroup(realm, group, open));
    } catch (cause) {
      return { patches, unknown: describeError(cause) };
    }
    await yieldIfDue();
  }
  return { patches };
}

function comparedGroup(realm: Realm, group: Group, open: () => Session): Patch[] {
  const exports: unknown = process.getBuiltinModule(group.module);
  const checked = [group.anchor, ...group.names].map((path): Checked => {
    const name = `${group.module}.${path.replace('get:', '').replaceAll('/', '.')}`;
    return { name, target: lookUp(realm, exports, path) };
  });
  const [anchor, ...places] = locate(
    checked.map(({ target }) => (isOpen(target) ? target : undefined)),
    open(),
  );
  return checked.slice(1).flatMap(({ name, target }, index): Patch[] => {
    if (types.isProxy(target)) return [{ name, fact: 'proxy' }];
    if (typeof target !== 'function') return [{ name, fact: target === GETTER ? 'accessor' : 'removed' }];
    const place = places[index];
    if (place !== undefined && place.scriptId === anchor?.scriptId) return marksOf(realm, name, target);
    const detail =
      place === undefined
        ? 'native, bound or not to be located'
        : `defined in script ${describe(place)}, its siblings in ${anchor?.scriptId ?? 'none'}`;
    return [...marksOf(realm, name, target), { name, fact: 'foreign', detail, ...sourceOf(realm, target) }];
  });
}

function isOpen(target: unknown): boolean {
  return typeof target === 'function' && !types.isProxy(target);
}

function comparedGlobals(realm: Realm): Patch[] {
  return [...GLOBALS].flatMap(([name, text]): Patch[] => {
    const property = realm.descriptor(globalThis, name);
    const value: unknown = property?.value;
    if (types.isProxy(value)) return [{ name, fact: 'proxy' }];
    if (typeof value !== 'function') return [{ name, fact: property === undefined ? 'removed' : 'accessor' }];
    return realm.textOf(value).startsWith(text)
      ? marksOf(realm, name, value)
      : [{ name, fact: 'replaced', ...sourceOf(realm, value) }];
  });
}

const GETTER: unique symbol = Symbol('getter');

/** Follows a path of own data properties; a getter on the way is not run. */
function lookUp(realm: Realm, from: unknown, path: string): unknown {
  let at = from;
  for (const step of path.split('/')) {
    if (at === null || (typeof at !== 'object' && typeof at !== 'function') || types.isProxy(at)) return at;
    const property = realm.descriptor(at, step.replace(/^get:/u, ''));
    if (step.startsWith('get:')) return (property as { get?: unknown } | undefined)?.get;
    if (property !== undefined && 'get' in property) return GETTER;
    at = property?.value;
  }
  return at;
}

const ORDINARY: ReadonlySet<string> = new Set(['length', 'name', 'prototype', 'arguments', 'caller', 'native']);

const MAX_MARKS = 8;

/**
 * Properties that wrappers leave on a function (`__original`, `__wrapped`, `_datadog…`). Constructors have their own.
 */
function marksOf(realm: Realm, name: string, target: object): Patch[] {
  if (
    realm.descriptor(target, 'prototype')?.writable === false ||
    (/[A-Z]\w*$/u.test(name) && !name.includes('.prototype.'))
  )
    return [];
  const marks = realm.ownKeys(target).filter((key) => typeof key === 'string' && !ORDINARY.has(key));
  const more = marks.length > MAX_MARKS ? ` and ${marks.length - MAX_MARKS} more` : '';
  return marks.length === 0
    ? []
    : [{ name, fact: 'wrapped', detail: `carries ${marks.slice(0, MAX_MARKS).map(String).join(', ')}${more}` }];
}

function describe({ scriptId, lineNumber, columnNumber }: FunctionPlace): string {
  return `${scriptId}:${lineNumber + 1}:${columnNumber + 1}`;
}

/** In a session of its own. */
function locate(targets: readonly unknown[], session: Session): (FunctionPlace | undefined)[] {
  session.connect();
  try {
    return functionPlaces(session, targets);
  } finally {
    session.disconnect();
  }
}
