/**
 * Configuration and triggers, made ready once, when a handler is wrapped: nothing of this is done for an invocation.
 */
import { areOptions, OPTIONS, resolveConfig, type Options, type Warn } from '../../config/config.ts';
import type { Cause, TriggerEvent, Trigger, Config, OrderedCapture } from '../../contracts/evidence.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import { coresOf } from '../../lambda/cores.ts';
import { TRIGGERS } from '../../trigger/index.ts';
import { ownTriggers } from '../../trigger/own.ts';
import { pollerFor, type ControlPoller } from '../orders/control-poller.ts';
import type { ChangeMonitor } from '../monitor/change-monitor.ts';
import { CaptureLimiter } from '../limits/limiter.ts';
import { leastMs } from '../limits/limits.ts';
import { firstTime, sandboxState, type SandboxState } from '../limits/state.ts';
import { errorFields } from '../log.ts';
import { type HostEnvironment, fault } from '../environment.ts';

/** A usable configuration, and the triggers by the moment at which each wants to be asked. */
export interface HostSetup {
  readonly config: Config;
  readonly state: SandboxState;
  readonly environment: HostEnvironment;
  readonly limiter: CaptureLimiter;
  readonly settled: readonly Trigger[];
  readonly failed: readonly Trigger[];
  readonly near: readonly Trigger[];
  /** Asked when detectors have found something. */
  readonly found: readonly Trigger[];
  /** Looks for anomalies; undefined where none may start a capture. Set once, by startMonitoring. */
  changeMonitor: ChangeMonitor<TrackedInvocation> | undefined;
  /** What the function may use of CPU, read before user code runs; undefined outside of Lambda. */
  readonly cores: number | undefined;
  /** Orders of responders; undefined where AMBER_CONTROL is not set. */
  readonly poller: ControlPoller | undefined;
  /** Events may carry orders. */
  readonly hearsEvents: boolean;
  /** Nothing but triggers that are asked once: after the first capture there is nothing to watch for. */
  readonly once: boolean;
}

/**
 * Reads the configuration of a host.
 *
 * @returns an error instead when nothing may be armed: the kill switch is on, or the environment is not usable (one log
 *   line says why). A function must not go down because a variable of its environment is wrong.
 * @throws AmberError CONFIG_INVALID, when what is wrong stands in code: that is seen before it is deployed.
 */
export function loadSetup(options: Options, environment: HostEnvironment): HostSetup | AmberError {
  const off = switchedOff(options, environment.env);
  if (off !== undefined) {
    return new AmberError('CAPTURE_LIMITED', `${off} is set`, { details: { limit: 'switch' } });
  }
  const state = sandboxState(environment.scope);
  const warnings: string[] = [];
  const config = readConfig(options, environment.env, ({ message }) => warnings.push(message));
  if (state === undefined || isAmberError(config)) {
    const error = isAmberError(config)
      ? config
      : new AmberError('CAPTURE_LIMITED', OTHER_VERSION, { details: { limit: 'version' } });
    if (state === undefined || firstTime(state, 'config'))
      environment.log('config', { armed: false, ...errorFields(error) });
    return error;
  }
  if (warnings.length > 0 && firstTime(state, 'config-warning'))
    environment.log('config', { armed: true, warning: warnings.join('; ') });
  const triggers = [
    ...TRIGGERS,
    ...ownTriggers(config, ({ name }, error) => {
      if (firstTime(state, `trigger:${name}`)) fault(environment, `trigger ${name}`, error);
    }),
  ];
  const at = (moment: TriggerEvent['at']): Trigger[] =>
    triggers.filter((trigger) => trigger.moments(config).includes(moment));
  const [settled, failed, near, found] = [at('settled'), at('failed'), at('near-deadline'), at('found')];
  const once = [...settled, ...failed, ...near].every((trigger) => trigger.once === true);
  const hearsEvents = settled.some(({ name }) => name === 'event');
  const cores = coresOf(environment.env);
  const poller = pollerFor(config, state, environment);
  return {
    config,
    state,
    environment,
    limiter: limiterOf({ config, state, environment, cores, poller }),
    settled,
    failed,
    near,
    found,
    once,
    changeMonitor: undefined,
    hearsEvents,
    cores,
    poller,
  };
}

