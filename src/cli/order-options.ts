/** From the options of `amber trigger` to an order. */
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import { boundId, type Channel } from '../trigger/order-binding.ts';
import { MAX_LIFE_MS, type Order, type OrderScope } from '../trigger/order.ts';
import { textOption, type CommandOptions } from './command.ts';
import type { Values } from './option-values.ts';

export const ORDER_OPTIONS: CommandOptions = {
  reason: {
    type: 'string',
    short: 'm',
    value: 'TEXT',
    description: 'Why; goes into the custody record of each capture.',
  },
  requester: { type: 'string', value: 'WHO', description: 'Who asks; default the caller of the AWS credentials.' },
  expires: {
    type: 'string',
    value: 'LIFE',
    description: 'How long the order holds: 30m, 12h, 7d (the most); default 1h.',
  },
  all: { type: 'boolean', description: 'Every function that reads this channel, not FUNCTION alone.' },
  version: { type: 'string', value: 'VERSION', description: 'Only sandboxes of this version: $LATEST or a number.' },
  tenant: { type: 'string', value: 'ID', description: 'Only invocations of this tenant.' },
  'log-stream': {
    type: 'string',
    value: 'NAME',
    description: 'Only the one sandbox with this log stream, signed or not.',
  },
  sign: {
    type: 'string',
    value: 'KEYFILE',
    description: 'Ed25519 private key (PEM) to sign the order with; the options below need it.',
  },
  destination: { type: 'string', value: 'URL', description: 'Captures go there.' },
  recipient: { type: 'string', value: 'AGE1…', description: 'age public key of these captures.' },
  collect: {
    type: 'string',
    value: 'NAMES',
    description: 'Collectors to add (+heap) or leave out (-code), separated by commas.',
  },
  'max-bytes': { type: 'string', value: 'N', description: 'Content bytes of a capture.' },
  'max-ms': { type: 'string', value: 'N', description: 'Longest time of a capture, milliseconds.' },
  stop: { type: 'boolean', description: 'No capture starts while the order holds, whatever asks for it.' },
};

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_LIFE = '1h';

/**
 * The order without its signature, with an id that ties it to `channel` where it is to be signed. @throws AmberError
 * USAGE.
 */
export function orderFrom(
  values: Values,
  functionName: string,
  requester: string,
  channel: Channel,
  nowMs: number = Date.now(),
): Order {
  const reason = textOption(values, 'reason');
  if (reason === undefined)
    throw new AmberError('USAGE', 'Say why: --reason TEXT goes into the custody record of each capture.');
  return {
    amber: 1,
    state: values['stop'] === true ? 'stop' : 'capture',
    id: values['sign'] === undefined ? process.getBuiltinModule('node:crypto').randomUUID() : boundId(channel),
    issued: new Date(nowMs).toISOString(),
    expires: new Date(nowMs + lifeOf(values)).toISOString(),
    scope: scopeOf(values, functionName),
    requester,
    reason,
    ...overridesOf(values),
  };
}

function lifeOf(values: Values): number {
  const text = textOption(values, 'expires') ?? DEFAULT_LIFE;
  const [, count, unit] = /^(\d{1,5})([mhd])$/u.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit ?? ''] ?? Number.NaN);
  if (!(ms > 0 && ms <= MAX_LIFE_MS))
    throw new AmberError(
      'USAGE',
      `--expires is ${JSON.stringify(text)}; expected how long: 30m, 12h, or 7d at most, for example --expires 12h.`,
    );
  return ms;
}

function scopeOf(values: Values, functionName: string): Order['scope'] {
  const [version, tenant, logStream] = [
    textOption(values, 'version'),
    textOption(values, 'tenant'),
    textOption(values, 'log-stream'),
  ];
  const narrow: OrderScope = defined({ version, tenant, logStream });
  if (values['all'] !== true) return { function: functionName, ...narrow };
  return Object.keys(narrow).length === 0 ? 'all' : narrow;
}

function overridesOf(values: Values): Partial<Order> {
  const [destination, recipient, collect] = [
    textOption(values, 'destination'),
    textOption(values, 'recipient'),
    textOption(values, 'collect'),
  ];
  const [maxBytes, maxMs] = [wholeOption(values, 'max-bytes'), wholeOption(values, 'max-ms')];
  return {
    ...defined({ destination, recipient }),
    ...(collect === undefined ? {} : { collect: collect.split(',').map((one) => one.trim()) }),
    ...defined({ maxBytes, maxMs }),
  };
}

/** @throws AmberError USAGE. */
export function wholeOption(values: Values, name: string): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,12}$/u.test(text))
    throw new AmberError(
      'USAGE',
      `--${name} is ${JSON.stringify(text)}; expected a whole number from 1 on, for example --${name} 60.`,
    );
  return Number(text);
}
