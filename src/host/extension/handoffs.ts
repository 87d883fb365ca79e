/**
 * Hints: a process of the function says that a capture is due, and hands over what only it knows. Whoever has its uid can say
 * so, at any time and as often as he likes. So a hint starts what the policy would have started anyway, and no more: with
 * a cap, a cooldown and a rate of its own, so that it uses up nothing of what our own triggers may start, and an order behind
 * it is read from its own place, or has a signature.
 */
import { createServer, type Socket } from 'node:net';
import type { Config } from '../../config/config.ts';
import type { Cause } from '../../contracts/evidence.ts';
import { describeError, isAmberError } from '../../errors.ts';
import { anomaly } from '../../trigger/anomaly.ts';
import { deadline } from '../../trigger/deadline.ts';
import { error as failure } from '../../trigger/error.ts';
import { logRefusal, startCapture } from './capture.ts';
import { turnFacts, type Duty, type ExtensionGround, type Running } from './state.ts';
import { hardStopOf } from './orders.ts';
import { MOST_FACTS_BYTES, MOST_HINT_BYTES, policyPrint, socketName, Wire, type Hint, type Verdict } from '../handoff/connection.ts';

const MOST_CONNECTIONS = 4;
const MOST_A_MINUTE = 20;
const HINT_MS = 1000;
const FACTS_MS = 2000;
const CHECK_MS = 300;

export interface HintDesk {
  /** From now on hints are answered; until then whoever connects is sent away. */
  readonly serve: (duty: Duty) => void;
  readonly close: () => void;
}

