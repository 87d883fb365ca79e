/**
 * What the extension knows and does in one life of a sandbox: its policy, the invocation in progress, what was seen
 * last.
 */
import type { CaptureRequest } from '../../capture/capture.ts';
import { resolveConfig } from '../../config/config.ts';
import { policyOf } from '../../config/detect-policy.ts';
import type { CaptureReport, Cause, Finding, InvocationFacts, Observation, Config } from '../../contracts/evidence.ts';
import { defined } from '../../defined.ts';
import type { AnomalyMonitor, MonitorOptions } from '../../detect/anomaly-monitor.ts';
import { isAmberError } from '../../errors.ts';
import type { InvokeEvent } from '../../lambda/extensions-api.ts';
import type { RuntimeDone } from '../../lambda/telemetry-api.ts';
import type { Beside, BesideOptions } from '../../record/beside/beside.ts';
import type { LogStream } from '../../report/log.ts';
import { openParking, type Parking } from '../../ship/parked.ts';
import type { Control } from '../orders/control.ts';
import { openResets, type Resets } from './resets.ts';
import { CaptureLimiter, type CaptureCount } from '../limits/limiter.ts';
import { FLOOR_MS } from '../limits/limits.ts';
import { freshState, type SandboxState } from '../limits/state.ts';

export type ExtensionEngine = (request: CaptureRequest) => Promise<CaptureReport>;

/** What the extension stands on; tests bring their own. */
export interface ExtensionEnvironment {
  readonly env: NodeJS.ProcessEnv;
  readonly log: (stream: LogStream, record: Readonly<Record<string, unknown>>) => unknown;
  /** Loads the engine, at the latest when a capture is due. */
  readonly engine: () => Promise<ExtensionEngine>;
  readonly anomalyMonitor: (options: MonitorOptions) => Promise<AnomalyMonitor>;
  /** Opens the recorder of the extension; asked where AMBER_RECORD is not off. */
  readonly beside?: (options: BesideOptions) => Promise<Beside>;
  /** Opens the channel of orders; asked where AMBER_CONTROL is set. */
  readonly control: (config: Config) => Promise<Control>;
  /** Listens for what the function's process hands over. */
  readonly handoffs?: (log: ExtensionEnvironment['log']) => HandoffServer;
  /** Ends the process. */
  readonly exit: () => void;
}

/** The invocation in progress, or the last one. */
export interface InvocationRecord {
  readonly number: number;
  readonly event: InvokeEvent;
  readonly startedMs: number;
  /** Set once the platform says so, which may be late or never. */
  done: RuntimeDone | undefined;
}

export interface Running {
  readonly cause: Cause;
  /**
   * The function's process asked for it: anybody with its uid can, so it uses up nothing of what our own triggers may
   * start.
   */
  readonly hinted: boolean;
  /** Ends its collecting; it closes and commits what it has. */
  readonly stopper: AbortController;
  /** Never rejects. */
  readonly ended: Promise<CaptureReport | undefined>;
  /** What processes of the function hand over for it: the lines as they come. */
  readonly handed: Promise<unknown>[];
  /** Nothing that is handed over now would be stored. */
  isSealed: boolean;
  /** Told when the sandbox stays awake for this capture. */
  readonly waiting: Set<() => void>;
}

/** The last capture of our own that has ended. */
export interface Ended {
  readonly cause: Cause;
  readonly requestId: string | undefined;
  readonly atMs: number;
  readonly isWhole: boolean;
}

/**
 * Whether the platform may freeze the sandbox:
 *
 *     managed                          never: several invocations at once, and no INVOKE events
 *     polling → invoked → polling    not between an INVOKE event and the question for the next one
 */
export type Phase = 'managed' | 'polling' | 'invoked';

/** What was seen of the sandbox. */
export interface Sight {
  /** Set while the first answer is out and nobody waits; the end of the sandbox is rehearsed then. */
  prepared: boolean;
  monitor: AnomalyMonitor | undefined;
  /** What it saw last. */
  seen: Observation | undefined;
  /** The end of init as detectors need it: noted when the first invocation is told of. */
  init: MonitorOptions['init'];
}

/** What was captured, and why more is wanted. */
export interface Captures {
  running: Running | undefined;
  last: Ended | undefined;
  readonly own: CaptureCount;
  readonly hinted: CaptureCount;
  /** Ids of the orders that a whole capture has answered. */
  readonly answered: Set<string>;
  /** Why contents are wanted at the end: findings and orders that no capture has answered. One line each. */
  readonly open: Set<string>;
}

/** Timers of an invocation in progress. */
interface Timers {
  deadline: NodeJS.Timeout | undefined;
  /** Looks during an invocation that lasts. */
  scan: NodeJS.Timeout | undefined;
}

/** The recorder of the extension. */
export interface BlackBox {
  /** Never rejects. */
  opening: Promise<void> | undefined;
  beside: Beside | undefined;
}

export interface ExtensionState {
  readonly environment: ExtensionEnvironment;
  readonly config: Config;
  /** As the environment says it; `config` is what the extension makes of it. */
  readonly asked: Config;
  phase: Phase;
  /** True where the platform tells how invocations end. */
  telemetry: boolean;
  invocation: InvocationRecord | undefined;
  readonly timers: Timers;
  /** Resolves waiting parties when the platform says that an invocation is over. */
  readonly doneWatchers: Set<() => void>;
  readonly sight: Sight;
  readonly blackBox: BlackBox;
  readonly captures: Captures;
  control: Control | undefined;
  /** What the limits keep: lines that were logged, and the answer of the cap over all sandboxes. */
  readonly fleet: SandboxState;
  readonly limiter: CaptureLimiter;
  readonly parking: Parking;
  /** Captures after crashes in earlier lives of this sandbox. */
  readonly resets: Resets;
}

