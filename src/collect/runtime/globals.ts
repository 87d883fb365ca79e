/** Names on the global object that neither the language nor Node puts there, and listeners of the process. */
import { types } from 'node:util';
import type { Realm } from './realm.ts';

/** Names that Node.js 22 and 24 define besides those of a bare context. */
const OF_NODE: ReadonlySet<string> = new Set(
  (
    'global process Buffer clearImmediate setImmediate clearInterval clearTimeout setInterval setTimeout ' +
    'queueMicrotask structuredClone atob btoa ' +
    'URL URLSearchParams URLPattern DOMException AbortController AbortSignal Event EventTarget CustomEvent ' +
    'EventSource TextEncoder TextDecoder ' +
    'TransformStream TransformStreamDefaultController WritableStream WritableStreamDefaultController ' +
    'WritableStreamDefaultWriter ReadableStream ' +
    'ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest ' +
    'ReadableByteStreamController ReadableStreamDefaultController ' +
    'ByteLengthQueuingStrategy CountQueuingStrategy TextEncoderStream TextDecoderStream CompressionStream ' +
    'DecompressionStream BroadcastChannel ' +
    'MessageChannel MessagePort MessageEvent Blob File Performance PerformanceEntry PerformanceMark ' +
    'PerformanceMeasure PerformanceObserver ' +
    'PerformanceObserverEntryList PerformanceResourceTiming performance fetch FormData Headers Request Response ' +
    'CloseEvent WebSocket ' +
    'Navigator navigator crypto Crypto CryptoKey SubtleCrypto Storage localStorage sessionStorage'
  ).split(' '),
);

export interface ExtraGlobal {
  readonly name: string;
  readonly type: string;
  /** Name of the function, or of the class of the object. */
  readonly of?: string;
}

/** Of each list; the rest is counted. */
const MAX_EXTRA = 500;

export interface Extra<T> {
  readonly found: T;
  /** What the list has no room for. */
  readonly beyond: number;
}

/**
 * Lists what was added. Types only: a value may be anything, secrets included. `Symbol(undici.globalDispatcher.N)`, of
 * class Agent, is Node's own once `http` is loaded; it is listed because code that replaces it sees every fetch.
 */
export function extraGlobals(realm: Realm): Extra<readonly ExtraGlobal[]> {
  const extra: ExtraGlobal[] = [];
  let beyond = 0;
  for (const key of realm.ownKeys(globalThis)) {
    if (key === Symbol.toStringTag || realm.descriptor(realm.global, key) !== undefined) continue;
    if (typeof key === 'string' && OF_NODE.has(key)) continue;
    const property = realm.descriptor(globalThis, key);
    if (property === undefined) continue;
    if (extra.length >= MAX_EXTRA) {
      beyond += 1;
      continue;
    }
    const value: unknown = property.value;
    const type = 'value' in property ? (types.isProxy(value) ? 'proxy' : typeof value) : 'accessor';
    const of = type === 'function' || type === 'object' ? classOf(realm, value) : undefined;
    extra.push({ name: String(key).slice(0, 200), type, ...(of === undefined ? {} : { of: of.slice(0, 200) }) });
  }
  return { found: extra, beyond };
}

function classOf(realm: Realm, value: unknown): string | undefined {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined;
  const prototype = typeof value === 'function' ? value : realm.prototypeOf(value);
  if (prototype === null || types.isProxy(prototype)) return undefined;
  const made: unknown = typeof value === 'function' ? value : realm.descriptor(prototype, 'constructor')?.value;
  if (typeof made !== 'function' || types.isProxy(made)) return undefined;
  const name: unknown = realm.descriptor(made, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Events of `process` that somebody listens to, with the number of listeners: who swallows a crash or a signal. */
export function processListeners(realm: Realm): Extra<Readonly<Record<string, number>>> {
  const events: unknown = realm.descriptor(process, '_events')?.value;
  if (typeof events !== 'object' || events === null || types.isProxy(events)) return { found: {}, beyond: 0 };
  const counts = new Map<string, number>();
  let beyond = 0;
  for (const key of realm.ownKeys(events)) {
    const listeners: unknown = realm.descriptor(events, key)?.value;
    if (listeners === undefined) continue;
    if (counts.size >= MAX_EXTRA) beyond += 1;
    else counts.set(String(key), Array.isArray(listeners) && !types.isProxy(listeners) ? listeners.length : 1);
  }
  return { found: Object.fromEntries(counts), beyond };
}
