/** Starts captures from the extension, one at a time and within the limits of the sandbox. */
import { findings } from '../../collect/findings.ts';
import type { LastCapture } from '../../capture/capture.ts';
import type { Config } from '../../config/config.ts';
import type { CaptureReport, Cause, Collector, JsonEntry } from '../../contracts/evidence.ts';
import { schemeOf } from '../../config/destination.ts';
import { AmberError, describeError } from '../../errors.ts';
import { coresOf } from '../../lambda/cores.ts';
import { parkingProvider } from '../../ship/parked.ts';
import { doneWithin, turnFacts, type Count, type Duty, type Running } from './state.ts';
import { handedOver } from './received-handoffs.ts';
import { claimFleet } from '../limits/fleet.ts';
import { firstTime } from '../limits/state.ts';
import { heedStop } from '../orders/stop-order.ts';

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
const NOT_AT_THE_END = ['findings', 'executables', 'code', 'scripts', 'systeminformation', 'process-memory', 'heap'] as const;
/** Collectors of contents. */
const CONTENTS = ['recovered', 'writable', 'timeline'] as const;

/** The configuration of a capture at the end of a sandbox: what was seen last comes with it. */
export function configAtTheEnd(duty: Duty, contents: boolean): Config {
  const { config } = duty;
  const without = contents ? NOT_AT_THE_END : [...CONTENTS, 'system', ...NOT_AT_THE_END];
  return {
    ...config,
    collect: [...config.collect, ...without.map((name) => `-${name}`)],
    collectors: [...config.collectors, lastInventory(duty), KNOWN_FINDINGS],
  };
}

/**
 * With little CPU the first segment of the end holds what no later one could: what was seen last, which is in our memory alone, the
 * processes that are left, and every path of /tmp. Raw files of /proc, of which it has the facts, wait: for contents, where those
 * are wanted.
 */
const BEHIND_CONTENTS: LastCapture['tiers'] = { descriptors: 'recovered', memory: 'code', procfs: 'code', system: 'code' };
const SECOND: LastCapture['tiers'] = { descriptors: 'recovered', memory: 'recovered', procfs: 'recovered' };
const MIB = 1024 * 1024;

/** How the last capture is made. It has been rehearsed unless the first invocation was the last. */
export function lastCapture({ prepared, config, ground }: Duty, contents: boolean): LastCapture {
  const isSlow = (coresOf(ground.env) ?? 1) < 1;
  return {
    closingCpuMs: prepared ? 20 : 55, segmentBytes: 4 * MIB,
    // A third of the digests, and with little CPU that is a tenth of the time. The file of a folder has no other digest.
    digestWhole: !isSlow || config.destination?.startsWith('s3:') !== true,
    tiers: isSlow ? (contents ? BEHIND_CONTENTS : SECOND) : {},
  };
}

/** At the end there is no look, so what is known costs nothing and stands in the first segment. */
const KNOWN_FINDINGS: Collector = { ...findings, name: 'known-findings', tier: 'volatile' };

/** The platform tells of an end in batches of 25 ms, and SHUTDOWN may overtake it (AWS, "Lambda Telemetry API"). */
const LATE_MS = 50;

/** What the extension saw while the processes still lived, and what the platform says of the last invocation: it says so late. */
function lastInventory(duty: Duty): Collector {
  return {
    name: 'last-inventory',
    description: 'Processes, sockets and files as the extension saw them before the runtime ended.',
    tier: 'volatile',
    async *collect(): AsyncGenerator<JsonEntry> {
      const { seen, turn } = duty;
      if (turn !== undefined && duty.telemetry) await doneWithin(duty, turn, LATE_MS);
      yield {
        kind: 'json', path: 'live_response/last_inventory.json', source: 'amber', method: 'api',
        value: { lastInvocation: turn === undefined ? undefined : { number: turn.number, ...turn.event, ...turn.done }, taken: seen === undefined ? undefined : new Date(seen.takenMs).toISOString(), ...seen },
      };
    },
  };
}

