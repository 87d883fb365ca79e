/** The same triggers for middy: a middleware instead of a wrapper. Has no dependency on middy. */
import type { Options } from '../../config/config.ts';
import { isAmberError } from '../../errors.ts';
import { startMonitoring } from '../monitor/start.ts';
import { loadSetup, isWatching, type HostSetup, type TrackedInvocation } from './setup.ts';
import { begun, note, openProgress } from './progress.ts';
import { recordings } from './record.ts';
import { loadAhead } from './start.ts';
import { watchUncaught } from './uncaught.ts';
import { endTracking, trackInvocation, settle, type Failure } from './tracked-invocation.ts';
import { record } from './wrap.ts';
import { fault, HOST_ENVIRONMENT, type HostEnvironment } from '../environment.ts';

/** The part of a middy request that is read. */
export interface MiddyRequest {
  readonly event: unknown;
  readonly context: unknown;
  readonly error?: unknown;
}

/** What middy's `use` takes. The hooks give nothing, so that they never answer in the handler's place. */
export interface CaptureMiddleware {
  readonly before: (request: MiddyRequest) => void;
  readonly after: (request: MiddyRequest) => Promise<void> | undefined;
  readonly onError: (request: MiddyRequest) => Promise<void> | undefined;
}

/**
 * Capture triggers as a middy middleware: `middy(handler).use(amberMiddleware(options))`.
 *
 * Use it first: its `before` then runs first and its `after` and `onError` last, when what the others did is there to
 * be captured. A middleware before it that answers early keeps it from seeing the invocation. {@link withCapture}
 * around the middy handler sees more (streaming that goes on after the hooks); with both, the wrapper does the work.
 *
 * @throws AmberError CONFIG_INVALID, if what is wrong stands in `options`; a bad environment arms nothing, with one log
 *   line.
 */
export function amberMiddleware(options: Options = {}): CaptureMiddleware {
  return middlewareOn(HOST_ENVIRONMENT, options);
}

/** The same on another environment, for tests. */
export function middlewareOn(environment: HostEnvironment, options: Options): CaptureMiddleware {
  const setup = loadSetup(options, environment);
  if (isAmberError(setup)) return { before: () => undefined, after: () => undefined, onError: () => undefined };
  watchUncaught(setup);
  loadAhead(setup);
  record(setup);
  startMonitoring(setup);
  const watches = new Map<MiddyRequest, TrackedInvocation>();
  const end = (request: MiddyRequest, failure?: Failure): Promise<void> | undefined => {
    const tracked = watches.get(request);
    watches.delete(request);
    const wait = tracked === undefined ? undefined : settle(tracked, failure);
    return wait?.then(() => undefined);
  };
  return {
    before: (request) => begin(setup, watches, request),
    after: (request) => end(request),
    onError: (request) => end(request, { error: request.error }),
  };
}

function begin(setup: HostSetup, watches: Map<MiddyRequest, TrackedInvocation>, request: MiddyRequest): void {
  try {
    for (const [earlier, tracked] of watches) {
      if (!answeredEarly(earlier)) continue;
      watches.delete(earlier);
      endTracking(tracked);
    }
    setup.state.invocations += 1;
    recordings.get(setup.state)?.begins(setup.state.invocations);
    setup.changeMonitor?.begins(setup.state.invocations);
    const progress = openProgress(setup.state, setup.environment.env);
    begun(progress);
    note(progress, { context: request.context, event: request.event, number: setup.state.invocations });
    if (!isWatching(setup)) return;
    const tracked = trackInvocation(setup, setup.state.invocations, request.event, request.context);
    if (tracked === undefined) {
      setup.state.invocations -= 1;
      return;
    }
    tracked.isOver = () => answeredEarly(request);
    watches.set(request, tracked);
  } catch (error) {
    fault(setup.environment, 'middleware', error);
  }
}

/**
 * A later `before` of another middleware has answered: middy then calls neither the handler nor `after`
 * (core/index.js).
 */
function answeredEarly(request: MiddyRequest): boolean {
  return 'earlyResponse' in request;
}
