/**
 * The external extension: one process beside the runtime, whatever that is. It never exits by itself and never throws,
 * because an extension that ends takes the sandbox with it (RIE internal/lambda/rapid/handlers.go, Extension.Crash).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { policyOf } from '../../config/detect-policy.ts';
import { describeError, isAmberError } from '../../errors.ts';
import {
  openExtensionsApi,
  type ExtensionsApi,
  type InvokeEvent,
  type LifecycleEvent,
} from '../../lambda/extensions-api.ts';
import { readIdentity } from '../../lambda/identity.ts';
import { subscribe, type RuntimeDone } from '../../lambda/telemetry-api.ts';
import { signalAfter } from '../../signal-after.ts';
import { invocationBegins, openSoon } from './black-box.ts';
import { watchDeadline } from './deadline.ts';
import { hasParked, sendParked } from '../../ship/parked.ts';
import {
  scan,
  openState,
  currentFacts,
  type ExtensionState,
  type ExtensionEnvironment,
  type InvocationRecord,
} from './state.ts';
import { handleFindings, executePendingOrder, openOrders } from './orders.ts';
import { invocationOver, prepare } from './prepare.ts';
import { collectGarbage } from './settle.ts';
import { atShutdown } from './shutdown.ts';

/** A second look in so short a time tells little and costs CPU. */
const LOOK_EVERY_MS = 1000;
const PATROL_MS = 5000;
const SEND_MS = 10_000;
/** Pauses between polls that fail: an attacker who answers in the platform's place must not make us spin. */
const PAUSES_MS = [20, 100, 500, 1000] as const;
const REGISTER_ATTEMPTS = 5;

/**
 * Registers and serves events until SHUTDOWN, then ends the process through `environment.exit`.
 *
 * @param name - file name in /opt/extensions
 * @returns at SHUTDOWN; or when the platform does not let us register: nothing can be done then.
 */
export async function runExtension(environment: ExtensionEnvironment, name: string): Promise<void> {
  const api = openExtensionsApi(environment.env, name);
  // Before there is a runtime: nobody of this sandbox can have taken the name.
  const server = environment.handoffs?.(environment.log);
  const managed = await register(environment, api);
  if (managed === undefined) {
    server?.close();
    return;
  }
  const state = openState(environment, managed ? 'managed' : 'polling');
  if (state === undefined) server?.close();
  else {
    server?.serve(state);
    state.telemetry = await subscribe(api, { managed }, (done) => runtimeDone(state, done));
    await openOrders(state);
  }
  // No invocations are told of there, nothing is frozen, and several CPUs are the rule: ready while others start.
  const ready = state?.phase === 'managed' ? patrol(state) : undefined;
  let failures = 0;
  for (;;) {
    const asked = nextEvent(environment, api, failures);
    if (state !== undefined) openSoon(state);
    const event = await asked;
    failures = event === undefined ? failures + 1 : 0;
    if (event?.kind === 'INVOKE' && state !== undefined) await hold(state, event);
    if (event?.kind !== 'SHUTDOWN') continue;
    if (state !== undefined)
      await safely(environment, async () => {
        await ready;
        await atShutdown(state, event);
      });
    environment.exit();
    return;
  }
}

/** True where INVOKE is refused, which is so on Managed Instances; undefined when nothing is accepted. */
async function register({ env, log }: ExtensionEnvironment, api: ExtensionsApi): Promise<boolean | undefined> {
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
async function nextEvent(
  { log }: ExtensionEnvironment,
  api: ExtensionsApi,
  failures: number,
): Promise<LifecycleEvent | undefined> {
  if (failures > 0) await sleep(PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1]);
  try {
    return await api.next();
  } catch (error) {
    if (failures === 0) log('fault', { where: 'extension', what: 'event/next', error: describeError(error) });
    return undefined;
  }
}

/**
 * Until the next event is asked for, the platform keeps the sandbox awake: so for what the function's process has
 * handed over.
 */
async function hold(state: ExtensionState, event: InvokeEvent): Promise<void> {
  state.phase = 'invoked';
  for (const tell of state.captures.running?.waiting ?? []) tell();
  await safely(state.environment, () => atInvoke(state, event));
  while (state.captures.running?.hinted === true) await state.captures.running.ended;
  state.phase = 'polling';
}

async function atInvoke(state: ExtensionState, event: InvokeEvent): Promise<void> {
  const invocation: InvocationRecord = {
    number: (state.invocation?.number ?? 0) + 1,
    event,
    startedMs: Date.now(),
    done: undefined,
  };
  state.invocation = invocation;
  state.sight.init ??= { ms: invocation.startedMs, uptimeSeconds: process.uptime(), rssBytes: 0 };
  watchDeadline(state, invocation);
  await invocationBegins(state);
  if (invocation.number === 1 && hasParked(state.parking)) await sendParkedHere(state);
  await executePendingOrder(state);
  if (state.sight.prepared) await watchInvocation(state, invocation);
  else if (await invocationOver(state)) {
    clearTimeout(state.timers.deadline);
    await state.captures.running?.ended;
    await prepare(state);
  }
}

/**
 * Looks at the sandbox once a second at most: after the answer where detectors are on and the platform tells of it,
 * else at once. That keeps the sandbox from the next invocation for some 30 ms. In an invocation that lasts, the last
 * look is never much older.
 */
async function watchInvocation(state: ExtensionState, invocation: InvocationRecord): Promise<void> {
  clearInterval(state.timers.scan);
  const again = async (): Promise<void> => handleFindings(state, await scan(state));
  state.timers.scan = setInterval(() => {
    if (state.invocation === invocation && invocation.done === undefined && state.captures.running === undefined)
      void safely(state.environment, again);
  }, LOOK_EVERY_MS).unref();
  if (invocation.startedMs - (state.sight.seen?.takenMs ?? 0) < LOOK_EVERY_MS) return;
  const waits = state.telemetry && policyOf(state.config.detect).threshold !== 'off';
  // A capture under way looks for itself.
  if ((!waits || (await invocationOver(state))) && state.captures.running?.hinted !== true) await again();
  collectGarbage(invocation.number);
}

/** What an earlier life of this sandbox had to leave in /tmp. The handler runs meanwhile. */
async function sendParkedHere(state: ExtensionState): Promise<void> {
  const { invocation, config, environment, parking } = state;
  const { account, region, functionName } = readIdentity(environment.env, currentFacts(state));
  const leftMs = Math.min(SEND_MS, (invocation?.event.deadlineMs ?? 0) - Date.now() - config.marginMs);
  if (leftMs > 0) await sendParked(parking, { account, region, functionName }, config, signalAfter(leftMs));
}

/** Where nothing is told of invocations, orders and findings are looked for by the clock. */
async function patrol(state: ExtensionState): Promise<void> {
  openSoon(state);
  await invocationBegins(state);
  await prepare(state);
  let busy = false;
  setInterval(() => {
    if (busy || state.captures.running !== undefined) return;
    busy = true;
    void safely(state.environment, async () => {
      await invocationBegins(state);
      await executePendingOrder(state);
      await handleFindings(state, await scan(state));
    }).finally(() => (busy = false));
  }, PATROL_MS).unref();
}

function runtimeDone(state: ExtensionState, done: RuntimeDone): void {
  const { invocation } = state;
  if (invocation === undefined || (done.requestId !== undefined && done.requestId !== invocation.event.requestId))
    return;
  invocation.done = done;
  state.blackBox.beside?.ends();
  for (const end of state.doneWatchers) end();
}

async function safely(environment: ExtensionEnvironment, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    environment.log('fault', { where: 'extension', error: describeError(error) });
  }
}
