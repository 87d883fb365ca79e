/** In `bundled.js`: unpacks the engine when its first part is due, and compiles it as one module of CommonJS. */
import { packed } from 'amber:packed';

type Parts = Readonly<Record<string, () => unknown>>;

let parts: Parts | undefined;

/** A module of `layer/engine.ts`, by its name there. */
export async function due(name: string): Promise<unknown> {
  parts ??= compile();
  return Promise.resolve(parts[name]?.());
}

function compile(): Parts {
  const { brotliDecompressSync } = process.getBuiltinModule('node:zlib');
  const { compileFunction } = process.getBuiltinModule('node:vm');
  const text = brotliDecompressSync(Buffer.from(packed().join(''), 'base64')).toString('latin1');
  const made = {};
  const module = compileFunction(text, ['exports', 'require', 'module'], { filename: 'amber-engine.js' }) as (
    ...given: unknown[]
  ) => void;
  module(made, requireOf(process.env), { exports: made });
  return made;
}

/**
 * The packages of the function and of the runtime: the SDK, where a capture uses it. A bundle lies anywhere in the task
 * root.
 *
 * Node looks in `$HOME/.node_modules` as well (Modules: CommonJS, "Loading from the global folders"). HOME is often
 * /tmp in a sandbox, where the attacker writes: what is found there is not loaded.
 */
function requireOf({ LAMBDA_TASK_ROOT: root, HOME: home }: NodeJS.ProcessEnv): (name: string) => unknown {
  const found = process.getBuiltinModule('node:module').createRequire(`${root ?? process.cwd()}/amber-engine.js`);
  return (name) => {
    if (home !== undefined && found.resolve(name).startsWith(`${home}/.node_`)) {
      throw Object.assign(new TypeError(`${name} is found in a global folder of HOME alone, and is not loaded`), {
        code: 'MODULE_NOT_FOUND',
      });
    }
    return found(name) as unknown;
  };
}
