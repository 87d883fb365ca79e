/** `capture()`: code asks for a capture of the sandbox that it runs in. */
import { areOptions, type Options } from '../../config/config.ts';
import type { CaptureReport, Cause } from '../../contracts/evidence.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import { deadlineOf } from '../../lambda/deadline.ts';
import { CALLED, callCause } from '../../trigger/call.ts';
import { loadSetup, type HostSetup } from './setup.ts';
import { invocationFacts, lambdaContext, requestInProgress } from './facts.ts';
import { borrow, CANNOT_TELL, type Borrowed } from './progress.ts';
import { startCapture } from './start.ts';
import { HOST_ENVIRONMENT, type HostEnvironment } from '../environment.ts';

/** What code may say when it asks for a capture, beside the options of the configuration. */
export interface CaptureOptions extends Options {
  /** One sentence for capture.json, the manifest and the log line. Free of secrets. */
  readonly reason?: string;
  /** Who asks. */
  readonly requester?: string;
  /** The context of the invocation, where the handler is not wrapped: its request and deadline. */
  readonly context?: unknown;
  /** The event of the invocation; stored, redacted, where `includeEvent` is on. */
  readonly event?: unknown;
}

/**
 * Captures now. Everything that limits triggers limits this: one capture at a time, cooldown, cap, kill switch; then
 * the report says `refused` and its `error` why. An environment that is not usable refuses too, with one log line.
 *
 * Inside a wrapped handler it borrows the invocation in progress: request, deadline, account. Where several run at once
 * (Managed Instances) it knows which one calls as long as the runtime client does. Else `cause.reason` of the report
 * says that it cannot tell, and no deadline binds the capture.
 *
 * @param asked - options, or the reason alone
 * @returns the report; the capture has ended, at the latest `marginMs` before the deadline of the invocation.
 * @throws AmberError CONFIG_INVALID, if what is wrong stands in `asked`. Nothing else.
 */
export async function capture(asked: string | CaptureOptions = {}): Promise<CaptureReport> {
  return captureOn(HOST_ENVIRONMENT, asked);
}

/** The same on another environment, for tests. */
export async function captureOn(environment: HostEnvironment, asked: string | CaptureOptions): Promise<CaptureReport> {
  const said: CaptureOptions = typeof asked === 'string' ? { reason: asked } : asked;
  const { reason, requester, context, event, ...rest } = areOptions(said) ? said : {};
  const setup = loadSetup(areOptions(said) ? rest : said, environment);
  if (isAmberError(setup)) return noCapture(callCause(reason, requester), 'refused', setup);
  const borrowed = factsOf(setup, context, event);
  const cannotTell = 'cannotTell' in borrowed;
  const cause = callCause(cannotTell ? `${reason ?? CALLED} (${CANNOT_TELL})` : reason, requester);
  const start = startCapture(setup, cause, cannotTell ? undefined : borrowed.facts);
  if (!start.begun) return noCapture(cause, 'refused', start.refused);
  return (await start.ended) ?? noCapture(cause, 'failed', new AmberError('CAPTURE_ABORTED'));
}

function factsOf({ state, config }: HostSetup, context: unknown, event: unknown): Borrowed {
  const known = { number: state.invocations, concurrent: Math.max(0, state.inFlight - 1) };
  const given = config.includeEvent && event !== undefined ? { event } : {};
  if (context !== undefined) {
    return { facts: invocationFacts({ ...known, ...given, context, deadlineMs: deadlineOf(lambdaContext(context)) }) };
  }
  const borrowed = borrow(state, known, { includeEvent: config.includeEvent });
  if ('cannotTell' in borrowed) return borrowed;
  if (borrowed.facts !== undefined) return { facts: { ...borrowed.facts, ...given } };
  // Not wrapped: the runtime client knows which request it is, and no more.
  return {
    facts:
      requestInProgress() === undefined
        ? undefined
        : invocationFacts({ ...known, ...given, context, deadlineMs: undefined }),
  };
}

function noCapture(cause: Cause, state: 'refused' | 'failed', error: AmberError): CaptureReport {
  return {
    captureId: '',
    state,
    cause,
    location: '',
    segments: 0,
    bytes: 0,
    outcomes: {},
    elapsedMs: 0,
    cpuMs: 0,
    error,
  };
}
