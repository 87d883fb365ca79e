/**
 * From the handler's name to the function, by the rules of the two runtime clients, error types and messages included:
 * aws-lambda-ric 3 (src/UserFunction.js, src/Errors.js) and 4 (src/utils/handler-path.ts,
 * src/function/handler-resolver.ts, src/utils/errors.ts).
 */
import { basename } from 'node:path';
import type { RuntimeGeneration } from './generation.ts';

/** A handler's name, taken apart: `dir/module.a.b` is root `dir/`, module `module`, path `a.b`. */
export interface HandlerName {
  readonly full: string;
  readonly root: string;
  readonly module: string;
  readonly path: string;
}

type RuntimeErrorName = 'MalformedHandlerName' | 'HandlerNotFound';

/** An error as the client itself would make it: its type and message are what the platform and the caller are told. */
class RuntimeError extends Error {}

/**
 * Version 3 names its errors by their prototype, version 4 by a property of each, which its log line then shows.
 */
export function runtimeError(generation: RuntimeGeneration, name: RuntimeErrorName, message: string): Error {
  const type = `Runtime.${name}`;
  if (generation === 'v4') return Object.assign(new RuntimeError(message), { name: type });
  class Named extends RuntimeError {
    static {
      Object.defineProperty(this.prototype, 'name', { value: type });
    }
  }
  return new Named(message);
}

/** @throws Runtime.MalformedHandlerName */
export function parseHandlerName(full: string, generation: RuntimeGeneration): HandlerName {
  if (full.includes('..')) {
    throw runtimeError(
      generation,
      'MalformedHandlerName',
      `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const last = basename(full);
  const [, module, path] = /^([^.]*)\.(.*)$/u.exec(last) ?? [];
  if (module === undefined || path === undefined) throw runtimeError(generation, 'MalformedHandlerName', 'Bad handler');
  return { full, root: full.slice(0, full.indexOf(last)), module, path };
}

/**
 * Finds the function in what the module exports. Version 3 goes through functions and has no default export to fall
 * back on. Version 4 goes through objects only and tries the default export as well.
 *
 * @throws Runtime.HandlerNotFound
 */
export function findHandler(exported: unknown, { full, path }: HandlerName, generation: RuntimeGeneration): unknown {
  let found = generation === 'v3' ? through(exported, path) : throughObjects(exported, path);
  if (!found && generation === 'v4') found = inDefault(exported, path);
  if (!found) throw runtimeError(generation, 'HandlerNotFound', `${full} is undefined or not exported`);
  if (typeof found !== 'function') throw runtimeError(generation, 'HandlerNotFound', `${full} is not a function`);
  return found;
}

type Holder = Readonly<Record<string, unknown>>;

function through(exported: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((nested, key) => nested && (nested as Holder)[key], exported);
}

function throughObjects(exported: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (nested, key) => (nested && typeof nested === 'object' ? (nested as Holder)[key] : undefined),
      exported,
    );
}

function inDefault(exported: unknown, path: string): unknown {
  return typeof exported === 'object' && exported !== null && 'default' in exported
    ? throughObjects(exported.default, path)
    : undefined;
}
