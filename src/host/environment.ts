/** What a host stands on: the process that it runs in, the log, and the engine that a capture loads. */
import type { CaptureRequest } from '../capture/capture.ts';
import type { CaptureReport } from '../contracts/evidence.ts';
import { logLine } from '../report/log.ts';
import type { ClaimSlot } from './limits/fleet.ts';
import type { OpenMonitor } from './monitor/change-monitor.ts';
import type { Probe } from './monitor/probe.ts';
import { type Log, errorFields } from './log.ts';
import type { OpenControl } from './orders/control.ts';

export type Engine = (request: CaptureRequest) => Promise<CaptureReport>;

/** What a host stands on. Tests pass their own; everything else uses {@link HOST_ENVIRONMENT}. */
export interface HostEnvironment {
  readonly env: NodeJS.ProcessEnv;
  /** The global object and the process, which all copies of the package share. */
  readonly scope: object;
  readonly emitter: NodeJS.EventEmitter;
  /** Loads the engine at the first capture: an idle function never pays for it. */
  readonly engine: () => Promise<Engine>;
  /** True once the engine is loaded. */
  readonly isLoaded: () => boolean;
  readonly log: Log;
  /** Opens the channel of AMBER_CONTROL in place of the built-in way; for tests. */
  readonly control?: OpenControl;
  /** Opens the detectors in place of the built-in way; for tests. */
  readonly anomalyMonitor?: OpenMonitor;
  /** Tells what has moved in place of system calls; for tests. */
  readonly probe?: (spawned: () => number) => Probe;
  /** Claims a slot of AMBER_FLEET_CAP in place of S3; for tests. */
  readonly claim?: ClaimSlot;
}

let isLoaded = false;

export const HOST_ENVIRONMENT: HostEnvironment = {
  env: process.env,
  scope: globalThis,
  emitter: process,
  engine: async () => {
    const { runCapture } = await import('../capture/capture.ts');
    isLoaded = true;
    return runCapture;
  },
  isLoaded: () => isLoaded,
  log: logLine,
};

/** Says that something of ours went wrong and was contained. The handler has not noticed. */
export function fault(environment: HostEnvironment, where: string, error: unknown): void {
  environment.log('fault', { where, ...errorFields(error) });
}
