/**
 * `NODE_OPTIONS=--require /opt/nodejs/node_modules/lambda-amber/preload.cjs`: makes the runtime load the layer's handler
 * instead of the function's, which is what `Handler` and `AMBER_HANDLER` do in the configuration.
 *
 * Both clients read `_HANDLER` after the preloads (managed nodejs22.x passes it to `run`; aws-lambda-ric 4
 * src/utils/runtime-setup.ts). A process that has none is not a runtime: an extension, for example. Never throws.
 */
import { envelope } from '../src/report/level.ts';

const { env } = process;

/** A handler of the layer, wherever it was unpacked. */
const OURS = /(?:^|\/)lambda-amber\/handler\.handler$/u;

try {
  const given = env['_HANDLER'] ?? '';
  const disabled = /^\s*(?:1|true|on|yes)\s*$/iu.test(env['AMBER_DISABLED'] ?? '');
  // A function that lists what is loaded sees what it saw without us.
  Reflect.deleteProperty(require.cache, __filename);
  if (given !== '' && !OURS.test(given) && !disabled) divert(given);
} catch (error) {
  say(`the preload failed: ${String(error)}`);
}

function divert(given: string): void {
  const module = `${__dirname}/handler`;
  if (!isReadable(`${module}.mjs`)) {
    say(`${module}.mjs cannot be read`);
    return;
  }
  env['AMBER_HANDLER'] = given;
  env['_HANDLER'] = `${module}.handler`;
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
  const line = JSON.stringify({ amber: 'fault', ...envelope(), effect: 'the function runs without Amber', error, where: 'layer' });
  process.getBuiltinModule('node:fs').writeSync(1, `${line}\n`);
}
