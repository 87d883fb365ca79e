/**
 * The external extension: one process beside the runtime, whatever that is. It never exits by itself and never throws,
 * because an extension that ends takes the sandbox with it (RIE internal/lambda/rapid/handlers.go, Extension.Crash).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { policyOf } from '../../config/detect-policy.ts';
import { describeError, isAmberError } from '../../errors.ts';
import { openExtensionsApi, type ExtensionsApi, type InvokeEvent, type LifecycleEvent } from '../../lambda/extensions-api.ts';
import { readIdentity } from '../../lambda/identity.ts';
import { subscribe, type RuntimeDone } from '../../lambda/telemetry-api.ts';
import { watchDeadline } from './deadline.ts';
import { hasParked, sendParked } from '../../ship/parked.ts';
import { look, openDuty, turnFacts, type Duty, type ExtensionGround, type Turn } from './state.ts';
import { found, obey, openOrders } from './orders.ts';
import { invocationOver, prepare } from './prepare.ts';
import { tidy } from './settle.ts';
import { atShutdown } from './shutdown.ts';

/** A second look in so short a time tells little and costs CPU. */
const LOOK_EVERY_MS = 1000;
const PATROL_MS = 5000;
const SEND_MS = 10_000;
/** Pauses between polls that fail: an attacker who answers in the platform's place must not make us spin. */
const PAUSES_MS = [20, 100, 500, 1000] as const;
const REGISTER_ATTEMPTS = 5;

/**
 * Registers and serves events until SHUTDOWN, then ends the process through `ground.exit`.
 *
 * @param name - file name in /opt/extensions
 * @returns at SHUTDOWN; or when the platform does not let us register: nothing can be done then.
 */
export async function runExtension(ground: ExtensionGround, name: string): Promise<void> {
  const api = openExtensionsApi(ground.env, name);
  // Before there is a runtime: nobody of this sandbox can have taken the name.
  const desk = ground.hints?.(ground.log);
  const managed = await register(ground, api);
  if (managed === undefined) {
    desk?.close();
    return;
  }
  const duty = openDuty(ground, managed);
  if (duty === undefined) desk?.close();
  else {
    desk?.serve(duty);
    duty.telemetry = await subscribe(api, managed, (done) => runtimeDone(duty, done));
    await openOrders(duty);
  }
  // No invocations are told of there, nothing is frozen, and several CPUs are the rule: ready while others start.
  const ready = duty?.managed === true ? patrol(duty) : undefined;
  let failures = 0;
  for (;;) {
    const event = await nextEvent(ground, api, failures);
    failures = event === undefined ? failures + 1 : 0;
    if (event?.kind === 'INVOKE' && duty !== undefined) await hold(duty, event);
    if (event?.kind !== 'SHUTDOWN') continue;
    if (duty !== undefined) await safely(ground, async () => {
      await ready;
      await atShutdown(duty, event);
    });
    ground.exit();
    return;
  }
}

/** True where INVOKE is refused, which is so on Managed Instances; undefined when nothing is accepted. */
async function register({ env, log }: ExtensionGround, api: ExtensionsApi): Promise<boolean | undefined> {
  let managed = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const told = await api.register(managed ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN']);
      // An extension is not given these; captures and their folders are named by them.
      if (told.accountId !== undefined) env['AWS_ACCOUNT_ID'] ??= told.accountId;
      if (told.handler !== undefined) env['_HANDLER'] ??= told.handler;
      return managed;
    } catch (error) {
      const forbidden = isAmberError(error) && error.details['status'] === 403;
      if (attempt >= REGISTER_ATTEMPTS || (forbidden && managed)) {
        log('fault', { where: 'extension', what: 'register', error: describeError(error) });
        return undefined;
      }
      if (forbidden) managed = true;
      else await sleep(PAUSES_MS[attempt - 1] ?? 1000);
    }
  }
}

