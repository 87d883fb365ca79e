/**
 * An order: the document by which a responder asks sandboxes for a capture. It is the control object, and what a signed
 * event carries. A writer of that place chose every byte of it: bounded, strict, and nothing that is unknown is passed
 * over.
 */

/** Longest order, in bytes. An advanced SSM parameter holds 8 KiB. */
export const MAX_ORDER_BYTES: number = 16 * 1024;
/** Longest time from issue to expiry: an order that is forgotten must not start captures for ever. */
export const MAX_LIFE_MS: number = 7 * 86_400_000;

/** `idle`: the object is there and asks for nothing. `stop`: no capture starts until it expires; needs a signature. */
export type OrderState = 'idle' | 'capture' | 'stop';

/** Which sandboxes are meant. Everything that is named has to fit. */
export interface OrderScope {
  /** Name of the function, or its ARN without a qualifier. */
  readonly function?: string;
  /** `$LATEST` or a number. */
  readonly version?: string;
  readonly tenant?: string;
  /** Name of the log stream: one sandbox. */
  readonly logStream?: string;
}

/** Members that need a signature: they set something in place of the configuration. */
export const OVERRIDES = ['destination', 'recipient', 'collect', 'maxBytes', 'maxMs'] as const;

export interface Order {
  readonly amber: 1;
  readonly state: OrderState;
  /** One shot: a sandbox carries out an id once. */
  readonly id: string;
  /** ISO 8601 with `Z`. */
  readonly issued: string;
  readonly expires: string;
  readonly scope: 'all' | OrderScope;
  readonly requester: string;
  readonly reason: string;
  readonly destination?: string;
  readonly recipient?: string;
  readonly collect?: readonly string[];
  readonly maxBytes?: number;
  readonly maxMs?: number;
  /** Base64url of the Ed25519 signature over the canonical form of everything else. */
  readonly signature?: string;
}

/** What was read: an order, nothing to do, or why it is refused. */
export type ParsedOrder =
  | { readonly kind: 'order'; readonly order: Order }
  | { readonly kind: 'idle' }
  | { readonly kind: 'refused'; readonly why: 'too-long' | 'malformed'; readonly reason: string };

/**
 * Reads an order. Never throws; what is wrong comes as one short sentence that repeats no byte of the document's
 * values.
 */
export function parseOrder(body: Uint8Array): ParsedOrder {
  if (body.byteLength > MAX_ORDER_BYTES)
    return { kind: 'refused', why: 'too-long', reason: `it is longer than ${String(MAX_ORDER_BYTES)} bytes` };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return malformed('it is not JSON in UTF-8');
  }
  if (!isRecord(value)) return malformed('it is not a JSON object');
  if (value['amber'] !== 1) return malformed('its member amber is not 1: another version, or something else');
  if (value['state'] === 'idle') return { kind: 'idle' };
  const wrong = firstWrong(value);
  return wrong === undefined ? { kind: 'order', order: value as unknown as Order } : malformed(wrong);
}

function malformed(reason: string): ParsedOrder {
  return { kind: 'refused', why: 'malformed', reason };
}

type Check = (value: unknown) => boolean;

const text =
  (most: number): Check =>
  (value) =>
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= most &&
    !/[\u0000-\u001f\u007f-\u009f]/u.test(value);
const like =
  (form: RegExp): Check =>
  (value) =>
    typeof value === 'string' && form.test(value);
const whole: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
const time: Check = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/u.test(value) &&
  !Number.isNaN(Date.parse(value));
const names: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.length <= 40 && value.every(like(/^[+-][a-z][a-z0-9-]{0,60}$/u));

interface Member {
  readonly check: Check;
  readonly needed?: true;
}

const MEMBERS: Readonly<Record<string, Member>> = {
  amber: { check: (value) => value === 1, needed: true },
  state: { check: (value) => value === 'capture' || value === 'stop', needed: true },
  id: { check: like(/^[\w-]{8,64}$/u), needed: true },
  issued: { check: time, needed: true },
  expires: { check: time, needed: true },
  scope: { check: isScope, needed: true },
  requester: { check: text(200), needed: true },
  reason: { check: text(500), needed: true },
  destination: { check: text(1024) },
  recipient: { check: text(200) },
  collect: { check: names },
  maxBytes: { check: whole },
  maxMs: { check: whole },
  signature: { check: like(/^[\w-]{86}$/u) },
};

const SCOPE: Readonly<Record<string, Check>> = {
  function: like(/^(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[\w-]{1,140}$/u),
  version: like(/^(?:\$LATEST|\d{1,19})$/u),
  tenant: text(256),
  logStream: text(512),
};

function isScope(value: unknown): boolean {
  if (value === 'all') return true;
  if (!isRecord(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 && entries.every(([name, one]) => Object.hasOwn(SCOPE, name) && SCOPE[name]?.(one) === true)
  );
}

function firstWrong(value: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of Object.keys(value)) if (!Object.hasOwn(MEMBERS, name)) return 'it has a member that is not known';
  for (const [name, { check, needed }] of Object.entries(MEMBERS)) {
    if (!Object.hasOwn(value, name)) {
      if (needed === true) return `its member ${name} is missing`;
    } else if (!check(value[name])) {
      return `its member ${name} is not usable`;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
