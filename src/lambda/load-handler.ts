/**
 * Loads the module of a handler as the runtime client would: the same files in the same order, `require` where it
 * requires and `import` where it imports. So a function behind the layer finds what it would find in front of it.
 *
 * What user code throws while it is loaded is passed on as it is. The client, which loads us, then makes of it what it
 * would have made: Runtime.UserCodeSyntaxError, Runtime.ImportModuleError, or the error itself.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { RuntimeGeneration } from './generation.ts';
import { findHandler, parseHandlerName, type HandlerName } from './handler-name.ts';

/** Where the client looks from. */
export interface LoadPlace {
  readonly generation: RuntimeGeneration;
  /** LAMBDA_TASK_ROOT. */
  readonly appRoot: string;
  /** The `require` of the client's own module: it stands in the messages of what cannot be found. */
  readonly require: NodeJS.Require;
  /** `import()`, from the module that the client loads. */
  readonly load: (path: string) => Promise<unknown>;
}

/**
 * Gives the function of this name.
 *
 * @throws Runtime.MalformedHandlerName, Runtime.HandlerNotFound, and whatever the module throws.
 */
export async function loadHandler(name: string, place: LoadPlace): Promise<unknown> {
  const parsed = parseHandlerName(name, place.generation);
  const exported = await (place.generation === 'v3' ? loadV3 : loadV4)(place, parsed);
  return findHandler(exported, parsed, place.generation);
}

/** aws-lambda-ric 4, src/function/module-loader.ts. */
async function loadV4({ appRoot, require, load }: LoadPlace, { root, module }: HandlerName): Promise<unknown> {
  const folder = root.replace(/\/$/u, '');
  const file = resolve(appRoot, folder, module);
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    if (existsSync(file + extension)) return load(file + extension);
  }
  return require(require.resolve(module, { paths: [appRoot, join(appRoot, folder)] }));
}

/**
 * aws-lambda-ric 3, src/UserFunction.js. An export that is a promise is awaited, because `async` functions return it.
 */
async function loadV3({ appRoot, require, load }: LoadPlace, { root, module }: HandlerName): Promise<unknown> {
  const file = resolve(appRoot, root, module);
  const required = (extension: string): unknown =>
    existsSync(file + extension) ? require(file + extension) : undefined;
  const imported = async (extension: string): Promise<unknown> =>
    existsSync(file + extension) ? load(file + extension) : undefined;

  const bare = required('');
  if (bare) return bare;
  const isModule = existsSync(`${file}.js`) && isInModulePackage(resolve(dirname(`${file}.js`)));
  const script = isModule ? undefined : required('.js');
  if (script) return script;
  if (isModule) return load(`${file}.js`);
  const found = (await imported('.mjs')) ?? required('.cjs');
  if (found) return found;
  return require(require.resolve(module, { paths: [appRoot, root] }));
}

/** Whether the nearest package.json says `type: module`. */
function isInModulePackage(folder: string): boolean {
  if (folder.endsWith('/node_modules')) return false;
  const file = join(folder, '/package.json');
  if (existsSync(file)) {
    try {
      const described = JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown } | null;
      if (described) return described.type === 'module';
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  return folder === '/' ? false : isInModulePackage(resolve(folder, '..'));
}
