/**
 * Orders of responders, as a host reads them: a channel (S3, …), what it last gave, and what of it is due here and now.
 * Loaded only where AMBER_CONTROL is set. The extension calls it directly; in process, control-poller.ts says when.
 */
import type { InvocationFacts, OrderedCapture, Config } from '../../contracts/evidence.ts';
import { defined } from '../../defined.ts';
import { readIdentity } from '../../lambda/identity.ts';
import { openChannel, type ControlChannel } from '../../ship/channels/index.ts';
import { signalAfter } from '../../signal-after.ts';
import { judgeOrder, misses, type Admitted, type Place, type Refused } from '../../trigger/order-judge.ts';
import { MAX_ORDER_BYTES } from '../../trigger/order.ts';
import type { Log } from '../log.ts';

/** An open channel with its memory. No method throws. */
export interface Control {
  /**
   * Reads the channel unless it was read within the (jittered) AMBER_CONTROL_TTL_MS, and gives the order that is due.
   * With an answer that does not come in time the last good one counts, as long as it has not expired.
   *
   * @param budgetMs - the promise settles within this; the request is called off then
   * @param facts - of the invocation in progress, for scope; undefined outside one
   */
  readonly check: (budgetMs: number, facts?: InvocationFacts, how?: HowToCheck) => Promise<OrderedCapture | undefined>;
  /** When the channel may be read again, milliseconds since the epoch. */
  readonly nextMs: () => number;
  /** True while an order is held that may fit some invocation. Cheap: asked at each. */
  readonly isPending: () => boolean;
  /** The order that is due, from memory: no request is made. */
  readonly due: (facts?: InvocationFacts) => OrderedCapture | undefined;
  /** Its capture has begun: the order is spent in this sandbox. */
  readonly markConsumed: (ordered: OrderedCapture) => void;
  /** A signed order to stop is in force: nothing may start, whatever asks. */
  readonly stopped: () => boolean;
  /** How the last read went; undefined before the first has ended. */
  readonly lastRead: () => 'good' | 'failed' | undefined;
  readonly dropConnections: () => void;
  readonly close: () => void;
}

export interface HowToCheck {
  /** Read, whatever the TTL says. */
  readonly fresh?: boolean;
  /** The sandbox ends: there is no later, and the channels that have something for this moment alone are asked. */
  readonly last?: boolean;
  /** The read keeps no event loop alive; without it the promise holds the process until it settles. */
  readonly background?: boolean;
  /** In the background, and the loop is waited for: no name is asked for, a connection is given up early. */
  readonly quiet?: boolean;
  readonly signal?: AbortSignal;
}

/** What a host gives beside the configuration. */
export interface ControlEnvironment {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  /** In place of the channel that AMBER_CONTROL names; for tests. */
  readonly channel?: ControlChannel;
}

/** Idle connections are not used again after this: a freeze may lie between, and the other end has hung up. */
const IDLE_MS = 3000;
/** A timer that is so late was frozen with its sandbox. */
const FROZEN_MS = 500;
/** This many reads in a row that were frozen say something all the same. */
const MAX_FROZEN = 3;
/**
 * Lines on refused orders and failed reads, in the life of a sandbox: a writer of the object must not fill the log.
 */
const MAX_LINES = 20;

/**
 * Opens the channel of `config.control`, without a request.
 *
 * @throws AmberError DESTINATION_CREDENTIALS, DESTINATION_UNKNOWN.
 */
export async function openControl(config: Config, environment: ControlEnvironment): Promise<Control> {
  const channel = environment.channel ?? (await openChannel(config.control ?? '', config, environment.env));
  const state: ControlState = {
    config,
    environment,
    channel,
    body: undefined,
    held: undefined,
    offsetMs: 0,
    expired: false,
    frozen: 0,
    lastRead: undefined,
    lastMs: 0,
    nextMs: 0,
    taken: new Set(),
    said: new Set(),
  };
  return {
    check: async (budgetMs, facts, how = {}) => {
      if (
        how.last !== true &&
        (state.channel.onlyAtTheEnd === true || (how.fresh !== true && Date.now() < state.nextMs))
      )
        return dueNow(state, facts);
      const alive = how.background === true ? undefined : setTimeout(() => undefined, budgetMs + FROZEN_MS);
      try {
        await read(state, budgetMs, how);
      } finally {
        clearTimeout(alive);
      }
      return dueNow(state, facts);
    },
    nextMs: () => (state.channel.onlyAtTheEnd === true ? Infinity : state.nextMs),
    isPending: () => state.held?.order.state === 'capture',
    due: (facts) => dueNow(state, facts),
    markConsumed: ({ cause }) => {
      if (cause.order === undefined) return;
      state.taken.add(cause.order.id);
      // A responder who writes the same id there again is told that it is a replay.
      if (state.held?.order.id === cause.order.id) state.held = undefined;
    },
    stopped: () =>
      state.held?.order.state === 'stop' &&
      misses(state.held, placeOf(state, undefined), state.taken, now(state)) === undefined,
    lastRead: () => state.lastRead,
    dropConnections: () => state.channel.dropConnections(),
    close: () => state.channel.close(),
  };
}