/** The next event; undefined when the answer was none: one line says so, the first time in a row. */
async function nextEvent({ log }: ExtensionGround, api: ExtensionsApi, failures: number): Promise<LifecycleEvent | undefined> {
  if (failures > 0) await sleep(PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1]);
  try {
    return await api.next();
  } catch (error) {
    if (failures === 0) log('fault', { where: 'extension', what: 'event/next', error: describeError(error) });
    return undefined;
  }
}

/** Until the next event is asked for, the platform keeps the sandbox awake: so for what the function's process has handed over. */
async function hold(duty: Duty, event: InvokeEvent): Promise<void> {
  duty.holding = true;
  for (const tell of duty.running?.waiting ?? []) tell();
  await safely(duty.ground, () => atInvoke(duty, event));
  while (duty.running?.hinted === true) await duty.running.ended;
  duty.holding = false;
}

async function atInvoke(duty: Duty, event: InvokeEvent): Promise<void> {
  const turn: Turn = { number: (duty.turn?.number ?? 0) + 1, event, startedMs: Date.now(), done: undefined };
  duty.turn = turn;
  duty.init ??= { ms: turn.startedMs, uptimeSeconds: process.uptime(), rssBytes: 0 };
  watchDeadline(duty, turn);
  if (turn.number === 1 && hasParked(duty.parking)) await sendParkedHere(duty);
  await obey(duty);
  if (duty.prepared) await watchTurn(duty, turn);
  else if (await invocationOver(duty)) {
    clearTimeout(duty.timer);
    await duty.running?.ended;
    await prepare(duty);
  }
}

/**
 * Looks at the sandbox once a second at most: after the answer where detectors are on and the platform tells of it, which keeps the
 * sandbox from the next invocation for some 30 ms; else at once. In an invocation that lasts, the last look is never much older.
 */
async function watchTurn(duty: Duty, turn: Turn): Promise<void> {
  clearInterval(duty.ticker);
  const again = async (): Promise<void> => found(duty, await look(duty));
  duty.ticker = setInterval(() => {
    if (duty.turn === turn && turn.done === undefined && duty.running === undefined) void safely(duty.ground, again);
  }, LOOK_EVERY_MS).unref();
  if (turn.startedMs - (duty.seen?.takenMs ?? 0) < LOOK_EVERY_MS) return;
  const waits = duty.telemetry && policyOf(duty.config.detect).threshold !== 'off';
  // A capture under way looks for itself.
  if ((!waits || (await invocationOver(duty))) && duty.running?.hinted !== true) await again();
  tidy(turn.number);
}

/** What an earlier life of this sandbox had to leave in /tmp. The handler runs meanwhile. */
async function sendParkedHere(duty: Duty): Promise<void> {
  const { turn, config, ground, parking } = duty;
  const { account, region, functionName } = readIdentity(ground.env, turnFacts(duty));
  const leftMs = Math.min(SEND_MS, (turn?.event.deadlineMs ?? 0) - Date.now() - config.marginMs);
  if (leftMs > 0) await sendParked(parking, { account, region, functionName }, config, AbortSignal.timeout(leftMs));
}

/** Where nothing is told of invocations, orders and findings are looked for by the clock. */
async function patrol(duty: Duty): Promise<void> {
  await prepare(duty);
  let busy = false;
  setInterval(() => {
    if (busy || duty.running !== undefined) return;
    busy = true;
    void safely(duty.ground, async () => {
      await obey(duty);
      await found(duty, await look(duty));
    }).finally(() => (busy = false));
  }, PATROL_MS).unref();
}

function runtimeDone(duty: Duty, done: RuntimeDone): void {
  const { turn } = duty;
  if (turn === undefined || (done.requestId !== undefined && done.requestId !== turn.event.requestId)) return;
  turn.done = done;
  for (const end of duty.doneWatchers) end();
}

async function safely(ground: ExtensionGround, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    ground.log('fault', { where: 'extension', error: describeError(error) });
  }
}