/** Starts a capture, or says why not. `ended` never rejects. */
export function startCapture(duty: Duty, order: CaptureOrder): Running | AmberError {
  const hinted = order.hinted === true;
  const count = hinted ? duty.hinted : duty.own;
  const refused = order.last === true ? undefined : refusal(duty, count);
  if (refused !== undefined) return refused;
  const { promise, resolve } = Promise.withResolvers<CaptureReport | undefined>();
  const running: Running = { cause: order.cause, hinted, enough: new AbortController(), ended: promise, handed: [], isSealed: false, waiting: new Set() };
  const requestId = duty.turn?.event.requestId;
  duty.running = running;
  count.captures += 1;
  const { control, config } = duty;
  const unheed = control === undefined || order.last === true ? undefined : heedStop({ control, ttlMs: config.controlTtlMs, facts: () => turnFacts(duty), stop: (reason) => running.enough.abort(reason) });
  void run(duty, order, running, count).then((report) => {
    unheed?.();
    if (duty.running === running) duty.running = undefined;
    count.endedMs = Date.now();
    if (!hinted) duty.last = { cause: order.cause, requestId, atMs: count.endedMs, isWhole: report?.state === 'whole' };
    if (report?.state === 'whole' && order.cause.order !== undefined) duty.answered.add(order.cause.order.id);
    resolve(report);
  });
  return running;
}

function refusal({ running, config, control }: Duty, { captures, endedMs }: Count): AmberError | undefined {
  if (control?.stopped() === true) return limited('stop', 'a signed order to stop is in force (AMBER_CONTROL)');
  if (running !== undefined) return new AmberError('CAPTURE_BUSY', undefined, { details: { limit: 'single-flight' } });
  if (captures >= config.maxCaptures) return limited('cap', `this sandbox has had its ${String(config.maxCaptures)} captures (AMBER_MAX_CAPTURES)`);
  const waitMs = endedMs + config.cooldownMs - Date.now();
  if (endedMs > 0 && waitMs > 0) return limited('cooldown', `the last capture ended less than AMBER_COOLDOWN_MS ago; ${String(waitMs)} ms are left`);
  return undefined;
}

function limited(limit: string, message: string): AmberError {
  return new AmberError('CAPTURE_LIMITED', message, { details: { limit } });
}

async function run(duty: Duty, { cause, config, hardStopMs, last }: CaptureOrder, running: Running, count: Count): Promise<CaptureReport | undefined> {
  const { ground, sentry, fleet, parking } = duty;
  try {
    const invocation = turnFacts(duty);
    const full = fleet === undefined ? undefined : await claimFleet({ config, cause, state: fleet, env: ground.env, invocation, hardStopMs });
    if (full !== undefined) {
      count.captures -= 1;
      logRefusal(duty, cause, full);
      return undefined;
    }
    const engine = await ground.engine();
    // With the runtime gone another look tells nothing, and the engine would take one.
    const handed = handedOver(running);
    const findings = sentry === undefined ? {} : { findings: async () => (last === true ? sentry.known() : handed.withHanded(await sentry.report())) };
    const kept = { ...config, destinations: [parkingProvider(parking, schemeOf(config.destination ?? '')), ...config.destinations], ...(last === true ? {} : { collectors: [...config.collectors, ...handed.collectors] }) };
    return await engine({ cause, config: kept, invocation, hardStopMs, inProcess: false, enough: running.enough.signal, parked: parking.digests, ...findings, ...(last === true ? { last: lastCapture(duty, !config.collect.includes('-writable')) } : {}) });
  } catch (error) {
    ground.log('fault', { where: 'extension', error: describeError(error) });
    return undefined;
  }
}

/** Says once for each trigger and limit that a due capture was refused. */
export function logRefusal({ ground, fleet }: Duty, cause: Cause, refused: AmberError): void {
  const limit = String(refused.details['limit'] ?? '');
  if (fleet !== undefined && !firstTime(fleet, `refused:${cause.trigger}:${limit}`)) return;
  ground.log('refused', { trigger: cause.trigger, reason: cause.reason, code: refused.code, limit, error: refused.message });
}
