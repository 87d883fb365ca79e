/**
 * What ties a signed order to the one channel that it was signed for: its id. The signature covers the id, and the id
 * holds a digest of the channel. So an order cannot be lifted from one bucket into another, or from a bucket into an
 * event.
 *
 * This is form 2 of signed orders. Form 1 has an id that says nothing. Layers that know form 1 alone take both, because
 * to them an id is an id: one document serves a fleet of both, and nobody can take the binding off without the key.
 */
import type { Order } from './order.ts';

/** Place of an order: AMBER_CONTROL as it is written (`s3://bucket/key`, `ssm:/name`, …), or `event`. */
export type Channel = string;

export const IN_EVENTS: Channel = 'event';

const DOMAIN = 'lambda-amber order channel\n';
/** `2-`, 128 random bits, and 132 bits of the digest, both in Base64url: it fits the 64 characters of an id. */
const BOUND = /^2-([\w-]{22})-([\w-]{22})$/u;
const NONCE_BYTES = 16;
const DIGEST_CHARACTERS = 22;

/** A new id of an order for this channel. */
export function boundId(channel: Channel): string {
  const nonce = process.getBuiltinModule('node:crypto').randomBytes(NONCE_BYTES).toString('base64url');
  return `2-${nonce}-${digest(nonce, channel)}`;
}

/** `here`: signed for this channel. `elsewhere`: for another one. `nowhere`: form 1, for any. */
export function bindingOf({ id }: Pick<Order, 'id'>, channel: Channel): 'here' | 'elsewhere' | 'nowhere' {
  const [, nonce, found] = BOUND.exec(id) ?? [];
  if (nonce === undefined) return 'nowhere';
  return digest(nonce, channel) === found ? 'here' : 'elsewhere';
}

function digest(nonce: string, channel: Channel): string {
  const sha256 = process.getBuiltinModule('node:crypto').hash('sha256', `${DOMAIN}${nonce}\n${channel}`, 'base64url');
  return sha256.slice(0, DIGEST_CHARACTERS);
}
