/** When a capture may not start: pure functions on the counts of the sandbox. */
import type { Config } from '../config.ts';
import { AmberError } from '../errors.ts';
import type { SandboxState } from './state.ts';

/** Under this the volatile segment does not leave the sandbox, so that nothing would be gained; also the least maxMs. */
export const FLOOR_MS = 50;

/**
 * The epoch millisecond at which everything of a capture must have ended: its own limit, or the deadline of the
 * invocation less the margin, whichever is sooner.
 */
export function hardStop(config: Config, nowMs: number, deadlineMs: number | undefined): number {
  const own = nowMs + config.maxMs;
  return deadlineMs === undefined ? own : Math.min(own, deadlineMs - config.marginMs);
}

/** Why no capture may start now, as CAPTURE_BUSY or CAPTURE_LIMITED; undefined if one may. */
export function refusal(config: Config, state: SandboxState, nowMs: number, hardStopMs: number): AmberError | undefined {
  if (config.disabled) return limited('switch', 'AMBER_DISABLED is set');
  if (state.running) return new AmberError('CAPTURE_BUSY', undefined, { details: { limit: 'single-flight' } });
  if (state.captures >= config.maxCaptures) {
    return limited('cap', `this sandbox has had its ${String(config.maxCaptures)} captures (AMBER_MAX_CAPTURES)`);
  }
  const wait = state.endedMs + config.cooldownMs - nowMs;
  if (state.endedMs > 0 && wait > 0) {
    return limited('cooldown', `the last capture ended less than AMBER_COOLDOWN_MS ago; ${String(wait)} ms are left`);
  }
  const budget = hardStopMs - nowMs;
  if (budget < FLOOR_MS) {
    return limited('budget', `${String(Math.max(0, Math.round(budget)))} ms are left for a capture, less than ${String(FLOOR_MS)}`);
  }
  return undefined;
}

function limited(limit: string, message: string): AmberError {
  return new AmberError('CAPTURE_LIMITED', message, { details: { limit } });
}
