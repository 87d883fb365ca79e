/** Starts the engine, within the limits, and lets it hold nobody longer than the hard stop. */
import type { CaptureRequest } from '../../capture/capture.ts';
import type { CaptureReport, Cause, InvocationFacts, Config } from '../../contracts/evidence.ts';
import { AmberError } from '../../errors.ts';
import type { HostSetup } from './setup.ts';
import { claimFleet } from '../limits/fleet.ts';
import { recordings } from './record.ts';
import type { HandOver } from '../handoff/hand-over.ts';
import { hardStop } from '../limits/limits.ts';
import { acquireProcessLock } from '../monitor/process-lock.ts';
import { fault } from '../environment.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with
// it.
const { clearTimeout, setTimeout } = globalThis;

/** A capture that has begun, or why there is none. */
export type Start =
  | {
      readonly begun: true;
      readonly ended: Promise<CaptureReport | undefined>;
      /**
       * Resolves when an answer need not wait any longer: at the end, or before it where the destination is not
       * reached.
       */
      readonly freed: Promise<unknown>;
    }
  | { readonly begun: false; readonly refused: AmberError };

/** What an order brings. */
export interface Ordered {
  /** Of this one capture, where the order sets something. */
  readonly config?: Config | undefined;
  /** As it stood in the event: the extension judges it anew. */
  readonly token?: string | undefined;
}

/**
 * Starts a capture. `ended` never rejects: it gives the report, or undefined when the engine failed or the hard stop
 * came first.
 *
 * A capture that the extension makes in place of this process gives undefined too.
 *
 * The one timer here is meant to keep the event loop alive: while a capture runs, a v3 runtime must not find the loop
 * empty: it would end a callback invocation (aws-lambda-ric 3, BeforeExitListener.js). Nor may a v4 process run out of
 * work.
 */
export function startCapture(
  setup: HostSetup,
  cause: Cause,
  invocation: InvocationFacts | undefined,
  { config = setup.config, token }: Ordered = {},
): Start {
  const { state } = setup;
  const nowMs = Date.now();
  const hardStopMs = hardStop(config, nowMs, invocation?.deadlineMs, setup.cores);
  const isSigned = cause.order?.signedBy !== undefined;
  const refused = setup.limiter.refusal({ cause, config, count: state, nowMs, hardStopMs, isSigned });
  if (refused !== undefined) return { begun: false, refused };
  state.running = true;
  state.captures += 1;
  const early = Promise.withResolvers<undefined>();
  const ended = new Promise<CaptureReport | undefined>((resolve) => {
    const timer = setTimeout(resolve, hardStopMs - nowMs, undefined);
    const release = (): void => {
      timer.unref();
      early.resolve(undefined);
    };
    void run({
      setup,
      request: {
        cause,
        config,
        invocation,
        hardStopMs,
        inProcess: true,
        release,
        ...findingsOf(setup),
        ...recordedOf(setup),
      },
      token,
    }).then((report) => {
      clearTimeout(timer);
      state.running = false;
      if (report === NO_SLOT) state.captures -= 1;
      else state.endedMs = Date.now();
      resolve(report === NO_SLOT ? undefined : report);
    });
  });
  return { begun: true, ended, freed: Promise.race([ended, early.promise]) };
}

/**
 * Loads the engine ahead where a capture is certain to come (`AMBER_CAPTURE=now`): during init, which no invocation
 * waits for. In a function of 128 MB that saves its first invocation a second, most of what it has for the capture. Of
 * the worker threads of a Managed Instances process only one will capture: they load it when it is due.
 */
export function loadAhead({ config, state, environment, poller }: HostSetup): void {
  poller?.begin(1, () => false);
  if (config.capture !== 'now' || config.maxCaptures === 0 || state.captures > 0) return;
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) return;
  environment.engine().catch(() => undefined); // told when the capture is due
}

/** What the detectors know, asked when the capture comes to it. */
function findingsOf({ changeMonitor }: HostSetup): Pick<CaptureRequest, 'findings'> {
  return changeMonitor === undefined ? {} : { findings: async () => (await changeMonitor.anomalyMonitor()).report() };
}

/** What the black box of this process knows beside its ring. */
function recordedOf({ state }: HostSetup): Pick<CaptureRequest, 'recorded'> {
  const recording = recordings.get(state);
  return recording === undefined ? {} : { recorded: recording.own };
}

/** The sandboxes of the function have had their captures: nothing was begun, so nothing counts. */
const NO_SLOT = Symbol('no slot');

/** By the extension where there is one; else in process. */
async function run(given: HandOver): Promise<CaptureReport | typeof NO_SLOT | undefined> {
  if (given.request.cause.trigger !== 'call' && (await isHandedOver(given))) return undefined;
  return runEngine(given.setup, given.request);
}

async function isHandedOver(given: HandOver): Promise<boolean> {
  try {
    const { handOver } = await import('../handoff/hand-over.ts');
    return await handOver(given);
  } catch (error) {
    fault(given.setup.environment, 'hint', error);
    return false;
  }
}

async function runEngine(
  setup: HostSetup,
  request: CaptureRequest,
): Promise<CaptureReport | typeof NO_SLOT | undefined> {
  let release: (() => void) | undefined;
  let unsubscribe: (() => void) | undefined;
  try {
    release = await acquireProcessLock(request.cause, request.config);
    if (release === undefined) {
      const busy = new AmberError('CAPTURE_BUSY', OTHER_THREAD, { details: { limit: 'threads' } });
      setup.limiter.logRefusal(request.cause, busy);
      return undefined;
    }
    const { state, environment } = setup;
    const full = await claimFleet({ ...request, state, env: environment.env, claim: environment.claim });
    if (full !== undefined) {
      setup.limiter.logRefusal(request.cause, full);
      return NO_SLOT;
    }
    const engine = await setup.environment.engine();
    const stopper = new AbortController();
    unsubscribe = setup.poller?.watchForStop((reason) => stopper.abort(reason));
    return await engine({ ...request, stopSignal: stopper.signal });
  } catch (error) {
    fault(setup.environment, 'capture', error);
    return undefined;
  } finally {
    unsubscribe?.();
    release?.();
  }
}

const OTHER_THREAD = 'another thread of this process captures the sandbox, or did so a short time ago';
