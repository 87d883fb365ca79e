/** One capture under a fault: a wrapped handler, its sandbox a recorded one, its destination behind the proxy. */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCapture, type CaptureRequest } from '../../../src/capture/capture.ts';
import type { Options } from '../../../src/config/config.ts';
import type { CaptureReport } from '../../../src/contracts/evidence.ts';
import { describeError } from '../../../src/errors.ts';
import { wrapOn } from '../../../src/host/wrapper/wrap.ts';
import { logLine } from '../../../src/report/log.ts';
import { lambdaContext } from '../../host/environment.ts';
import type { FaultProxy } from '../../servers/fault-proxy.ts';
import type { Keys, Transport } from '../../ship/s3-opened.ts';
import type { Plan } from './cases.ts';
import type { LogTap } from './log-tap.ts';
import { SMALL, type PlantedScene } from './scene.ts';
import type { HostEnvironment } from '../../../src/host/environment.ts';

/** How the handler ends; each has to reach the caller unchanged. */
export const HANDLERS = ['value', 'plain', 'rejects', 'throws'] as const;
export type HandlerKind = (typeof HANDLERS)[number];

export interface CaptureOf {
  readonly plan: Plan;
  readonly scene: PlantedScene;
  readonly proxy: FaultProxy;
  readonly tap: LogTap;
  readonly bucket: string;
  readonly prefix: string;
  readonly keys: Keys;
  readonly transport: Transport;
  readonly recipient: string | undefined;
  readonly handler: HandlerKind;
  readonly maxMs: number;
}

export interface Captured {
  /** Undefined where the engine gave none: that is a violation. */
  readonly report: CaptureReport | undefined;
  readonly log: string;
  /** What is wrong with how the handler's result came out. */
  readonly handlerProblem: string | undefined;
  /** From the call of the handler to its result. */
  readonly tookMs: number;
  /** From the call of the handler to the end of the capture. */
  readonly endedMs: number;
  /** From the call of the handler to the summary in the log; undefined where there is none. */
  readonly loggedMs: number | undefined;
}

/** A capture that has not ended so long after its limit is stuck. */
const STUCK_MS = 10_000;

export async function captureUnder(one: CaptureOf): Promise<Captured> {
  let running: Promise<CaptureReport> | undefined;
  // A capture takes its environment when it begins: others may run beside it with another one.
  const begin = (request: CaptureRequest): Promise<CaptureReport> =>
    inEnvironment(one.keys, () => (running = runCapture({ ...request, roots: one.scene.roots })));
  const environment: HostEnvironment = {
    env: {},
    scope: {},
    emitter: new EventEmitter(),
    log: logLine,
    engine: () => Promise.resolve(begin),
    isLoaded: () => true,
  };
  const { script, outageMs } = one.plan;
  one.proxy.script(...(outageMs === undefined ? script : []));
  if (outageMs !== undefined) one.proxy.outage(outageMs, script[0] ?? 'pass');
  const started = performance.now();
  const handlerProblem = await callHandler(environment, one.handler, optionsOf(one));
  const tookMs = performance.now() - started;
  const report = await Promise.race([running, sleep(one.maxMs + STUCK_MS, undefined, { ref: false })]);
  const endedMs = performance.now() - started;
  const loggedAt = report === undefined ? undefined : one.tap.summaryAt(report.captureId);
  return {
    handlerProblem,
    tookMs,
    report,
    endedMs,
    loggedMs: loggedAt === undefined ? undefined : loggedAt - started,
    log: report === undefined ? '' : one.tap.take(report.captureId),
  };
}

function inEnvironment<T>(keys: Keys, begin: () => T): T {
  const variables = {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_LAMBDA_FUNCTION_NAME: 'checkout',
    AWS_REGION: 'us-east-1',
  };
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  Object.assign(process.env, variables);
  try {
    return begin();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

function optionsOf({ proxy, bucket, prefix, transport, recipient, handler, maxMs, scene, plan }: CaptureOf): Options {
  return {
    ...SMALL,
    // Each of these captures stands for a sandbox; what happens on the machine beside them is no anomaly of it.
    detect: 'off',
    destination: `s3://${plan.real === 'absent' ? 'not-there' : bucket}/${prefix}`,
    s3Endpoint: proxy.endpoint,
    s3PathStyle: true,
    s3Region: 'us-east-1',
    s3Transport: transport,
    maxMs,
    writable: scene.roots.writable,
    code: scene.roots.code,
    ...(handler === 'rejects' || handler === 'throws' ? { onError: 'any' } : { capture: 'now' }),
    ...(recipient === undefined ? {} : { recipient }),
  };
}

/** Calls a wrapped handler of this kind, and says what differs from the bare one. */
async function callHandler(
  environment: HostEnvironment,
  kind: HandlerKind,
  options: Options,
): Promise<string | undefined> {
  const value = { statusCode: 200, body: 'as it was' };
  const error = new TypeError('the handler failed');
  const event = { key: 'value' };
  const bare = (given: unknown): unknown => {
    if (given !== event) return undefined;
    if (kind === 'throws') throw error;
    if (kind === 'plain') return value;
    return kind === 'rejects' ? Promise.reject(error) : Promise.resolve(value);
  };
  const wrapped = wrapOn(environment, bare as (event: unknown, context: unknown) => unknown, options);
  const fails = kind === 'rejects' || kind === 'throws';
  try {
    const got = await wrapped(event, lambdaContext(30_000));
    return got === value && !fails ? undefined : `the handler's value came out as ${JSON.stringify(got)}`;
  } catch (thrown) {
    return thrown === error && fails ? undefined : `the handler ended in ${describeError(thrown)}`;
  }
}
