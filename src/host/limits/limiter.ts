/** Decides for both hosts whether a capture may start, and says once why one may not. */
import type { Cause, Config } from '../../contracts/evidence.ts';
import { AmberError } from '../../errors.ts';
import type { Log } from '../log.ts';
import { knownFull } from './fleet.ts';
import { firstTime, type SandboxState } from './state.ts';
import { many } from '../../many.ts';

/** Captures of one kind: how many were started, and when the last one ended (0 = never). */
export interface CaptureCount {
  captures: number;
  endedMs: number;
}

/** What a host knows of its sandbox. */
export interface LimiterSources {
  readonly config: Config;
  /** Keeps which refusals were logged, and what the cap over all sandboxes answered last. */
  readonly state: SandboxState;
  readonly log: Log;
  /** True while a signed order to stop is in force. */
  readonly isStopped: () => boolean;
  /** True while a capture runs, of whatever kind. */
  readonly isRunning: () => boolean;
  /** The least time for a capture that starts now, in milliseconds. */
  readonly leastMs: () => number;
}

/** A capture that is due. */
export interface CaptureAttempt {
  readonly cause: Cause;
  /** The configuration of this one capture: an order may set a cap over all sandboxes of its own. */
  readonly config: Config;
  /** The kind that it counts in. */
  readonly count: CaptureCount;
  readonly nowMs: number;
  readonly hardStopMs: number;
  /** A signed order asks: it is carried out once, so neither cap nor cooldown holds it up. */
  readonly isSigned?: boolean;
}

export class CaptureLimiter {
  readonly #sources: LimiterSources;

  constructor(sources: LimiterSources) {
    this.#sources = sources;
  }

  /** Why no capture may start now, as CAPTURE_BUSY or CAPTURE_LIMITED; undefined if one may. */
  refusal(attempt: CaptureAttempt): AmberError | undefined {
    const { config, state, isStopped, isRunning } = this.#sources;
    if (isStopped()) return limited('stop', 'a signed order to stop is in force (AMBER_CONTROL)');
    if (config.disabled) return limited('switch', 'AMBER_DISABLED is set');
    if (isRunning()) return new AmberError('CAPTURE_BUSY', undefined, { details: { limit: 'single-flight' } });
    return (
      (attempt.isSigned === true ? undefined : overCount(config, attempt)) ??
      overBudget(attempt, this.#sources.leastMs()) ??
      knownFull(attempt.config, attempt.cause, state, attempt.nowMs)
    );
  }

  /**
   * Says once for each trigger and limit that a due capture was refused: a failing function would say it at every call.
   */
  logRefusal({ trigger, reason }: Cause, refused: AmberError): void {
    const { state, log } = this.#sources;
    const limit = String(refused.details['limit'] ?? '');
    if (!firstTime(state, `refused:${trigger}:${limit}`)) return;
    log('refused', { trigger, reason, code: refused.code, limit, error: refused.message });
  }
}

function overCount(config: Config, { count, nowMs }: CaptureAttempt): AmberError | undefined {
  if (count.captures >= config.maxCaptures) {
    return limited('cap', `this sandbox has had its ${many(config.maxCaptures, 'capture')} (AMBER_MAX_CAPTURES)`);
  }
  const waitMs = count.endedMs + config.cooldownMs - nowMs;
  if (count.endedMs > 0 && waitMs > 0) {
    return limited('cooldown', `the last capture ended less than AMBER_COOLDOWN_MS ago; ${String(waitMs)} ms are left`);
  }
  return undefined;
}

function overBudget({ nowMs, hardStopMs }: CaptureAttempt, leastMs: number): AmberError | undefined {
  const leftMs = Math.max(0, Math.round(hardStopMs - nowMs));
  if (leftMs >= leastMs) return undefined;
  return limited(
    'budget',
    `${String(leftMs)} ms are left for a capture, less than the ${String(leastMs)} ms that one takes ` +
      'here: a longer timeout, more memory or a higher AMBER_MAX_MS lets it start',
  );
}

function limited(limit: string, message: string): AmberError {
  return new AmberError('CAPTURE_LIMITED', message, { details: { limit } });
}
