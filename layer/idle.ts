/**
 * The library as it is built (`index.js`, `index.cjs`, `bundled.js`): its API, of which an idle function evaluates this
 * alone until more is due.
 */
import { due } from 'amber:due';
import { hostText } from 'amber:texts';
import type { Options } from '../src/config/config.ts';
import { armRecorder } from '../src/record/arm.ts';
import type { CaptureOptions } from '../src/host/wrapper/call.ts';
import { wrapIdle, type Host } from '../src/host/wrapper/idle.ts';
import type { CaptureMiddleware } from '../src/host/wrapper/middleware.ts';
import type { CaptureReport } from '../src/contracts/evidence.ts';
import { compiled } from './compiled.ts';

export { AmberError, isAmberError } from '../src/errors.ts';
export { VERSION } from '../src/version.ts';

let loaded: Host | undefined;

function host(): Host {
  return (loaded ??= compiled(hostText(), { record: { armRecorder }, due }) as Host);
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