interface ControlState {
  readonly config: Config;
  readonly environment: ControlEnvironment;
  channel: ControlChannel;
  /** What was read last; a channel that lost its place gives the same again. */
  body: Buffer | undefined;
  /** The last good value. */
  held: Admitted | undefined;
  /** The clock of the channel minus ours. */
  offsetMs: number;
  /** The credentials were refused as expired. */
  expired: boolean;
  /** Reads in a row that a freeze has cut. */
  frozen: number;
  lastRead: 'good' | 'failed' | undefined;
  /** When the channel was last read, and may be read again. */
  lastMs: number;
  nextMs: number;
  /** Ids of the orders that were carried out. One a capture, so their number is bounded by that of captures. */
  readonly taken: Set<string>;
  readonly said: Set<string>;
}

const now = ({ offsetMs }: ControlState): number => Date.now() + offsetMs;

async function read(state: ControlState, budgetMs: number, { quiet = false, signal }: HowToCheck): Promise<void> {
  await renew(state);
  const { channel, config } = state;
  const nowMs = Date.now();
  if (nowMs - state.lastMs > IDLE_MS) channel.dropConnections();
  state.lastMs = nowMs;
  state.nextMs = nowMs + config.controlTtlMs * (0.8 + Math.random() * 0.4);
  const late = signalAfter(Math.max(1, budgetMs));
  const reply = await channel.read(MAX_ORDER_BYTES, signal === undefined ? late : AbortSignal.any([late, signal]), {
    quiet,
  });
  state.lastMs = Date.now();
  if (!reply.ok && late.aborted && state.lastMs - nowMs > budgetMs + FROZEN_MS && (state.frozen += 1) < MAX_FROZEN) {
    state.nextMs = 0; // the time went by while the sandbox was frozen: that says nothing on the channel
    return;
  }
  state.frozen = 0;
  if (!reply.ok) {
    if (signal?.aborted !== true) state.lastRead = 'failed';
    state.expired ||= EXPIRED.test(reply.fault.code);
    // Called off by us, between two invocations: that says nothing on the channel.
    const code = late.aborted ? 'NoAnswer' : reply.fault.code;
    if (signal?.aborted === true) state.nextMs = 0;
    else
      say(state, `fault:${code}`, 'fault', {
        where: 'control',
        channel: channel.location,
        code,
        ...defined({ status: reply.fault.status }),
        error: adviceFor(reply.fault.status),
      });
    return;
  }
  state.lastRead = 'good';
  if (reply.value.state === 'unchanged' || state.body?.equals(reply.value.body) === true) return;
  state.body = reply.value.body;
  const serverMs = Date.parse(reply.value.serverDate ?? '');
  if (!Number.isNaN(serverMs)) state.offsetMs = serverMs - Date.now();
  const verdict = judgeOrder(reply.value.body, {
    config,
    channel: channel.location,
    trigger: 'control',
    nowMs: now(state),
  });
  state.held = verdict.kind === 'admitted' ? verdict : undefined;
  if (verdict.kind === 'refused') refuse(state, verdict);
}

/** Credentials that are given for some hours only (Managed Instances) are asked for anew when they are refused. */
async function renew(state: ControlState): Promise<void> {
  if (!state.expired || state.environment.channel !== undefined) return;
  state.expired = false;
  try {
    const fresh = await openChannel(state.config.control ?? '', state.config, state.environment.env);
    state.channel.close();
    state.channel = fresh;
  } catch {
    state.expired = true; // the old ones are refused again, and that is said
  }
}

const EXPIRED = /^(?:Expired|Invalid)Token|^TokenRefreshRequired|^ExpiredTokenException|^UnrecognizedClient/u;

function adviceFor(status: number | undefined): string {
  if (status === 403 || status === 404)
    return (
      'the control object cannot be read: it must always exist, and the role of the function must be ' +
      'allowed to read it'
    );
  return 'the control object could not be read; orders do not reach this sandbox until it can';
}

function dueNow(state: ControlState, facts: InvocationFacts | undefined): OrderedCapture | undefined {
  const { held, taken } = state;
  if (held?.order.state !== 'capture') return undefined;
  const missed = misses(held, placeOf(state, facts), taken, now(state));
  if (missed === undefined) return { cause: held.cause, config: held.config };
  refuse(state, { kind: 'refused', ...missed, id: held.order.id });
  // the next invocation may be that of the tenant that is meant
  if (missed.why !== 'out-of-scope') state.held = undefined;
  return undefined;
}

function placeOf({ environment }: ControlState, facts: InvocationFacts | undefined): Place {
  const { functionName, functionVersion, functionArn, logStream, tenantId } = readIdentity(environment.env, facts);
  return { functionName, functionVersion, functionArn, logStream, tenantId };
}

function refuse(state: ControlState, { why, reason, id }: Refused): void {
  say(state, `refused:${why}:${id ?? ''}`, 'refused', {
    trigger: 'control',
    channel: state.channel.location,
    limit: why,
    ...defined({ order: id }),
    code: 'ORDER_REFUSED',
    error: `the order is refused: ${reason}`,
  });
}

function say(
  { said, environment }: ControlState,
  what: string,
  stream: 'refused' | 'fault',
  record: Readonly<Record<string, unknown>>,
): void {
  if (said.has(what) || said.size >= MAX_LINES) return;
  said.add(what);
  environment.log(stream, record);
}

/** How a control is opened; replaced in tests. */
export type OpenControl = () => Promise<Control>;
