/**
 * Handoffs: a process of the function says that a capture is due, and hands over what only it knows. A process with its
 * uid can say so at any time, and as often as it likes. So a hint starts what the policy would have started anyway, and
 * no more. A cap, a cooldown and a rate of its own keep it from using up what our own triggers may start. An order
 * behind it is read from its own place, or has a signature.
 */
import { createServer, type Socket } from 'node:net';
import type { Cause, Config } from '../../contracts/evidence.ts';
import { describeError, isAmberError } from '../../errors.ts';
import { anomaly } from '../../trigger/anomaly.ts';
import { deadline } from '../../trigger/deadline.ts';
import { error as failure } from '../../trigger/error.ts';
import { startCapture } from './capture.ts';
import { saidLine } from './received-handoffs.ts';
import {
  currentFacts,
  type ExtensionState,
  type ExtensionEnvironment,
  type Running,
  type HandoffServer,
} from './state.ts';
import { hardStopOf } from './orders.ts';
import {
  MAX_FACTS_BYTES,
  MAX_HINT_BYTES,
  policyPrint,
  socketName,
  HandoffConnection,
  type HandoffRequest,
  type Verdict,
} from '../handoff/connection.ts';

const MAX_CONNECTIONS = 4;
const MAX_A_MINUTE = 20;
const HINT_MS = 1000;
const FACTS_MS = 2000;
const CHECK_MS = 300;

/**
 * Binds the name. Where that fails (a second extension, no procfs) one line says so, and captures are made in process.
 */
