/**
 * A thousand sandboxes on a virtual clock, each with a detector that always fires: how many captures start. Nothing of
 * the hosts is replaced but the clock, the engine (which notes that it was asked) and the bucket of slots (a set of
 * names in which the first to put one has it, as If-None-Match does).
 *
 *     node test/host/limits/fleet.ts [--json]
 */
import { mock } from 'node:test';
import { EventEmitter } from 'node:events';
import type { CaptureRequest } from '../../../src/capture/capture.ts';
import type { PutNew } from '../../../src/ship/slots.ts';
import type { HostEnvironment } from '../../../src/host/environment.ts';

export interface FleetFigures {
  readonly sandboxes: number;
  readonly hours: number;
  /** Times that a detector fired. */
  readonly fired: number;
  /** AMBER_MAX_CAPTURES, AMBER_FLEET_CAP (0: none). */
  readonly perSandbox: number;
  readonly fleetCap: number;
  readonly captures: number;
  /** The most that one sandbox made, and that were made in one day (UTC). */
  readonly most: number;
  readonly mostInADay: number;
  /** Requests for slots, and log lines. */
  readonly slotRequests: number;
  readonly logLines: number;
}

export interface FleetOptions {
  readonly sandboxes: number;
  readonly hours: number;
  readonly fleetCap: number;
  readonly perSandbox: number;
  /** Time between two invocations of a sandbox. */
  readonly everyMs: number;
}

const START_MS = Date.UTC(2026, 0, 31, 20);
const DAY_MS = 86_400_000;
const CAPTURE_MS = 1500;

/** Takes over Date and setTimeout of this process while it runs. */
export async function simulate(options: FleetOptions): Promise<FleetFigures> {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: START_MS });
  try {
    return await run(options);
  } finally {
    mock.timers.reset();
  }
}

interface Bucket {
  readonly taken: Set<string>;
  requests: number;
}

async function run({ sandboxes, hours, fleetCap, perSandbox, everyMs }: FleetOptions): Promise<FleetFigures> {
  // Loaded now: the hosts keep the timers that they find when they are loaded.
  const { loadSetup } = await import('../../../src/host/wrapper/setup.ts');
  const { startCapture } = await import('../../../src/host/wrapper/start.ts');
  const { isAmberError } = await import('../../../src/errors.ts');
  const bucket: Bucket = { taken: new Set(), requests: 0 };
  const perDay = new Map<number, number>();
  const made: number[] = [];
  let logLines = 0;
  let fired = 0;
  const fleet = await Promise.all(
    Array.from({ length: sandboxes }, async (_, number) => {
      made.push(0);
      const environment = await groundOf(
        bucket,
        () => (logLines += 1),
        ({ config }) => {
          made[number] = (made[number] ?? 0) + 1;
          const day = Math.floor(Date.now() / DAY_MS);
          perDay.set(day, (perDay.get(day) ?? 0) + 1);
          return config.maxMs;
        },
      );
      const setup = loadSetup(
        { destination: 's3://evidence-bucket/amber', fleetCap, maxCaptures: perSandbox, detect: 'off' },
        environment,
      );
      if (isAmberError(setup)) throw setup;
      return setup;
    }),
  );
  for (let ms = 0; ms < hours * 3_600_000; ms += everyMs) {
    for (const setup of fleet) {
      fired += 1;
      const cause = { trigger: 'anomaly', reason: 'a detector that always fires' } as const;
      const start = startCapture(setup, cause, undefined);
      if (!start.begun) setup.limiter.logRefusal(cause, start.refused);
    }
    // What has been begun comes to its claim and its engine, and the time passes.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(CAPTURE_MS);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(everyMs - CAPTURE_MS);
  }
  return {
    sandboxes,
    hours,
    fired,
    perSandbox,
    fleetCap,
    captures: made.reduce((sum, one) => sum + one, 0),
    most: Math.max(...made),
    mostInADay: Math.max(0, ...perDay.values()),
    slotRequests: bucket.requests,
    logLines,
  };
}

async function groundOf(
  bucket: Bucket,
  log: () => unknown,
  captured: (request: CaptureRequest) => unknown,
): Promise<HostEnvironment> {
  const { claimSlot } = await import('../../../src/ship/slots.ts');
  const put: PutNew = async (name) => {
    bucket.requests += 1;
    await Promise.resolve();
    if (bucket.taken.has(name)) return { ok: false, fault: { status: 412, code: 'PreconditionFailed' } };
    bucket.taken.add(name);
    return { ok: true, value: undefined };
  };
  return {
    env: { AWS_LAMBDA_FUNCTION_NAME: 'checkout', AWS_REGION: 'eu-central-1', AWS_ACCOUNT_ID: '111122223333' },
    scope: {},
    emitter: new EventEmitter(),
    isLoaded: () => true,
    log,
    claim: (request) => claimSlot({ ...request, put }),
    engine: () =>
      Promise.resolve(async (request: CaptureRequest) => {
        captured(request);
        await new Promise((resolve) => setTimeout(resolve, CAPTURE_MS));
        return {
          captureId: '0',
          state: 'whole',
          cause: request.cause,
          location: 's3://evidence',
          segments: 1,
          bytes: 1,
          outcomes: {},
          elapsedMs: 1,
          cpuMs: 1,
        } as const;
      }),
  };
}

/** What the README tells: eight hours over midnight, an invocation a minute. */
export const THOUSAND: FleetOptions = { sandboxes: 1000, hours: 8, fleetCap: 20, perSandbox: 3, everyMs: 60_000 };

if (import.meta.main) {
  const figures = [await simulate({ ...THOUSAND, fleetCap: 0 }), await simulate(THOUSAND)];
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
  else {
    for (const one of figures) {
      console.log(
        `${String(one.sandboxes)} sandboxes, ${String(one.hours)} h, ${String(one.fired)} times a detector fired; ${String(one.perSandbox)} captures a sandbox, fleet cap ${one.fleetCap === 0 ? 'off' : String(one.fleetCap)}:`,
      );
      console.log(
        `  ${String(one.captures)} captures (${String(one.most)} in one sandbox at most, ${String(one.mostInADay)} in one day), ${String(one.slotRequests)} requests for slots, ${String(one.logLines)} log lines`,
      );
    }
  }
}
