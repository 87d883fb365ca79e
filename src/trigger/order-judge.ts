/** What an order may do here: pure decisions on its times, its signature, its scope and what it would override. */
import { resolveConfig } from '../config/config.ts';
import type { Cause, OrderRecord, Config } from '../contracts/evidence.ts';
import { isAmberError, type AmberError } from '../errors.ts';
import { MAX_LIFE_MS, OVERRIDES, parseOrder, type Order, type OrderScope } from './order.ts';
import { bindingOf, IN_EVENTS } from './order-binding.ts';
import { fingerprint, signedBy } from './order-signature.ts';

/** Why an order is refused; one log line says it. */
export type OrderRefusal =
  | 'too-long'
  | 'malformed'
  | 'expired'
  | 'not-yet'
  | 'long-lived'
  | 'signature'
  | 'other-channel'
  | 'old-form'
  | 'unsigned'
  | 'no-key'
  | 'config'
  | 'replayed'
  | 'out-of-scope'
  | 'flood';

export interface Refused {
  readonly kind: 'refused';
  readonly why: OrderRefusal;
  readonly reason: string;
  /** Of the order, where it could be read that far: who asked, for the log line. */
  readonly id?: string;
}

/** An order that may be carried out wherever its scope fits, until it expires. */
export interface Admitted {
  readonly kind: 'admitted';
  readonly order: Order;
  readonly record: OrderRecord;
  readonly cause: Cause;
  /** The configuration of the capture that it asks for. */
  readonly config: Config;
  readonly expiresMs: number;
}

/** What is known of the place that an order has reached. */
export interface Place {
  readonly functionName: string;
  readonly functionVersion: string | undefined;
  /** As invoked; undefined where nobody said. */
  readonly functionArn: string | undefined;
  readonly logStream: string | undefined;
  readonly tenantId: string | undefined;
}

export interface JudgeOptions {
  readonly config: Config;
  /** For the record: `s3://…`, `event`. */
  readonly channel: string;
  readonly trigger: 'control' | 'event';
  /** The clock that times of the order are held against: that of the channel where it tells its own. */
  readonly nowMs: number;
  /** Longest time between issue and expiry. */
  readonly maxLifeMs?: number;
  /** Nothing is admitted without a signature that fits. */
  readonly needsSignature?: boolean;
}

/** A clock may be so far ahead of the one that issued the order. */
export const CLOCK_SLACK_MS: number = 5 * 60_000;

/**
 * Judges a document as soon as it is read. Scope and one-shot id are asked later, at each invocation: {@link misses}.
 */
export function judgeOrder(body: Uint8Array, options: JudgeOptions): Admitted | Refused | { readonly kind: 'idle' } {
  const parsed = parseOrder(body);
  if (parsed.kind !== 'order') return parsed;
  const { order } = parsed;
  const refuse = (why: OrderRefusal, reason: string): Refused => ({ kind: 'refused', why, reason, id: order.id });
  const expiresMs = Date.parse(order.expires);
  const issuedMs = Date.parse(order.issued);
  const key = signedBy(order, options.config.controlKey);
  if (order.signature !== undefined && key === undefined && options.config.controlKey.length > 0) {
    return refuse('signature', 'its signature fits none of the keys in AMBER_CONTROL_KEY');
  }
  const unbound = key === undefined ? undefined : bound(order, options);
  if (unbound !== undefined) return refuse(unbound.why, unbound.reason);
  if (expiresMs <= issuedMs)
    return refuse('malformed', `it expires at ${order.expires}, which is not after its issue at ${order.issued}`);
  if (expiresMs <= options.nowMs) return refuse('expired', `it expired at ${order.expires}`);
  if (issuedMs > options.nowMs + CLOCK_SLACK_MS)
    return refuse('not-yet', `it was issued at ${order.issued}, which is in the future here: look at the clocks`);
  if (expiresMs - issuedMs > (options.maxLifeMs ?? MAX_LIFE_MS))
    return refuse('long-lived', 'there is more time between its issue and its expiry than an order may have');
  const overrides = overridesOf(order, options.config);
  if (key === undefined && (options.needsSignature === true || overrides.length > 0 || order.state === 'stop'))
    return unsigned(refuse, options, overrides);
  const config = overridden(order, options.config, overrides);
  if (isAmberError(config)) return refuse('config', `what it sets is not usable: ${config.message}`);
  const record: OrderRecord = {
    id: order.id,
    channel: options.channel,
    issued: order.issued,
    expires: order.expires,
    sha256: digest(body),
    overrides,
    ...(key === undefined ? {} : { signedBy: fingerprint(key) }),
  };
  const cause: Cause = { trigger: options.trigger, reason: order.reason, requester: order.requester, order: record };
  return { kind: 'admitted', order, record, cause, config, expiresMs };
}