/** A capture in process shares the thread with the handler: it starts where the time is enough for it. */
function limiterOf({
  config,
  state,
  environment,
  cores,
  poller,
}: Pick<HostSetup, 'config' | 'state' | 'environment' | 'cores' | 'poller'>): CaptureLimiter {
  return new CaptureLimiter({
    config,
    state,
    log: environment.log,
    isStopped: () => poller?.stopped() === true,
    isRunning: () => state.running,
    leastMs: () => leastMs(cores, { isLoaded: environment.isLoaded() }),
  });
}

const OTHER_VERSION = 'another version of lambda-amber is loaded in this process, and is in charge';

/**
 * The kill switch works in either place, and before anything else is read: code must not be able to override it. Gives
 * its name.
 */
function switchedOff(options: Options, env: NodeJS.ProcessEnv): string | undefined {
  const places = [
    [OPTIONS.disabled.env, env[OPTIONS.disabled.env]],
    ['option `disabled`', areOptions(options) ? options.disabled : undefined],
  ] as const;
  return places.find(([, given]) => {
    const parsed = OPTIONS.disabled.parse(given);
    return parsed.ok && parsed.value;
  })?.[0];
}

/**
 * Code that is right leaves open only what the environment may still bring. So code is judged beside an environment
 * that brings exactly that; what is wrong then, code alone has got wrong.
 */
const SUPPLIED = {
  AMBER_DESTINATION: 's3://any-bucket',
  AMBER_RECIPIENT: 'age1jxyjc3f3v9d9e7lrdg9mdf9jteplqs04q47w50pf5pulw9lpxduqy64en5',
} as const;

function readConfig(options: Options, env: NodeJS.ProcessEnv, warn: Warn): Config | AmberError {
  try {
    return resolveConfig(options, env, warn);
  } catch (error) {
    resolveConfig(options, SUPPLIED);
    return isAmberError(error) ? error : new AmberError('BUG', undefined, { cause: error });
  }
}

/**
 * True while some trigger may still start a capture in this sandbox; for anomalies, while something has moved in it.
 */
export function isWatching(setup: HostSetup): boolean {
  const { settled, failed, near, changeMonitor, once, state, config } = setup;
  if (setup.hearsEvents) return true; // signed orders are not held up by the cap
  if (state.captures >= config.maxCaptures) return false;
  if (settled.length + failed.length + near.length > 0 && (!once || state.captures === 0)) return true;
  return changeMonitor?.isHot() === true;
}

/** The cause, if one of the triggers fires at this moment. */
export function ask(setup: HostSetup, triggers: readonly Trigger[], event: TriggerEvent): Cause | undefined {
  for (const trigger of triggers) {
    if (trigger.once === true && setup.state.captures > 0) continue;
    const cause = trigger.fires(event, setup.config);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

export interface TrackedInvocation {
  readonly setup: HostSetup;
  readonly event: unknown;
  readonly context: unknown;
  /** 1 for the first invocation of this sandbox. */
  readonly number: number;
  readonly deadlineMs: number | undefined;
  /** What was left of the invocation when the watch began. */
  readonly totalMs: number;
  /** False once the invocation has settled. */
  open: boolean;
  /** For hosts that are not told of every end: true if the invocation has settled without them. */
  isOver: (() => boolean) | undefined;
  timer: NodeJS.Timeout | undefined;
  /** The capture that runs for this invocation: the code that passes its result on waits for it. */
  capture: Promise<unknown> | undefined;
  /**
   * The client takes the answer when the event loop is empty (a callback of aws-lambda-ric 3), so nothing may fill it.
   */
  isQuiet: boolean;
  /** What calls the handler, where the host knows it: the client posts through it. */
  caller: unknown;
  /** The handler streams its answer. */
  streams: boolean;
  /** The order in the event is being judged. */
  asking: Promise<void> | undefined;
  /** What the event orders, and how it is told that this was carried out. */
  order: (OrderedCapture & { readonly token: string; readonly took: () => void }) | undefined;
}
