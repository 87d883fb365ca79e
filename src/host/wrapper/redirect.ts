/**
 * Stands in front of a function whose code is not touched: the runtime loads us, we load the function by the runtime's
 * own rules and give it back, wrapped. Fails open: whatever goes wrong with us is one line in the log, and the function
 * runs as if nobody stood there.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { AmberError, describeError } from '../../errors.ts';
import { clientFile, clientGeneration } from '../../lambda/client.ts';
import { runtimeError } from '../../lambda/handler-name.ts';
import { loadHandler, type LoadPlace } from '../../lambda/load-handler.ts';
import { logLine } from '../../report/log.ts';

/** `withCapture`, as far as it is needed here. */
export type Wrap = (handler: (...args: never[]) => unknown) => unknown;

export interface RedirectHost {
  /** `import.meta.url` of the module that the runtime loads. */
  readonly own: string;
  readonly env: NodeJS.ProcessEnv;
  /** Loads the library; called before any code of the function runs. */
  readonly library: () => Promise<{ readonly withCapture: Wrap }>;
  readonly load: (path: string) => Promise<unknown>;
}

/**
 * The handler that `AMBER_HANDLER` names, wrapped.
 *
 * @throws what the runtime would throw for that handler: types and messages are the runtime's, see handler-name.ts.
 */
export async function redirect(host: RedirectHost): Promise<unknown> {
  const { env, own } = host;
  const client = clientFile(own); // before anything is awaited: the client is in the stack only then
  const generation = clientGeneration(env);
  // What the preload has put there, which nobody after us is to find.
  const name = env['_AMBER_HANDLER'] ?? env['AMBER_HANDLER'] ?? '';
  Reflect.deleteProperty(env, '_AMBER_HANDLER');
  if (name === '' || isOwn(name)) {
    const why =
      name === '' ? 'AMBER_HANDLER is not set' : `AMBER_HANDLER is ${name}, which is the handler of the layer itself`;
    throw runtimeError(
      generation,
      'HandlerNotFound',
      `${why}; set it to the handler of the function, for example index.handler`,
    );
  }
  // What the function reads is the name that it would read without us.
  env['_HANDLER'] = name;
  const wrap = await loadWrap(host);
  const place: LoadPlace = {
    generation,
    appRoot: appRoot(env),
    require: createRequire(client),
    load: async (path) => host.load(path),
  };
  try {
    return wrapped(wrap, await loadHandler(name, place));
  } catch (error) {
    throw disowned(error, own, client);
  }
}

/** Loading ourselves would wait for ourselves. */
function isOwn(name: string): boolean {
  return /(?:^|\/)lambda-amber\/handler\.[^/]*$/u.test(name);
}

/** aws-lambda-ric 3 from npm takes the handler from its arguments, and the folder in which it was started. */
function appRoot(env: NodeJS.ProcessEnv): string {
  const byArgument = isOwn(process.argv[2] ?? '');
  return (byArgument ? undefined : env['LAMBDA_TASK_ROOT']) ?? process.cwd();
}

async function loadWrap({ env, library }: RedirectHost): Promise<Wrap | undefined> {
  if (/^\s*(?:1|true|on|yes)\s*$/iu.test(env['AMBER_DISABLED'] ?? '')) return undefined;
  try {
    const { withCapture } = (await library()) as { readonly withCapture?: Wrap };
    if (typeof withCapture !== 'function') throw new AmberError('BUG', 'the library of the layer has no withCapture');
    return withCapture;
  } catch (error) {
    logFault(error);
    return undefined;
  }
}

function wrapped(wrap: Wrap | undefined, handler: unknown): unknown {
  if (wrap === undefined) return handler;
  try {
    return wrap(handler as Parameters<Wrap>[0]);
  } catch (error) {
    logFault(error);
    return handler;
  }
}

function logFault(error: unknown): void {
  logLine('fault', { where: 'layer', effect: 'the function runs without Amber', error: describeError(error) });
}

/** Some messages of Node name the module that imports: it is the client that does, where we do not stand in front. */
function disowned(error: unknown, own: string, client: string): unknown {
  if (!(error instanceof Error)) return error;
  try {
    const from = fileURLToPath(own);
    const to = client.startsWith('file:') ? fileURLToPath(client) : client;
    const { message, stack } = error;
    if (!message.includes(from)) return error;
    error.message = message.replaceAll(from, to);
    // The stack begins with the message as it was.
    if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
  } catch {
    // Frozen, or a message that is no text: it stays as it is.
  }
  return error;
}
