/** What the extension knows and does in one life of a sandbox: its policy, the invocation in progress, what was seen last. */
import type { CaptureRequest } from '../capture.ts';
import { resolveConfig, type Config } from '../config.ts';
import type { CaptureReport, InvocationFacts, Observation, Roots } from '../contracts.ts';
import type { Lookout } from '../detect/observe.ts';
import { isAmberError } from '../errors.ts';
import type { InvokeEvent } from '../lambda/extensions-api.ts';
import type { RuntimeDone } from '../lambda/telemetry-api.ts';
import type { LogStream } from '../report/log.ts';

export type ExtensionEngine = (request: CaptureRequest) => Promise<CaptureReport>;

/** What the extension stands on; tests bring their own. */
export interface ExtensionGround {
  readonly env: NodeJS.ProcessEnv;
  readonly log: (stream: LogStream, record: Readonly<Record<string, unknown>>) => unknown;
  /** Loads the engine, at the latest when a capture is due. */
  readonly engine: () => Promise<ExtensionEngine>;
  readonly lookout: (roots: Roots) => Promise<Lookout>;
  /** Ends the process. */
  readonly exit: () => void;
}

/** The invocation in progress, or the last one. */
export interface Turn {
  readonly number: number;
  readonly event: InvokeEvent;
  readonly startedMs: number;
  /** Set once the platform says so, which may be late or never. */
  done: RuntimeDone | undefined;
}

export interface Running {
  /** Ends its collecting; it closes and commits what it has. */
  readonly enough: AbortController;
  readonly ended: Promise<CaptureReport | undefined>;
}

export interface Duty {
  readonly ground: ExtensionGround;
  readonly config: Config;
  readonly roots: Roots;
  /** Several invocations at once, and no INVOKE events. */
  readonly managed: boolean;
  /** True where the platform tells how invocations end. */
  telemetry: boolean;
  turn: Turn | undefined;
  /** Resolves waiting parties when the platform says that an invocation is over. */
  readonly doneWatchers: Set<() => void>;
  lookout: Lookout | undefined;
  seen: Observation | undefined;
  timer: NodeJS.Timeout | undefined;
  running: Running | undefined;
  /** Captures that were started in this life. */
  captures: number;
  endedMs: number;
  /** Why contents are wanted at the end: findings and orders that no capture has answered. One line each. */
  readonly open: Set<string>;
  prepared: boolean;
}

/**
 * Reads the policy.
 *
 * @returns undefined where there is nothing to do: one line says why, unless it was asked for (AMBER_DISABLED, AMBER_CAPTURE=off).
 */
export function openDuty(ground: ExtensionGround, managed: boolean): Duty | undefined {
  const config = readConfig(ground);
  if (config === undefined || config.disabled || config.capture === 'off') return undefined;
  if (config.destination === undefined) {
    ground.log('config', { armed: false, where: 'extension', error: 'AMBER_DESTINATION is not set; for example s3://evidence-bucket/amber' });
    return undefined;
  }
  const { writable, code } = config;
  return {
    ground, config, managed, roots: { proc: '/proc', writable, code, etc: '/etc' }, telemetry: false, turn: undefined, doneWatchers: new Set(),
    lookout: undefined, seen: undefined, timer: undefined, running: undefined, captures: 0, endedMs: 0, open: new Set(), prepared: false,
  };
}

function readConfig({ env, log }: ExtensionGround): Config | undefined {
  try {
    const config = resolveConfig({}, env);
    // The SDK takes longer to load than a shutdown lasts, and what systeminformation knows of a sandbox is not worth its size.
    return { ...config, s3Transport: 'light', collect: ['-system-information', ...config.collect] };
  } catch (error) {
    log('config', { armed: false, where: 'extension', ...(isAmberError(error) ? { code: error.code, error: error.message } : {}) });
    return undefined;
  }
}

/** The facts of the invocation in progress, or of the last one. */
export function turnFacts({ turn }: Duty): InvocationFacts | undefined {
  if (turn === undefined) return undefined;
  const { requestId, functionArn, traceId, deadlineMs } = turn.event;
  return { requestId, functionArn, traceId, tenantId: undefined, deadlineMs, number: turn.number, concurrent: 0 };
}

/** One look at the sandbox, kept for the end. Never rejects. */
export async function look(duty: Duty): Promise<void> {
  const { lookout, turn } = duty;
  if (lookout === undefined) return;
  duty.seen = await lookout.look({ number: turn?.number ?? 0, startedMs: turn?.startedMs ?? 0 });
}

export async function loadLookout(duty: Duty): Promise<void> {
  duty.lookout ??= await duty.ground.lookout(duty.roots);
}
