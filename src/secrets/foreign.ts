/**
 * Values that JSON does not know, as plain ones: without calling a getter, a proxy trap, `toJSON` or `toString` of the
 * value. All of these may be code of the function or of an intruder.
 */
import { types } from 'node:util';

/** A value that JSON knows, or a list or record whose members are still to be converted. */
export type Plain =
  | { readonly kind: 'leaf'; readonly value: string | number | boolean | null }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'list'; readonly length: number; readonly at: (index: number) => unknown }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly get: (key: string) => unknown };

export const GETTER = '<getter>';
export const UNREADABLE = '<unreadable>';

const leaf = (value: string | number | boolean | null): Plain => ({ kind: 'leaf', value });

/** An object that is neither null nor a function, taken apart. */
export function takeApart(value: object): Plain {
  if (types.isProxy(value)) return leaf('<proxy>');
  try {
    if (Array.isArray(value))
      return { kind: 'list', length: value.length, at: (index) => property(value, String(index)) };
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return takeBytes(value);
    if (types.isDate(value)) return leaf(dateText(value));
    if (types.isRegExp(value)) return leaf('<regexp>');
    if (types.isMap(value)) return takeMap(value);
    if (types.isSet(value)) return list([...Set.prototype.values.call(value)]);
    if (isError(value)) return takeError(value);
    return { kind: 'record', keys: Object.keys(value), get: (key) => readable(value, key) };
  } catch {
    return leaf(UNREADABLE);
  }
}

function list(values: readonly unknown[]): Plain {
  return { kind: 'list', length: values.length, at: (index) => values[index] };
}

function takeBytes(value: ArrayBufferView | ArrayBufferLike): Plain {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  return { kind: 'bytes', bytes };
}

function dateText(value: Date): string {
  const time = Date.prototype.getTime.call(value);
  return Number.isNaN(time) ? 'Invalid Date' : new Date(time).toISOString();
}

function takeMap(value: ReadonlyMap<unknown, unknown>): Plain {
  const entries = [...(Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>)];
  if (!entries.every((entry): entry is [string, unknown] => typeof entry[0] === 'string')) return list(entries);
  return {
    kind: 'record',
    keys: entries.map(([key]) => key),
    get: (key) => Map.prototype.get.call(value, key) as unknown,
  };
}

/** The value of a data property, found without running code. */
function property(value: object, key: string): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  if (descriptor === undefined) return undefined;
  return 'value' in descriptor ? descriptor.value : GETTER;
}

function readable(value: object, key: string): unknown {
  try {
    return property(value, key);
  } catch {
    return UNREADABLE; // a binding of a module that is not initialised yet
  }
}

/** V8's own accessor of `stack`; any other getter there is somebody's code. */
const NATIVE_STACK = accessorOf(new TypeError('probe'), 'stack');
const ERROR_FIELDS = ['name', 'message', 'stack', 'code', 'cause', 'errors'];

function takeError(error: object): Plain {
  const own = Object.keys(error).filter((key) => !ERROR_FIELDS.includes(key));
  const get = (key: string): unknown => {
    if (key === 'stack') return stackOf(error);
    return ERROR_FIELDS.includes(key) ? inherited(error, key) : readable(error, key);
  };
  return { kind: 'record', keys: [...ERROR_FIELDS, ...own], get };
}

function stackOf(error: object): unknown {
  const get = accessorOf(error, 'stack');
  return get === undefined || get !== NATIVE_STACK ? inherited(error, 'stack') : Reflect.apply(get, error, []);
}

function accessorOf(value: object, key: string): ((this: unknown) => unknown) | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(value, key) as
    | { readonly get?: (this: unknown) => unknown }
    | undefined;
  return descriptor?.get;
}

/** Of this realm by its prototype, of another one by its stack. */
function isError(value: object): boolean {
  if (Object.getOwnPropertyDescriptor(value, 'stack') !== undefined) return true;
  for (const holder of prototypesOf(value)) if (holder === Error.prototype) return true;
  return false;
}

/** The object and what it inherits from, as far as no proxy stands in the way. */
function* prototypesOf(value: object): Generator<object> {
  let holder: object | null = value;
  for (let depth = 0; holder !== null && depth < 16 && !types.isProxy(holder); depth++) {
    yield holder;
    holder = Object.getPrototypeOf(holder) as object | null;
  }
}

/** A data property of the object or of its prototypes. */
function inherited(value: object, key: string): unknown {
  for (const holder of prototypesOf(value)) {
    if (Object.getOwnPropertyDescriptor(holder, key) !== undefined) return property(holder, key);
  }
  return undefined;
}

/** Anything that is no object: as JSON, or as words. Undefined stands for undefined. */
export function primitive(value: unknown): string | number | boolean | null | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return value.toString();
    case 'symbol':
      return value.toString();
    case 'function':
      return `<function ${functionName(value)}>`;
    default:
      return null;
  }
}

function functionName(value: object): string {
  if (types.isProxy(value)) return 'proxy';
  const name = property(value, 'name');
  return typeof name === 'string' && name !== '' && name !== GETTER ? name.slice(0, 200) : '(anonymous)';
}