/** Longest time of one look. */
const LOOK_MS = 250;

/**
 * Reads the policy.
 *
 * @returns undefined where there is nothing to do: one line says why, unless it was asked for (AMBER_DISABLED,
 *   AMBER_CAPTURE=off).
 */
export function openState(environment: ExtensionEnvironment, phase: 'managed' | 'polling'): ExtensionState | undefined {
  const asked = readConfig(environment);
  if (asked === undefined || asked.disabled || asked.capture === 'off') return undefined;
  // The SDK takes longer to load than a shutdown lasts, and what systeminformation knows of a sandbox is not worth its
  // size.
  const config: Config = { ...asked, s3Transport: 'light', collect: ['-systeminformation', ...asked.collect] };
  if (config.destination === undefined) {
    environment.log('config', {
      armed: false,
      where: 'extension',
      error: 'AMBER_DESTINATION is not set; for example s3://evidence-bucket/amber',
    });
    return undefined;
  }
  const tmp = config.writable[0] ?? '/tmp';
  const parking = openParking(tmp, environment.log);
  const fleet = freshState();
  const state: ExtensionState = {
    environment,
    config,
    asked,
    phase,
    telemetry: false,
    invocation: undefined,
    timers: { deadline: undefined, scan: undefined },
    doneWatchers: new Set(),
    sight: { prepared: false, monitor: undefined, seen: undefined, init: undefined },
    blackBox: { opening: undefined, beside: undefined },
    captures: {
      running: undefined,
      last: undefined,
      own: { captures: 0, endedMs: 0 },
      hinted: { captures: 0, endedMs: 0 },
      answered: new Set(),
      open: new Set(),
    },
    control: undefined,
    fleet,
    limiter: limiterOf(config, environment, fleet, () => state),
    parking,
    resets: openResets(tmp, (record) => environment.log('fault', record)),
  };
  return state;
}

/**
 * A capture here runs beside the handler and holds up no answer: what it has stored at its stop is a gain, however
 * little CPU the function has. So its least time is the floor.
 *
 * @param state - asked when a capture is due
 */
function limiterOf(
  config: Config,
  { log }: ExtensionEnvironment,
  fleet: SandboxState,
  state: () => Pick<ExtensionState, 'control' | 'captures'>,
): CaptureLimiter {
  return new CaptureLimiter({
    config,
    state: fleet,
    log,
    isStopped: () => state().control?.stopped() === true,
    isRunning: () => state().captures.running !== undefined,
    leastMs: () => FLOOR_MS,
  });
}

function readConfig({ env, log }: ExtensionEnvironment): Config | undefined {
  const warnings: string[] = [];
  try {
    const config = resolveConfig({}, env, ({ message }) => warnings.push(message));
    if (warnings.length > 0) log('config', { armed: true, where: 'extension', warning: warnings.join('; ') });
    return config;
  } catch (error) {
    log('config', {
      armed: false,
      where: 'extension',
      ...(isAmberError(error) ? { code: error.code, error: error.message } : {}),
    });
    return undefined;
  }
}

/** The facts of the invocation in progress, or of the last one. */
export function currentFacts({ invocation }: ExtensionState): InvocationFacts | undefined {
  if (invocation === undefined) return undefined;
  const { requestId, functionArn, traceId, deadlineMs } = invocation.event;
  return { requestId, functionArn, traceId, tenantId: undefined, deadlineMs, number: invocation.number, concurrent: 0 };
}

/** One look at the sandbox, kept for the end; gives what detectors find new in it. Never rejects. */
export async function scan(state: ExtensionState): Promise<readonly Finding[]> {
  const { sight, invocation, blackBox } = state;
  if (sight.monitor === undefined) return [];
  const { observation, fresh } = await sight.monitor.scan({
    number: invocation?.number ?? 0,
    startedMs: invocation?.startedMs ?? 0,
  });
  sight.seen = observation;
  blackBox.beside?.runtimes(observation.processes.filter(({ role }) => role === 'runtime').map(({ pid }) => pid));
  return fresh;
}

export async function loadMonitor(state: ExtensionState): Promise<void> {
  const { writable, code, detect } = state.config;
  state.sight.monitor ??= await state.environment.anomalyMonitor({
    by: 'extension',
    roots: { proc: '/proc', writable, code, etc: '/etc' },
    policy: policyOf(detect),
    limits: { totalMs: LOOK_MS },
    doubts: () => state.blackBox.beside?.doubts() ?? [],
    ...defined({ init: state.sight.init }),
  });
}

/** Waits until the platform says that the invocation is over, `leftMs` at most: true if it has said so. */
export async function doneWithin(
  { doneWatchers }: ExtensionState,
  invocation: InvocationRecord,
  leftMs: number,
): Promise<boolean> {
  if (isDone(invocation)) return true;
  if (leftMs <= 0) return false;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      doneWatchers.delete(end);
      resolve();
    };
    const timer = setTimeout(end, leftMs);
    doneWatchers.add(end);
  });
  return isDone(invocation);
}

/** Asked anew after a wait. */
function isDone(invocation: InvocationRecord): boolean {
  return invocation.done !== undefined;
}

export interface HandoffServer {
  /** From now on hints are answered; until then a process that connects is sent away. */
  readonly serve: (state: ExtensionState) => void;
  readonly close: () => void;
}
