/** Starts captures from the extension, one at a time and within the limits of the sandbox. */
import { findings } from '../../collect/findings.ts';
import type { LastCapture } from '../../capture/capture.ts';
import type { CaptureReport, Cause, Collector, JsonEntry, Config } from '../../contracts/evidence.ts';
import { schemeOf } from '../../config/destination.ts';
import { type AmberError, describeError } from '../../errors.ts';
import { coresOf } from '../../lambda/cores.ts';
import { parkingProvider } from '../../ship/parked.ts';
import { besideOf } from './black-box.ts';
import { doneWithin, currentFacts, type ExtensionState, type Running } from './state.ts';
import { handedOver } from './received-handoffs.ts';
import { claimFleet } from '../limits/fleet.ts';
import { watchForStopOrder } from '../orders/stop-order.ts';

export interface CaptureOrder {
  readonly cause: Cause;
  readonly config: Config;
  /** Milliseconds since the epoch. */
  readonly hardStopMs: number;
  /** The last of this life: neither cap nor cooldown hold it back. */
  readonly last?: boolean;
  /** Asked for by a process of the function. */
  readonly hinted?: boolean;
}

/** Collectors that say little after the runtime has gone, or that take longer than the end of a sandbox lasts. */
const NOT_AT_THE_END = [
  'findings',
  'executables',
  'code',
  'scripts',
  'systeminformation',
  'process-memory',
  'heap',
] as const;
/** Collectors of contents. */
const CONTENTS = ['recovered', 'writable', 'timeline'] as const;

/** The configuration of a capture at the end of a sandbox: what was seen last comes with it. */
export function configAtTheEnd(state: ExtensionState, { contents }: { readonly contents: boolean }): Config {
  const { config } = state;
  const without = contents ? NOT_AT_THE_END : [...CONTENTS, 'system', ...NOT_AT_THE_END];
  return {
    ...config,
    collect: [...config.collect, ...without.map((name) => `-${name}`)],
    collectors: [...config.collectors, lastInventory(state), KNOWN_FINDINGS],
  };
}

/**
 * With little CPU the first segment of the end holds what no later one could: what was seen last, which is in our
 * memory alone, the processes that are left, and every path of /tmp. Raw files of /proc, of which it has the facts,
 * wait: for contents, where those are wanted.
 */
const BEHIND_CONTENTS: LastCapture['tiers'] = {
  descriptors: 'recovered',
  memory: 'code',
  procfs: 'code',
  system: 'code',
};
const SECOND: LastCapture['tiers'] = { descriptors: 'recovered', memory: 'recovered', procfs: 'recovered' };
const MIB = 1024 * 1024;

/** How the last capture is made. It has been rehearsed unless the first invocation was the last. */
export function lastCapture(
  { sight, config, environment }: ExtensionState,
  { contents }: { readonly contents: boolean },
): LastCapture {
  const isSlow = (coresOf(environment.env) ?? 1) < 1;
  return {
    closingCpuMs: sight.prepared ? 20 : 55,
    segmentBytes: 4 * MIB,
    // A third of the digests, and with little CPU that is a tenth of the time. The file of a folder has no other
    // digest.
    digestWhole: !isSlow || config.destination?.startsWith('s3:') !== true,
    tiers: isSlow ? (contents ? BEHIND_CONTENTS : SECOND) : {},
  };
}

/** At the end there is no look, so what is known costs nothing and stands in the first segment. */
const KNOWN_FINDINGS: Collector = { ...findings, name: 'known-findings', tier: 'volatile' };

/** The platform tells of an end in batches of 25 ms, and SHUTDOWN may overtake it (AWS, "Lambda Telemetry API"). */
const LATE_MS = 50;

/**
 * What the extension saw while the processes still lived, and what the platform says of the last invocation: it says so
 * late.
 */