export function openHandoffServer(log: ExtensionEnvironment['log']): HandoffServer {
  let state: ExtensionState | undefined;
  const rate = { minute: 0, hints: 0 };
  const server = createServer((socket) => {
    const minute = Math.floor(Date.now() / 60_000);
    if (minute !== rate.minute) Object.assign(rate, { minute, hints: 0 });
    rate.hints += 1;
    if (state === undefined || rate.hints > MAX_A_MINUTE) socket.destroy();
    else void serve(state, socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('error', (error) => log('fault', { where: 'hints', error: describeError(error) }));
  const name = socketName();
  if (name !== undefined) server.listen({ path: `\0${name}` }).unref();
  return {
    serve: (on) => {
      state = on;
    },
    close: () => void server.close(),
  };
}

/** One connection, from its first word to the end of the capture. Never rejects. */
async function serve(state: ExtensionState, socket: Socket): Promise<void> {
  const connection = new HandoffConnection(socket, { keepsAlive: false });
  try {
    connection.writeMessage({ pid: process.pid });
    const request = requestOf(await connection.readMessage(MAX_HINT_BYTES, HINT_MS));
    if (request === undefined) return;
    const { running, ...verdict } = await judge(state, request);
    connection.writeMessage({ ...verdict, held: state.phase !== 'polling' } satisfies Verdict);
    if (running !== undefined) await take(connection, running);
  } catch (error) {
    state.environment.log('fault', { where: 'hints', error: describeError(error) });
  } finally {
    connection.close();
  }
}

/** Takes what is handed over, and says how the capture goes on as long as somebody listens. */
async function take(connection: HandoffConnection, running: Running): Promise<void> {
  if (running.isSealed) return; // since the verdict
  const facts = connection.readMessage(MAX_FACTS_BYTES, FACTS_MS);
  running.handed.push(facts);
  const got = await facts;
  if (got === undefined) return;
  connection.writeMessage({ got: true });
  const keepWaiting = (): void => connection.writeMessage({ held: true });
  running.waiting.add(keepWaiting);
  const report = await running.ended;
  running.waiting.delete(keepWaiting);
  connection.writeMessage({ ended: report?.state ?? 'failed' });
}

function requestOf(line: Readonly<Record<string, unknown>> | undefined): HandoffRequest | undefined {
  const text = (name: string): string | undefined => (typeof line?.[name] === 'string' ? line[name] : undefined);
  const [trigger, reason, policy] = [text('trigger'), text('reason'), text('policy')];
  if (trigger === undefined || reason === undefined || policy === undefined) return undefined;
  return { trigger, reason, policy, requestId: text('requestId'), order: text('order'), token: text('token') };
}

interface Judged extends Omit<Verdict, 'held'> {
  readonly running?: Running;
}

const refused = (why: string): Judged => ({ verdict: 'refused', why });

async function judge(state: ExtensionState, request: HandoffRequest): Promise<Judged> {
  if (request.policy !== policyPrint(state.asked)) return refused('another configuration');
  const known = isKnown(state, request);
  if (known !== undefined) return known;
  const due = await dueFor(state, request);
  if (due === undefined) return refused('the policy starts no such capture');
  // The order was read meanwhile, and somebody may have begun with it.
  const again = isKnown(state, request);
  if (again !== undefined) return again;
  const open = [...state.captures.open];
  const start = startCapture(state, {
    cause: due.cause,
    config: due.config,
    hardStopMs: hardStopOf(state, due.config),
    hinted: true,
  });
  if (isAmberError(start)) {
    state.limiter.logRefusal(due.cause, start);
    return refused(String(start.details['limit'] ?? start.code));
  }
  due.markConsumed?.();
  void start.ended.then((report) => {
    if (report?.state === 'whole') open.forEach((one) => state.captures.open.delete(one));
    else state.captures.open.add(`${due.cause.trigger} (handed over)`);
  });
  return { verdict: 'taken', running: start };
}

/**
 * A capture for this very reason runs, or has ended whole. One that a hint has started answers for nothing but its
 * order.
 */
function isKnown(state: ExtensionState, { trigger, order, requestId, reason }: HandoffRequest): Judged | undefined {
  const { config, invocation } = state;
  const { running, last, answered } = state.captures;
  const isAlike = (cause: Cause): boolean => cause.trigger === trigger && cause.order?.id === order;
  if (running?.isSealed === false && isAlike(running.cause) && (!running.hinted || order !== undefined))
    return { verdict: 'running', running };
  if (order !== undefined) return answered.has(order) ? { verdict: 'done' } : undefined;
  if (last?.isWhole !== true || !isAlike(last.cause)) return undefined;
  if (trigger === 'deadline')
    return requestId !== undefined && requestId === last.requestId && requestId === invocation?.event.requestId
      ? { verdict: 'done' }
      : undefined;
  return trigger === 'anomaly' && Date.now() - last.atMs < config.cooldownMs && hasFound(state, reason)
    ? { verdict: 'done' }
    : undefined;
}

/**
 * What only the process can find (a patched built-in, a replaced handler) no capture of ours has answered: an intruder
 * could bring one about, and do that in its shadow. That it started a program which we have found running is no news.
 */
function hasFound({ sight }: ExtensionState, reason: string): boolean {
  const findings = sight.monitor?.snapshot().findings ?? [];
  const ours = new Set(findings.map(({ detector }) => detector));
  const running = new Set(
    findings.flatMap(({ detector, subject }) => (detector === 'staged-executable' ? (subject.path ?? []) : [])),
  );
  const named = [...reason.matchAll(/([a-z][a-z-]*) \((?:low|medium|high|critical)\): ([^;]*)/gu)];
  const isOurs = (detector = '', subject = ''): boolean =>
    ours.has(detector) || (detector === 'child-process-use' && running.has(subject));
  return (
    named.length > 0 &&
    !/ and \d+ more$/u.test(reason) &&
    named.every(([, detector, subject]) => isOurs(detector, subject))
  );
}

interface Due {
  readonly cause: Cause;
  readonly config: Config;
  /** The capture has begun: the order is spent. */
  readonly markConsumed?: () => void;
}

async function dueFor(state: ExtensionState, request: HandoffRequest): Promise<Due | undefined> {
  const { config, captures } = state;
  const cause: Cause = {
    trigger: request.trigger,
    reason: `${saidLine(request.reason)} (as the function's process says)`,
  };
  switch (request.trigger) {
    case 'control':
      return ordered(state, request);
    case 'event':
      return signed(state, request);
    case 'flag':
      return config.capture === 'now' && captures.own.captures + captures.hinted.captures === 0
        ? { cause, config }
        : undefined;
    case 'error':
      return failure.moments(config).length > 0 ? { cause, config } : undefined;
    case 'anomaly':
      return anomaly.moments(config).length > 0 ? { cause, config } : undefined;
    case 'deadline':
      return deadline.moments(config).length > 0 ? { cause, config } : undefined;
    default:
      return undefined;
  }
}

/** The order is read from its own place: the hint only says that there is one. */
async function ordered(state: ExtensionState, request: HandoffRequest): Promise<Due | undefined> {
  const { control } = state;
  const order = await control?.check(CHECK_MS, currentFacts(state), { fresh: true });
  if (control === undefined || order === undefined || order.cause.order?.id !== request.order) return undefined;
  return {
    cause: order.cause,
    config: { ...order.config, s3Transport: 'light' },
    markConsumed: () => control.markConsumed(order),
  };
}

async function signed(state: ExtensionState, { token }: HandoffRequest): Promise<Due | undefined> {
  const { config, fleet, environment } = state;
  const facts = currentFacts(state);
  if (token === undefined || facts === undefined) return undefined;
  const { judgeEvent, markEventConsumed } = await import('../orders/event-order.ts');
  const order = judgeEvent({ config, state: fleet, environment }, token, facts);
  if (order === undefined) return undefined;
  return {
    cause: order.cause,
    config: { ...order.config, s3Transport: 'light' },
    markConsumed: () => markEventConsumed({ state: fleet }, order),
  };
}