/** Why a signature that fits is not for this place, or undefined. */
function bound(
  order: Order,
  { trigger, channel, config }: JudgeOptions,
): { readonly why: OrderRefusal; readonly reason: string } | undefined {
  const binding = bindingOf(order, trigger === 'event' ? IN_EVENTS : channel);
  if (binding === 'elsewhere')
    return {
      why: 'other-channel',
      reason:
        trigger === 'event'
          ? 'it was signed for a control object, not for an event'
          : 'it was signed for another channel than this one',
    };
  if (binding === 'here' || config.controlUnbound) return undefined;
  return {
    why: 'old-form',
    reason:
      'its signature is for any channel (form 1): sign it with a newer amber trigger, or set AMBER_CONTROL_UNBOUND=1',
  };
}

function unsigned(
  refuse: (why: OrderRefusal, reason: string) => Refused,
  { config, needsSignature }: JudgeOptions,
  overrides: readonly string[],
): Refused {
  if (config.controlKey.length === 0)
    return refuse('no-key', 'what it asks for needs a signature, and AMBER_CONTROL_KEY is not set');
  if (needsSignature === true) return refuse('unsigned', 'it is not signed');
  return refuse(
    'unsigned',
    'without a signature an order starts a capture and nothing else, and this one asks for ' +
      (overrides.length > 0 ? overrides.join(', ') : 'stop'),
  );
}

/** Members of the order that would change something. */
function overridesOf(order: Order, config: Config): string[] {
  return OVERRIDES.filter((name) => order[name] !== undefined && order[name] !== config[name]);
}

/** The same checks as for the options of code, since that is what an override is. */
function overridden(order: Order, config: Config, overrides: readonly string[]): Config | AmberError {
  if (overrides.length === 0) return config;
  const set: Record<string, unknown> = {};
  for (const name of OVERRIDES) if (overrides.includes(name)) set[name] = order[name];
  if (order.collect !== undefined) set['collect'] = [...config.collect, ...order.collect];
  try {
    return resolveConfig({ ...config, ...set }, {});
  } catch (error) {
    if (isAmberError(error)) return error;
    throw error;
  }
}

/**
 * Why the order does not reach this sandbox at this moment, or undefined.
 *
 * @param taken - ids of orders that this sandbox has carried out
 */
export function misses(
  { order, expiresMs }: Admitted,
  place: Place,
  taken: ReadonlySet<string>,
  nowMs: number,
): { readonly why: OrderRefusal; readonly reason: string } | undefined {
  if (expiresMs <= nowMs) return { why: 'expired', reason: `it expired at ${order.expires}` };
  if (taken.has(order.id)) return { why: 'replayed', reason: 'this sandbox has carried it out' };
  const other = order.scope === 'all' ? undefined : firstOther(order.scope, place);
  return other === undefined ? undefined : { why: 'out-of-scope', reason: `it is for another ${other}` };
}

function firstOther(scope: OrderScope, place: Place): string | undefined {
  if (scope.function !== undefined && !isFunction(scope.function, place)) return 'function';
  if (scope.version !== undefined && scope.version !== place.functionVersion) return 'version';
  if (scope.tenant !== undefined && scope.tenant !== place.tenantId) return 'tenant';
  if (scope.logStream !== undefined && scope.logStream !== place.logStream) return 'log stream';
  return undefined;
}

function isFunction(wanted: string, { functionName, functionArn }: Place): boolean {
  if (!wanted.startsWith('arn:')) return wanted === functionName;
  return functionArn === wanted || functionArn?.startsWith(`${wanted}:`) === true;
}

function digest(body: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').hash('sha256', body, 'hex');
}