function lastInventory(state: ExtensionState): Collector {
  return {
    name: 'last-inventory',
    description: 'Processes, sockets and files as the extension saw them before the runtime ended.',
    tier: 'volatile',
    async *collect(): AsyncGenerator<JsonEntry> {
      const { invocation } = state;
      const { seen } = state.sight;
      if (invocation !== undefined && state.telemetry) await doneWithin(state, invocation, LATE_MS);
      yield {
        kind: 'json',
        path: 'live_response/last_inventory.json',
        source: 'amber',
        method: 'api',
        value: {
          lastInvocation:
            invocation === undefined
              ? undefined
              : { number: invocation.number, ...invocation.event, ...invocation.done },
          taken: seen === undefined ? undefined : new Date(seen.takenMs).toISOString(),
          ...seen,
        },
      };
    },
  };
}

/** Starts a capture, or says why not. `ended` never rejects. */
export function startCapture(state: ExtensionState, order: CaptureOrder): Running | AmberError {
  const hinted = order.hinted === true;
  const { captures } = state;
  const count = hinted ? captures.hinted : captures.own;
  const refused = order.last === true ? undefined : state.limiter.refusal({ ...order, count, nowMs: Date.now() });
  if (refused !== undefined) return refused;
  const { promise, resolve } = Promise.withResolvers<CaptureReport | undefined>();
  const running: Running = {
    cause: order.cause,
    hinted,
    stopper: new AbortController(),
    ended: promise,
    handed: [],
    isSealed: false,
    waiting: new Set(),
  };
  const requestId = state.invocation?.event.requestId;
  captures.running = running;
  count.captures += 1;
  const { control, config } = state;
  const unsubscribe =
    control === undefined || order.last === true
      ? undefined
      : watchForStopOrder({
          control,
          ttlMs: config.controlTtlMs,
          facts: () => currentFacts(state),
          stop: (reason) => running.stopper.abort(reason),
        });
  void run(state, order, running).then((report) => {
    unsubscribe?.();
    if (captures.running === running) captures.running = undefined;
    if (report === NO_SLOT) {
      count.captures -= 1;
      resolve(undefined);
      return;
    }
    count.endedMs = Date.now();
    if (!hinted)
      captures.last = { cause: order.cause, requestId, atMs: count.endedMs, isWhole: report?.state === 'whole' };
    if (report?.state === 'whole' && order.cause.order !== undefined) captures.answered.add(order.cause.order.id);
    resolve(report);
  });
  return running;
}

/** The sandboxes of the function have had their captures: nothing was begun, so nothing counts or cools down. */
const NO_SLOT = Symbol('no slot');

async function run(
  state: ExtensionState,
  { cause, config, hardStopMs, last }: CaptureOrder,
  running: Running,
): Promise<CaptureReport | typeof NO_SLOT | undefined> {
  const { environment, fleet, parking } = state;
  const { monitor } = state.sight;
  try {
    const invocation = currentFacts(state);
    const full = await claimFleet({ config, cause, state: fleet, env: environment.env, invocation, hardStopMs });
    if (full !== undefined) {
      state.limiter.logRefusal(cause, full);
      return NO_SLOT;
    }
    const engine = await environment.engine();
    // With the runtime gone another look tells nothing, and the engine would take one.
    const handed = handedOver(running);
    const findings =
      monitor === undefined
        ? {}
        : { findings: async () => (last === true ? monitor.snapshot() : handed.withHanded(await monitor.report())) };
    const kept = {
      ...config,
      destinations: [parkingProvider(parking, schemeOf(config.destination ?? '')), ...config.destinations],
      ...(last === true ? {} : { collectors: [...config.collectors, ...handed.collectors] }),
    };
    return await engine({
      cause,
      config: kept,
      invocation,
      hardStopMs,
      inProcess: false,
      stopSignal: running.stopper.signal,
      parked: parking.digests,
      ...besideOf(state),
      ...findings,
      ...(last === true ? { last: lastCapture(state, { contents: !config.collect.includes('-writable') }) } : {}),
    });
  } catch (error) {
    environment.log('fault', { where: 'extension', error: describeError(error) });
    return undefined;
  }
}
