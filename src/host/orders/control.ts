/**
 * Orders of responders, as a host reads them: a channel (S3, …), what it last gave, and what of it is due here and now.
 * Loaded only where AMBER_CONTROL is set. The extension calls it directly; in process, checks.ts says when.
 */
import type { Config } from '../../config/config.ts';
import type { InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { readIdentity } from '../../lambda/identity.ts';
import { openChannel, type ControlChannel } from '../../ship/channels/index.ts';
import { judgeOrder, misses, type Admitted, type Place, type Refused } from '../../trigger/order-judge.ts';
import { MAX_ORDER_BYTES } from '../../trigger/order.ts';
import type { Log } from '../wrapper/setup.ts';

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
  readonly took: (ordered: OrderedCapture) => void;
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
export interface ControlGround {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  /** In place of the channel that AMBER_CONTROL names; for tests. */
  readonly channel?: ControlChannel;
}

/** Idle connections are not used again after this: a freeze may lie between, and the other end has hung up. */
const IDLE_MS = 3000;
/** A timer that is so late was frozen with its sandbox. */
const FROZEN_MS = 500;
/** So many reads in a row that were frozen say something all the same. */
const MOST_FROZEN = 3;
/** Lines on refused orders and failed reads, in the life of a sandbox: whoever may write the object must not fill the log. */
const MOST_LINES = 20;

/**
 * Opens the channel of `config.control`, without a request.
 *
 * @throws AmberError DESTINATION_CREDENTIALS, DESTINATION_UNKNOWN.
 */
export async function openControl(config: Config, ground: ControlGround): Promise<Control> {
  const channel = ground.channel ?? (await openChannel(config.control ?? '', config, ground.env));
  const memory: Memory = { config, ground, channel, body: undefined, held: undefined, offsetMs: 0, expired: false, frozen: 0, lastRead: undefined, lastMs: 0, nextMs: 0, taken: new Set(), said: new Set() };
  return {
    check: async (budgetMs, facts, how = {}) => {
      if (how.last !== true && (memory.channel.onlyAtTheEnd === true || (how.fresh !== true && Date.now() < memory.nextMs))) return dueNow(memory, facts);
      const alive = how.background === true ? undefined : setTimeout(() => undefined, budgetMs + FROZEN_MS);
      try {
        await read(memory, budgetMs, how);
      } finally {
        clearTimeout(alive);
      }
      return dueNow(memory, facts);
    },
    nextMs: () => (memory.channel.onlyAtTheEnd === true ? Infinity : memory.nextMs),
    isPending: () => memory.held?.order.state === 'capture',
    due: (facts) => dueNow(memory, facts),
    took: ({ cause }) => {
      if (cause.order === undefined) return;
      memory.taken.add(cause.order.id);
      // Whoever writes the same id there again is told that it is a replay.
      if (memory.held?.order.id === cause.order.id) memory.held = undefined;
    },
    stopped: () => memory.held?.order.state === 'stop' && misses(memory.held, placeOf(memory, undefined), memory.taken, now(memory)) === undefined,
    lastRead: () => memory.lastRead,
    dropConnections: () => memory.channel.dropConnections(),
    close: () => memory.channel.close(),
  };
}

interface Memory {
  readonly config: Config;
  readonly ground: ControlGround;
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

const now = ({ offsetMs }: Memory): number => Date.now() + offsetMs;

async function read(memory: Memory, budgetMs: number, { quiet, signal }: HowToCheck): Promise<void> {
  await renew(memory);
  const { channel, config } = memory;
  const nowMs = Date.now();
  if (nowMs - memory.lastMs > IDLE_MS) channel.dropConnections();
  memory.lastMs = nowMs;
  memory.nextMs = nowMs + config.controlTtlMs * (0.8 + Math.random() * 0.4);
  const late = AbortSignal.timeout(Math.max(1, budgetMs));
  const reply = await channel.read(MAX_ORDER_BYTES, signal === undefined ? late : AbortSignal.any([late, signal]), quiet);
  memory.lastMs = Date.now();
  if (!reply.ok && late.aborted && memory.lastMs - nowMs > budgetMs + FROZEN_MS && (memory.frozen += 1) < MOST_FROZEN) {
    memory.nextMs = 0; // the time went by while the sandbox was frozen: that says nothing on the channel
    return;
  }
  memory.frozen = 0;
  if (!reply.ok) {
    if (signal?.aborted !== true) memory.lastRead = 'failed';
    memory.expired ||= EXPIRED.test(reply.fault.code);
    // Called off by us, between two invocations: that says nothing on the channel.
    const code = late.aborted ? 'NoAnswer' : reply.fault.code;
    if (signal?.aborted === true) memory.nextMs = 0;
    else say(memory, `fault:${code}`, 'fault', { where: 'control', channel: channel.location, code, ...(reply.fault.status === undefined ? {} : { status: reply.fault.status }), error: adviceFor(reply.fault.status) });
    return;
  }
  memory.lastRead = 'good';
  if (reply.value.state === 'unchanged' || memory.body?.equals(reply.value.body) === true) return;
  memory.body = reply.value.body;
  const serverMs = Date.parse(reply.value.serverDate ?? '');
  if (!Number.isNaN(serverMs)) memory.offsetMs = serverMs - Date.now();
  const verdict = judgeOrder(reply.value.body, { config, channel: channel.location, trigger: 'control', nowMs: now(memory) });
  memory.held = verdict.kind === 'admitted' ? verdict : undefined;
  if (verdict.kind === 'refused') refuse(memory, verdict);
}

/** Credentials that are given for some hours only (Managed Instances) are asked for anew when they are refused. */
async function renew(memory: Memory): Promise<void> {
  if (!memory.expired || memory.ground.channel !== undefined) return;
  memory.expired = false;
  try {
    const fresh = await openChannel(memory.config.control ?? '', memory.config, memory.ground.env);
    memory.channel.close();
    memory.channel = fresh;
  } catch {
    memory.expired = true; // the old ones are refused again, and that is said
  }
}

const EXPIRED = /^(?:Expired|Invalid)Token|^TokenRefreshRequired|^ExpiredTokenException|^UnrecognizedClient/u;

function adviceFor(status: number | undefined): string {
  if (status === 403 || status === 404) return 'the control object cannot be read: it must always exist, and the role of the function must be allowed to read it';
  return 'the control object could not be read; orders do not reach this sandbox until it can';
}

function dueNow(memory: Memory, facts: InvocationFacts | undefined): OrderedCapture | undefined {
  const { held, taken } = memory;
  if (held?.order.state !== 'capture') return undefined;
  const missed = misses(held, placeOf(memory, facts), taken, now(memory));
  if (missed === undefined) return { cause: held.cause, config: held.config };
  refuse(memory, { kind: 'refused', ...missed, id: held.order.id });
  if (missed.why !== 'out-of-scope') memory.held = undefined; // the next invocation may be that of the tenant that is meant
  return undefined;
}

function placeOf({ ground }: Memory, facts: InvocationFacts | undefined): Place {
  const { functionName, functionVersion, functionArn, logStream, tenantId } = readIdentity(ground.env, facts);
  return { functionName, functionVersion, functionArn, logStream, tenantId };
}

function refuse(memory: Memory, { why, reason, id }: Refused): void {
  say(memory, `refused:${why}:${id ?? ''}`, 'refused', {
    trigger: 'control', channel: memory.channel.location, limit: why, ...(id === undefined ? {} : { order: id }), code: 'ORDER_REFUSED', error: `the order is refused: ${reason}`,
  });
}

function say({ said, ground }: Memory, what: string, stream: 'refused' | 'fault', record: Readonly<Record<string, unknown>>): void {
  if (said.has(what) || said.size >= MOST_LINES) return;
  said.add(what);
  ground.log(stream, record);
}
