/**
 * `withCapture` as it stands in a bundle: all that an idle function pays for. Where the configuration is plain
 * (plain.ts), nothing has to be read, said or done when a handler is wrapped. What only that moment can tell is kept:
 * what stands in the sandbox before the first invocation. Of the rest nothing is loaded until something has moved, or
 * code asks for it.
 */
import type { Options } from '../../config/config.ts';
import type * as due from './due.ts';
import {
  openChangeMonitor,
  type ChangeMonitor,
  type FindingHandler,
  type OpenMonitor,
} from '../monitor/change-monitor.ts';
import { WRAPPED } from './mark.ts';
import { readPlain, type Plain } from './plain.ts';
import { notedFunctions } from '../monitor/builtins.ts';
import { openProbe } from '../monitor/probe.ts';
import { begun, openProgress } from './progress.ts';
import { recordings, startRecording } from './record.ts';
import { makeNoted, proxied, type Callable } from './proxied.ts';
import { sandboxState, shared, type SandboxState } from '../limits/state.ts';
import type { TrackedInvocation } from './setup.ts';

/** What is loaded when it is due. */
export type Host = typeof due;

const guards = shared<ChangeMonitor<TrackedInvocation>>('guard');

/** The kill switch, as config/values.ts reads a flag: before anything else is read or loaded. */
const SWITCHED_ON: readonly string[] = ['1', 'true', 'on', 'yes'];

/** As `withCapture` (wrap.ts). What a function has made of the built-ins may end it: the handler is given back then. */
export function wrapIdle(
  handler: unknown,
  options: Options | undefined,
  env: NodeJS.ProcessEnv,
  host: () => Host,
): unknown {
  try {
    return wrapped(handler, options, env, host);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'CONFIG_INVALID') throw error;
    try {
      host().tell('wrap', error);
    } catch {
      // Nothing can be said here.
    }
    return handler;
  }
}

function wrapped(handler: unknown, options: Options | undefined, env: NodeJS.ProcessEnv, host: () => Host): unknown {
  if (SWITCHED_ON.includes((env['AMBER_DISABLED'] ?? '').trim().toLowerCase())) return handler;
  // User code may change its environment and its options later; what was configured counts.
  const configured: Configured = { env: { ...env }, options: copyOf(options) };
  const plain =
    configured.options === undefined || typeof handler !== 'function' || WRAPPED in handler
      ? undefined
      : readPlain(configured.options, configured.env);
  const state = plain === undefined ? undefined : sandboxState();
  // Another copy of the package may have configured the change monitor.
  if (plain === undefined || state === undefined || guards.get(state) !== undefined)
    return host().withCapture(handler as Callable, options);
  try {
    return standBy({ handler: handler as Callable, state, plain, env, configured }, host);
  } catch (error) {
    host().tell('guard', error);
    return handler;
  }
}

interface Configured {
  readonly env: NodeJS.ProcessEnv;
  readonly options: Options | undefined;
}

/** Undefined where they are more than a list of values: a class, an accessor that throws, hidden members. */
function copyOf(options: unknown): Options | undefined {
  if (options === undefined) return {};
  try {
    if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype)
      return undefined;
    const copy = { ...options };
    return Reflect.ownKeys(options).length === Object.keys(copy).length ? copy : undefined;
  } catch {
    return undefined;
  }
}

interface Stand {
  readonly handler: Callable;
  readonly state: SandboxState;
  readonly plain: Plain;
  readonly env: NodeJS.ProcessEnv;
  readonly configured: Configured;
}

function standBy({ handler, state, plain, env, configured }: Stand, host: () => Host): unknown {
  let made: ReturnType<Host['armLate']> | undefined;
  const late = (): ReturnType<Host['armLate']> => (made ??= host().armLate(configured.env, configured.options));
  const open: OpenMonitor = async (records, init) => late().open(records, init);
  const scope = { level: plain.record, env, initial: configured.env, scope: globalThis };
  startRecording(state, scope, (error) => host().tell('record', error));
  const recording = recordings.get(state);
  const alarm: FindingHandler<TrackedInvocation> = {
    ask: (tracked, findings) => late().handler.ask(tracked, findings),
    begin: (tracked, cause) => late().handler.begin(tracked, cause),
    fault: (error) => host().tell('detect', error),
  };
  const monitor = (trees: readonly string[]): ChangeMonitor<TrackedInvocation> =>
    openChangeMonitor((spawned) => openProbe(trees, spawned), env, open, alarm, {
      functions: notedFunctions(state),
      recorded: recording?.tail,
    });
  const changeMonitor = plain.watched === undefined ? undefined : monitor(plain.watched);
  if (changeMonitor !== undefined) guards.set(state, changeMonitor);
  const progress = openProgress(state, env);
  const noted = makeNoted(state, progress, (error) => host().tell('invoke', error));
  return proxied(handler, () => {
    state.invocations += 1;
    recording?.begins(state.invocations);
    changeMonitor?.begins(state.invocations);
    const isNoted = begun(progress);
    if (made === undefined && state.captures === 0 && changeMonitor?.isHot() !== true)
      return isNoted ? noted : undefined;
    try {
      return late().due({ isNoted });
    } catch (error) {
      host().tell('invoke', error);
      return undefined;
    }
  });
}
