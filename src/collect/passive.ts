/**
 * A copy of somebody else's value, as plain JSON, without running any of their code: own data properties by their
 * descriptors, no getters, no proxies, no toJSON. What is left out says so in its place.
 */
import { types } from 'node:util';
import { many } from '../many.ts';

/** Bounds of one copy: an event or an error may be of any size and shape. */
export interface PassiveLimits {
  readonly depth: number;
  /** Values copied in all. */
  readonly values: number;
  /** Characters of one string. */
  readonly text: number;
}

export const PASSIVE_LIMITS: PassiveLimits = { depth: 12, values: 20_000, text: 256 * 1024 };

interface Walk {
  readonly limits: PassiveLimits;
  readonly open: Set<object>;
  left: number;
}

/** Copies any value. Never throws; marks in brackets stand for what has no plain form. */
export function passive(value: unknown, limits: PassiveLimits = PASSIVE_LIMITS): unknown {
  return copy(value, { limits, open: new Set(), left: limits.values }, 0);
}

function copy(value: unknown, walk: Walk, depth: number): unknown {
  walk.left -= 1;
  if (walk.left < 0) return '[left out: too many values]';
  if (typeof value === 'string') return short(value, walk.limits.text);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : `[${value}]`;
  if (typeof value === 'undefined') return '[undefined]';
  if (typeof value === 'bigint') return `[bigint ${value}]`;
  if (typeof value === 'symbol') return `[${value.toString()}]`;
  if (types.isProxy(value)) return '[proxy]';
  if (typeof value === 'function') return `[function ${nameOf(value)}]`;
  if (walk.open.has(value)) return '[circular]';
  if (depth >= walk.limits.depth) return '[left out: too deep]';
  walk.open.add(value);
  try {
    return copyObject(value, walk, depth + 1);
  } catch {
    return '[unreadable]';
  } finally {
    walk.open.delete(value);
  }
}

function copyObject(value: object, walk: Walk, depth: number): unknown {
  if (types.isDate(value)) return `[date ${String(Date.prototype.getTime.call(value))}]`;
  if (ArrayBuffer.isView(value)) return `[${many(value.byteLength, 'byte')}] ${sample(value)}`;
  if (types.isAnyArrayBuffer(value)) return `[${many(value.byteLength, 'byte')}]`;
  if (types.isMap(value))
    return { '[map]': [...Map.prototype.entries.call(value)].map((pair) => copy(pair, walk, depth)) };
  if (types.isSet(value))
    return { '[set]': [...Set.prototype.values.call(value)].map((item) => copy(item, walk, depth)) };
  if (types.isPromise(value)) return '[promise]';
  const isArray = Array.isArray(value);
  const plain: Record<string, unknown> = {};
  const list: unknown[] = [];
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol' || (isArray && key === 'length')) continue;
    if (walk.left <= 0) {
      define(plain, '[left out]', 'too many values');
      if (isArray) list.push('[left out: too many values]');
      break;
    }
    const copied = copy(read(value, key), walk, depth);
    if (isArray) list.push(copied);
    else define(plain, key, copied);
  }
  if (isArray) return list;
  return 'stack' in plain && 'message' in plain ? named(value, plain) : plain;
}

/** The getter of `stack` that V8 gives every error of this realm; any other accessor is somebody's code. */
const STACK: unknown = { ...Object.getOwnPropertyDescriptor(new TypeError(), 'stack') }.get;

function read(object: object, key: string): unknown {
  const property = Reflect.getOwnPropertyDescriptor(object, key);
  if (property === undefined) return '[gone]';
  if (property.get === undefined && property.set === undefined) return property.value;
  if (key === 'stack' && typeof STACK === 'function' && property.get === STACK) return Reflect.apply(STACK, object, []);
  return '[getter]';
}

/** An error's name stands on its prototype: found there as data, never through a getter. */
function named(error: object, plain: Record<string, unknown>): Record<string, unknown> {
  for (
    let at: object | null = error, steps = 0;
    at !== null && steps < 8;
    at = Reflect.getPrototypeOf(at), steps += 1
  ) {
    if (types.isProxy(at)) break;
    const name: unknown = Reflect.getOwnPropertyDescriptor(at, 'name')?.value;
    if (typeof name === 'string') return { name: short(name, 1024), ...plain };
  }
  return plain;
}

/** Assignment would meet a setter on `__proto__`. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function nameOf(target: object): string {
  const name: unknown = Reflect.getOwnPropertyDescriptor(target, 'name')?.value;
  return typeof name === 'string' ? short(name, 200) : '';
}

function short(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}[left out: ${many(text.length - most, 'character')}]`;
}

/** The head of a body that failed to be sent is often what explains the failure. */
function sample(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, 256)).toString('latin1');
}
