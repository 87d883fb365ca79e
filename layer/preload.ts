/**
 * `NODE_OPTIONS=--require /opt/nodejs/node_modules/lambda-amber/preload.cjs`: makes the runtime load the layer's
 * handler instead of the function's, which is what `Handler` and `AMBER_HANDLER` do in the configuration.
 *
 * Both clients read `_HANDLER` after the preloads (managed nodejs22.x passes it to `run`; aws-lambda-ric 4
 * src/utils/runtime-setup.ts). A process that has none is not a runtime: an extension, for example. Never throws.
 */
import { envelope } from '../src/lambda/log-level.ts';

const { env } = process;

const MAX_ANCESTORS = 32;

/** A handler of the layer, wherever it was unpacked. */
const OURS = /(?:^|\/)lambda-amber\/handler\.handler$/u;

try {
  const given = env['_HANDLER'] ?? '';
  const disabled = /^\s*(?:1|true|on|yes)\s*$/iu.test(env['AMBER_DISABLED'] ?? '');
  // A function that lists what is loaded sees what it saw without us.
  Reflect.deleteProperty(require.cache, __filename);
  if (given !== '' && !OURS.test(given) && !disabled && isModule(given) && isRuntime()) divert(given);
} catch (error) {
  say(`the preload failed: ${String(error)}`);
}

function divert(given: string): void {
  const module = `${__dirname}/handler`;
  if (!isReadable(`${module}.mjs`)) {
    say(`${module}.mjs cannot be read`);
    return;
  }
  env['_AMBER_HANDLER'] = given;
  env['_HANDLER'] = `${module}.handler`;
}

/**
 * Whether the handler names a module by the rules of the runtime clients (src/lambda/load-handler.ts). A program, such
 * as the run.sh of the Lambda Web Adapter, is started by somebody else under this very name.
 */
function isModule(given: string): boolean {
  const path = process.getBuiltinModule('node:path');
  const { existsSync } = process.getBuiltinModule('node:fs');
  const root = env['LAMBDA_TASK_ROOT'] ?? process.cwd();
  const last = path.basename(given);
  const [, name] = /^([^.]*)\.(.*)$/u.exec(last) ?? [];
  if (given.includes('..') || name === undefined || isProgram(path.resolve(root, given))) return false;
  const folder = given.slice(0, given.indexOf(last));
  const file = path.resolve(root, folder, name);
  if (['', '.js', '.mjs', '.cjs'].some((extension) => existsSync(file + extension))) return true;
  try {
    require.resolve(name, { paths: [root, folder, path.join(root, folder)] });
    return true;
  } catch {
    return false;
  }
}

function isProgram(file: string): boolean {
  const { accessSync, constants, statSync } = process.getBuiltinModule('node:fs');
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Threads and children of the function run this file, too: a Node that has a Node with our preload above it is no
 * runtime.
 */
function isRuntime(): boolean {
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) return false;
  const { readFileSync, readlinkSync } = process.getBuiltinModule('node:fs');
  try {
    for (let pid = process.ppid, depth = 0; pid > 1 && depth < MAX_ANCESTORS; depth += 1) {
      const variables = `\0${readFileSync(`/proc/${String(pid)}/environ`, 'latin1')}`;
      const isOurs = variables.includes('\0_HANDLER=') && variables.includes(__filename);
      if (isOurs && readlinkSync(`/proc/${String(pid)}/exe`) === process.execPath) return false;
      pid = Number(/^PPid:\s*(\d+)/mu.exec(readFileSync(`/proc/${String(pid)}/status`, 'latin1'))?.[1] ?? 0);
    }
  } catch {
    // What cannot be read is above the sandbox, or another user's.
  }
  return true;
}

function isReadable(file: string): boolean {
  const { accessSync, constants } = process.getBuiltinModule('node:fs');
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function say(error: string): void {
  const line = JSON.stringify({
    amber: 'fault',
    ...envelope(),
    effect: 'the function runs without Amber',
    error,
    where: 'layer',
  });
  process.getBuiltinModule('node:fs').writeSync(1, `${line}\n`);
}
