/** The same triggers for middy: a middleware instead of a wrapper. Has no dependency on middy. */
import type { Options } from '../../config/config.ts';
import { isAmberError } from '../../errors.ts';
import { standGuard } from '../monitor/start.ts';
import { arm, fault, isWatching, SANDBOX, type Armed, type Ground } from './setup.ts';
import { begun, note, openProgress } from './progress.ts';
import { loadAhead } from './start.ts';
import { watchUncaught } from './uncaught.ts';
import { closeWatch, openWatch, settle, type Failure, type Watch } from './tracked-invocation.ts';

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
 * Use it first: its `before` then runs first and its `after` and `onError` last, when what the others did is there to be
 * captured. A middleware before it that answers early keeps it from seeing the invocation. {@link withCapture} around the
 * middy handler sees more (streaming that goes on after the hooks); with both, the wrapper does the work.
 *
 * @throws AmberError CONFIG_INVALID, if what is wrong stands in `options`; a bad environment arms nothing, with one log line.
 */
export function amberMiddleware(options: Options = {}): CaptureMiddleware {
  return middlewareOn(SANDBOX, options);
}

/** The same on another ground, for tests. */
export function middlewareOn(ground: Ground, options: Options): CaptureMiddleware {
  const armed = arm(options, ground);
  if (isAmberError(armed)) return { before: () => undefined, after: () => undefined, onError: () => undefined };
  watchUncaught(armed);
  loadAhead(armed);
  standGuard(armed);
  const watches = new Map<MiddyRequest, Watch>();
  const end = (request: MiddyRequest, failure?: Failure): Promise<void> | undefined => {
    const watch = watches.get(request);
    watches.delete(request);
    const wait = watch === undefined ? undefined : settle(watch, failure);
    return wait?.then(() => undefined);
  };
  return {
    before: (request) => begin(armed, watches, request),
    after: (request) => end(request),
    onError: (request) => end(request, { error: request.error }),
  };
}

function begin(armed: Armed, watches: Map<MiddyRequest, Watch>, request: MiddyRequest): void {
  try {
    for (const [earlier, watch] of watches) {
      if (!answeredEarly(earlier)) continue;
      watches.delete(earlier);
      closeWatch(watch);
    }
    armed.state.invocations += 1;
    armed.guard?.begins(armed.state.invocations);
    const progress = openProgress(armed.state, armed.ground.env);
    begun(progress);
    note(progress, { context: request.context, event: request.event, number: armed.state.invocations });
    if (!isWatching(armed)) return;
    const watch = openWatch(armed, armed.state.invocations, request.event, request.context);
    if (watch === undefined) {
      armed.state.invocations -= 1;
      return;
    }
    watch.isOver = () => answeredEarly(request);
    watches.set(request, watch);
  } catch (error) {
    fault(armed.ground, 'middleware', error);
  }
}

/** A later `before` of another middleware has answered: middy then calls neither the handler nor `after` (core/index.js). */
function answeredEarly(request: MiddyRequest): boolean {
  return 'earlyResponse' in request;
}
