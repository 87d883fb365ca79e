/**
 * `withCapture` as it stands in a bundle: all that an idle function pays for. Where a destination is all that is
 * configured, nothing has to be read, said or done when a handler is wrapped. What only that moment can tell is kept:
 * what stands in the sandbox before the first invocation. Of the rest nothing is loaded until something has moved, or
 * code asks for it.
 */
import type { Options } from '../../config/config.ts';
import type * as due from './due.ts';
import { openChangeMonitor, type ChangeMonitor, type OpenMonitor } from '../monitor/change-monitor.ts';
import { WRAPPED } from './mark.ts';
import { openProbe } from '../monitor/probe.ts';
import { begun, openProgress } from './progress.ts';
import { recordings, startRecording } from './record.ts';
import { makeNoted, proxied, type Callable } from './proxied.ts';
import { sandboxState, shared, type SandboxState } from '../limits/state.ts';
import type { TrackedInvocation } from './setup.ts';

/** What is loaded when it is due. */
export type Host = typeof due;

/** A destination in which nothing can be wrong. Anything else is judged at once. */
const PLAIN_DESTINATION = /^s3:\/\/[a-z0-9][a-z0-9-]{1,61}[a-z0-9](?:\/[a-z0-9_-]{1,60}){0,3}$/u;
/** Levels of AMBER_DETECT at which there is a change monitor. */
const LEVEL = /^(?:low|medium|high|critical)$/u;
/** The trees of AMBER_WRITABLE where it is not set. */
const TREES = ['/tmp', '/dev/shm'];

const guards = shared<ChangeMonitor<TrackedInvocation>>('guard');

/** True where wrapping has nothing to say and nothing to prepare. */
export function isPlain(options: unknown, env: NodeJS.ProcessEnv): boolean {
  if (options !== undefined && (typeof options !== 'object' || options === null || Reflect.ownKeys(options).length > 0))
    return false;
  for (const name in env)
    if (name.startsWith('AMBER_') && name !== 'AMBER_DESTINATION' && name !== 'AMBER_DETECT') return false;
  return PLAIN_DESTINATION.test(env['AMBER_DESTINATION'] ?? '') && LEVEL.test(env['AMBER_DETECT'] ?? 'high');
}

/** As `withCapture` (wrap.ts). */
export function wrapIdle(
  handler: unknown,
  options: Options | undefined,
  env: NodeJS.ProcessEnv,
  host: () => Host,
): unknown {
  const state =
    isPlain(options, env) && typeof handler === 'function' && !(WRAPPED in handler) ? sandboxState() : undefined;
  // Another copy of the package may have configured the change monitor.
  if (state === undefined || guards.get(state) !== undefined) return host().withCapture(handler as Callable, options);
  try {
    return standBy(handler as Callable, state, env, host);
  } catch (error) {
    host().tell('guard', error);
    return handler;
  }
}

function standBy(handler: Callable, state: SandboxState, env: NodeJS.ProcessEnv, host: () => Host): unknown {
  // User code may change its environment later; what was configured counts.
  const configured = { ...env };
  let made: ReturnType<Host['armLate']> | undefined;
  const late = (): ReturnType<Host['armLate']> => (made ??= host().armLate(configured));
  const open: OpenMonitor = async (records, init) => late().open(records, init);
  startRecording(state, { level: 'events', env, scope: globalThis }, (error) => host().tell('record', error));
  const recording = recordings.get(state);
  const changeMonitor = openChangeMonitor<TrackedInvocation>((spawned) => openProbe(TREES, spawned), env, open, {
    ask: (tracked, findings) => late().handler.ask(tracked, findings),
    begin: (tracked, cause) => late().handler.begin(tracked, cause),
    fault: (error) => host().tell('detect', error),
  });
  guards.set(state, changeMonitor);
  const progress = openProgress(state, env);
  const noted = makeNoted(state, progress, (error) => host().tell('invoke', error));
  return proxied(handler, () => {
    state.invocations += 1;
    recording?.begins(state.invocations);
    changeMonitor.begins(state.invocations);
    const isNoted = begun(progress);
    if (made === undefined && state.captures === 0 && !changeMonitor.isHot()) return isNoted ? noted : undefined;
    try {
      return late().due({ isNoted });
    } catch (error) {
      host().tell('invoke', error);
      return undefined;
    }
  });
}
