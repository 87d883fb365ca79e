/** `capture()`: code asks for a capture of the sandbox that it runs in. */
import type { Options } from '../config.ts';
import type { CaptureReport, Cause, InvocationFacts } from '../contracts.ts';
import { AmberError, isAmberError } from '../errors.ts';
import { deadlineOf } from '../lambda/deadline.ts';
import { callCause } from '../trigger/call.ts';
import { arm, SANDBOX, type Armed, type Ground } from './armed.ts';
import { invocationFacts, lambdaContext, requestInProgress } from './facts.ts';
import { startCapture } from './start.ts';

/** What code may say when it asks for a capture, beside the options of the configuration. */
export interface CaptureOptions extends Options {
  /** One sentence for capture.json, the manifest and the log line. Free of secrets. */
  readonly reason?: string;
  /** Who asks. */
  readonly requester?: string;
  /** The context of the invocation: with it the capture ends in time before the deadline. */
  readonly context?: unknown;
  /** The event of the invocation; stored, redacted, where `includeEvent` is on. */
  readonly event?: unknown;
}

/**
 * Captures now. Everything that limits triggers limits this: one capture at a time, cooldown, cap, kill switch; then the
 * report says `refused` and its `error` why. An environment that is not usable refuses too, with one log line.
 *
 * @returns the report; the capture has ended, at the latest `marginMs` before the deadline that `context` tells.
 * @throws AmberError CONFIG_INVALID, if what is wrong stands in `options`. Nothing else.
 */
export async function capture(options: CaptureOptions = {}): Promise<CaptureReport> {
  return captureOn(SANDBOX, options);
}

/** The same on another ground, for tests. */
export async function captureOn(ground: Ground, options: CaptureOptions): Promise<CaptureReport> {
  const { reason, requester, context, event, ...rest } = options;
  const cause = callCause(reason, requester);
  const armed = arm(rest, ground);
  if (isAmberError(armed)) return noCapture(cause, 'refused', armed);
  const start = startCapture(armed, cause, factsOf(armed, context, event));
  if (!start.begun) return noCapture(cause, 'refused', start.refused);
  return (await start.ended) ?? noCapture(cause, 'failed', new AmberError('CAPTURE_ABORTED'));
}

function factsOf({ state, config }: Armed, context: unknown, event: unknown): InvocationFacts | undefined {
  if (context === undefined && requestInProgress() === undefined) return undefined;
  return invocationFacts({
    context,
    deadlineMs: deadlineOf(lambdaContext(context)),
    number: state.invocations,
    concurrent: Math.max(0, state.inFlight - 1),
    ...(config.includeEvent && event !== undefined ? { event } : {}),
  });
}

function noCapture(cause: Cause, state: 'refused' | 'failed', error: AmberError): CaptureReport {
  return { captureId: '', state, cause, location: '', segments: 0, bytes: 0, outcomes: {}, elapsedMs: 0, cpuMs: 0, error };
}