/** Binds the name. Where that fails (a second extension, no procfs) one line says so, and captures are made in process. */
export function openHintDesk(log: ExtensionGround['log']): HintDesk {
  let duty: Duty | undefined;
  const rate = { minute: 0, hints: 0 };
  const server = createServer((socket) => {
    const minute = Math.floor(Date.now() / 60_000);
    if (minute !== rate.minute) Object.assign(rate, { minute, hints: 0 });
    rate.hints += 1;
    if (duty === undefined || rate.hints > MOST_A_MINUTE) socket.destroy();
    else void serve(duty, socket);
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('error', (error) => log('fault', { where: 'hints', error: describeError(error) }));
  const name = socketName();
  if (name !== undefined) server.listen({ path: `\0${name}` }).unref();
  return {
    serve: (on) => {
      duty = on;
    },
    close: () => void server.close(),
  };
}

/** One connection, from its first word to the end of the capture. Never rejects. */
async function serve(duty: Duty, socket: Socket): Promise<void> {
  const wire = new Wire(socket, false);
  try {
    wire.say({ pid: process.pid });
    const hint = hintOf(await wire.hear(MOST_HINT_BYTES, HINT_MS));
    if (hint === undefined) return;
    const { running, ...verdict } = await judge(duty, hint);
    wire.say({ ...verdict, held: duty.holding } satisfies Verdict);
    if (running !== undefined) await take(wire, running);
  } catch (error) {
    duty.ground.log('fault', { where: 'hints', error: describeError(error) });
  } finally {
    wire.close();
  }
}

/** Takes what is handed over, and says how the capture goes on as long as somebody listens. */
async function take(wire: Wire, running: Running): Promise<void> {
  if (running.isSealed) return; // since the verdict
  const facts = wire.hear(MOST_FACTS_BYTES, FACTS_MS);
  running.handed.push(facts);
  const got = await facts;
  if (got === undefined) return;
  wire.say({ got: true });
  const tell = (): void => wire.say({ held: true });
  running.waiting.add(tell);
  const report = await running.ended;
  running.waiting.delete(tell);
  wire.say({ ended: report?.state ?? 'failed' });
}

function hintOf(line: Readonly<Record<string, unknown>> | undefined): Hint | undefined {
  const text = (name: string): string | undefined => (typeof line?.[name] === 'string' ? line[name] : undefined);
  const [trigger, reason, policy] = [text('trigger'), text('reason'), text('policy')];
  if (trigger === undefined || reason === undefined || policy === undefined) return undefined;
  return { trigger, reason, policy, requestId: text('requestId'), order: text('order'), token: text('token') };
}

interface Judged extends Omit<Verdict, 'held'> {
  readonly running?: Running;
}

const refused = (why: string): Judged => ({ verdict: 'refused', why });

async function judge(duty: Duty, hint: Hint): Promise<Judged> {
  if (hint.policy !== policyPrint(duty.asked)) return refused('another configuration');
  const known = isKnown(duty, hint);
  if (known !== undefined) return known;
  const due = await dueFor(duty, hint);
  if (due === undefined) return refused('the policy starts no such capture');
  // The order was read meanwhile, and somebody may have begun with it.
  const again = isKnown(duty, hint);
  if (again !== undefined) return again;
  const open = [...duty.open];
  const start = startCapture(duty, { cause: due.cause, config: due.config, hardStopMs: hardStopOf(duty, due.config), hinted: true });
  if (isAmberError(start)) {
    logRefusal(duty, due.cause, start);
    return refused(String(start.details['limit'] ?? start.code));
  }
  due.took?.();
  void start.ended.then((report) => {
    if (report?.state === 'whole') open.forEach((one) => duty.open.delete(one));
    else duty.open.add(`${due.cause.trigger} (handed over)`);
  });
  return { verdict: 'taken', running: start };
}

/** A capture for this very reason runs, or has ended whole. One that a hint has started answers for nothing but its order. */
function isKnown(duty: Duty, { trigger, order, requestId, reason }: Hint): Judged | undefined {
  const { running, last, answered, config, turn } = duty;
  const isAlike = (cause: Cause): boolean => cause.trigger === trigger && cause.order?.id === order;
  if (running?.isSealed === false && isAlike(running.cause) && (!running.hinted || order !== undefined)) return { verdict: 'running', running };
  if (order !== undefined) return answered.has(order) ? { verdict: 'done' } : undefined;
  if (last?.isWhole !== true || !isAlike(last.cause)) return undefined;
  if (trigger === 'deadline') return requestId !== undefined && requestId === last.requestId && requestId === turn?.event.requestId ? { verdict: 'done' } : undefined;
  return trigger === 'anomaly' && Date.now() - last.atMs < config.cooldownMs && hasFound(duty, reason) ? { verdict: 'done' } : undefined;
}

/**
 * What only the process can find (a patched built-in, a replaced handler) no capture of ours has answered: an intruder could
 * bring one about, and do that in its shadow.
 */
function hasFound({ sentry }: Duty, reason: string): boolean {
  const ours = new Set(sentry?.known().findings.map(({ detector }) => detector));
  const named = [...reason.matchAll(/([a-z][a-z-]*) \((?:low|medium|high|critical)\)/gu)].map(([, detector]) => detector ?? '');
  return named.length > 0 && !/ and \d+ more$/u.test(reason) && named.every((detector) => ours.has(detector));
}

interface Due {
  readonly cause: Cause;
  readonly config: Config;
  /** The capture has begun: the order is spent. */
  readonly took?: () => void;
}

async function dueFor(duty: Duty, hint: Hint): Promise<Due | undefined> {
  const { config } = duty;
  const cause: Cause = { trigger: hint.trigger, reason: `${printable(hint.reason)} (as the function's process says)` };
  switch (hint.trigger) {
    case 'control': return ordered(duty, hint);
    case 'event': return signed(duty, hint);
    case 'flag': return config.capture === 'now' && duty.own.captures + duty.hinted.captures === 0 ? { cause, config } : undefined;
    case 'error': return failure.moments(config).length > 0 ? { cause, config } : undefined;
    case 'anomaly': return anomaly.moments(config).length > 0 ? { cause, config } : undefined;
    case 'deadline': return deadline.moments(config).length > 0 ? { cause, config } : undefined;
    default: return undefined;
  }
}

/** The order is read from its own place: the hint only says that there is one. */
async function ordered(duty: Duty, hint: Hint): Promise<Due | undefined> {
  const { control } = duty;
  const order = await control?.check(CHECK_MS, turnFacts(duty), { fresh: true });
  if (control === undefined || order === undefined || order.cause.order?.id !== hint.order) return undefined;
  return { cause: order.cause, config: { ...order.config, s3Transport: 'light' }, took: () => control.took(order) };
}

async function signed(duty: Duty, { token }: Hint): Promise<Due | undefined> {
  const { config, fleet, ground } = duty;
  const facts = turnFacts(duty);
  if (token === undefined || fleet === undefined || facts === undefined) return undefined;
  const { judgeEvent, tookEvent } = await import('../orders/event-order.ts');
  const order = judgeEvent({ config, state: fleet, ground }, token, facts);
  if (order === undefined) return undefined;
  return { cause: order.cause, config: { ...order.config, s3Transport: 'light' }, took: () => tookEvent({ state: fleet }, order) };
}

/** For a capture and a log line; names of errors and findings are all that reasons hold. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, '?').slice(0, 300);
}
