/** `bundled.js`: the API of the library, of which a bundled function evaluates this alone until more is due. */
import { hostText } from 'amber:host';
import type { Options } from '../src/config/config.ts';
import * as errors from '../src/errors.ts';
import * as record from '../src/record/arm.ts';
import type { CaptureOptions } from '../src/host/wrapper/call.ts';
import { wrapIdle, type Host } from '../src/host/wrapper/idle.ts';
import type { CaptureMiddleware } from '../src/host/wrapper/middleware.ts';
import type { CaptureReport } from '../src/contracts/evidence.ts';
import { part } from './packed.ts';

export { AmberError, isAmberError } from '../src/errors.ts';
export { VERSION } from '../src/version.ts';

let loaded: Host | undefined;

/** What the host takes from this file: one class of errors, and one recorder. */
const GIVEN: Readonly<Record<string, unknown>> = { 'amber:errors': errors, 'amber:record': record };

/** Compiled when it is first called. */
function host(): Host {
  if (loaded === undefined) {
    const made = { exports: {} };
    const module = process
      .getBuiltinModule('node:vm')
      .compileFunction(hostText().join(''), ['module', 'require'], { filename: 'amber-host.js' }) as (
      ...given: unknown[]
    ) => void;
    module(made, (name: string) => GIVEN[name] ?? part(name));
    loaded = made.exports as Host;
  }
  return loaded;
}

export function withCapture(handler: unknown, options?: Options): unknown {
  return wrapIdle(handler, options, process.env, host);
}

export function amberMiddleware(options?: Options): CaptureMiddleware {
  return host().amberMiddleware(options);
}

export async function capture(asked?: string | CaptureOptions): Promise<CaptureReport> {
  return host().capture(asked);
}
