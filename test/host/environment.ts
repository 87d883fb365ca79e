/**
 * A environment for hosts in tests: its own state, its own environment, an engine that only notes what it was asked.
 */
import { EventEmitter } from 'node:events';
import type { CaptureRequest } from '../../src/capture/capture.ts';
import type { Options } from '../../src/config/config.ts';
import type { CaptureReport } from '../../src/contracts/evidence.ts';
import { wrapOn, type AnyHandler } from '../../src/host/wrapper/wrap.ts';
import { sandboxState, type SandboxState } from '../../src/host/limits/state.ts';
import type { Engine, HostEnvironment } from '../../src/host/environment.ts';

export interface TestEnvironment extends HostEnvironment {
  readonly requests: CaptureRequest[];
  readonly lines: Record<string, unknown>[];
  readonly state: SandboxState;
}

/** Without detectors, which would look at the machine that runs the tests. */
export const DESTINATION: Record<string, string> = {
  AMBER_DESTINATION: 'file:///tmp/amber-not-there',
  AMBER_DETECT: 'off',
};
export const NOW: Record<string, string> = { ...DESTINATION, AMBER_CAPTURE: 'now' };
export const ON_ERROR: Record<string, string> = { ...DESTINATION, AMBER_ON_ERROR: 'any', AMBER_COOLDOWN_MS: '0' };

export type Handler = (event?: unknown, context?: unknown) => Promise<unknown>;

/** Wraps on this ground. */
export function wrap<H extends AnyHandler>(environment: HostEnvironment, handler: H, options: Options = {}): H {
  return wrapOn(environment, handler, options);
}

/** `engine` replaces the default, which takes `captureMs` and reports `whole`. */
export function testEnvironment(env: Record<string, string>, captureMs = 0, engine?: Engine): TestEnvironment {
  const requests: CaptureRequest[] = [];
  const lines: Record<string, unknown>[] = [];
  const scope = {};
  const state = sandboxState(scope);
  if (state === undefined) throw new Error('a fresh scope has no state of another version');
  const note: Engine = async (request) => {
    requests.push(request);
    await new Promise((resolve) => setTimeout(resolve, captureMs));
    return engine === undefined ? report(request) : engine(request);
  };
  return {
    env,
    scope,
    requests,
    lines,
    state,
    emitter: new EventEmitter(),
    engine: () => Promise.resolve(note),
    isLoaded: () => true,
    log: (stream, record) => lines.push({ amber: stream, ...record }),
  };
}

export function report({ cause }: CaptureRequest): CaptureReport {
  return {
    captureId: '0',
    state: 'whole',
    cause,
    location: 'file:///x',
    segments: 1,
    bytes: 1,
    outcomes: {},
    elapsedMs: 1,
    cpuMs: 1,
  };
}

/** A context as aws-lambda-ric 4 makes it, with so much time left. */
export function lambdaContext(remainingMs = 60_000): Record<string, unknown> {
  const deadlineMs = Date.now() + remainingMs;
  return {
    awsRequestId: 'request-1',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:f',
    tenantId: undefined,
    xRayTraceId: 'Root=1',
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
