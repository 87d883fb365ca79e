/** The runtime client around us, seen from the module that it loads. */
import { runtimeGeneration, type RuntimeGeneration } from './generation.ts';

interface Frame {
  readonly getFileName: () => string | null | undefined;
}

/**
 * The file of the client: it awaits the module that asks, so it is in the stack of that module's evaluation.
 *
 * @param own - URL of the module that asks
 * @returns a path or URL; what the process was started with, where the stack does not tell.
 */
export function clientFile(own: string): string {
  const { stackTraceLimit } = Error;
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    Error.stackTraceLimit = 30;
    Error.prepareStackTrace = (_, frames) => frames;
    const holder: { stack?: readonly Frame[] } = {};
    Error.captureStackTrace(holder);
    const files = (holder.stack ?? []).map((frame) => frame.getFileName() ?? '');
    return (
      files.find((file) => /^(?:\/|file:)/u.test(file) && file.replace(/\?.*$/u, '') !== own) ?? process.argv[1] ?? own
    );
  } catch {
    return process.argv[1] ?? own;
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Object.defineProperty(Error, 'prepareStackTrace', before);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Which client is at work. Version 4 puts an `InvokeStore` into `globalThis.awslambda` before it loads the function
 * (src/utils/runtime-setup.ts, package lambda-invoke-store), version 3 makes that object anew without one. Where
 * functions have asked for none (AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA), the version of Node tells.
 */
export function clientGeneration(env: NodeJS.ProcessEnv): RuntimeGeneration {
  const { awslambda } = globalThis as { awslambda?: unknown };
  if (typeof awslambda !== 'object' || awslambda === null) return runtimeGeneration(env);
  return 'InvokeStore' in awslambda ? 'v4' : 'v3';
}
