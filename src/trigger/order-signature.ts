/**
 * Ed25519 signatures (RFC 8032) of orders. What is signed is the order without its signature in canonical form: JSON
 * with the members in code unit order and no white space, as in RFC 8785, behind a line that no other document begins
 * with.
 *
 * `node:crypto` is loaded at the first signature and not before.
 */
import type { KeyObject } from 'node:crypto';
import type { Order } from './order.ts';

const DOMAIN = 'lambda-amber order 1\n';
const PREFIX = 'ed25519:';

/** The bytes that are signed. The order has been checked, so it is flat and holds strings and whole numbers alone. */
export function canonicalForm(order: Omit<Order, 'signature'>): Buffer {
  return Buffer.from(DOMAIN + canonical({ ...order, signature: undefined }), 'utf8');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const record = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(record)
    .filter((name) => record[name] !== undefined)
    .sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(record[name])}`).join(',')}}`;
}

/** The key that the signature fits, as it stands in AMBER_CONTROL_KEY; undefined if it fits none. Never throws. */
export function signedBy(order: Order, keys: readonly string[]): string | undefined {
  if (order.signature === undefined) return undefined;
  const crypto = process.getBuiltinModule('node:crypto');
  const message = canonicalForm(order);
  const signature = Buffer.from(order.signature, 'base64url');
  return keys.find((key) => {
    try {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.slice(PREFIX.length) };
      return crypto.verify(null, message, crypto.createPublicKey({ key: jwk, format: 'jwk' }), signature);
    } catch {
      return false; // 43 characters that are no point of the curve
    }
  });
}

/** Signs an order. @throws TypeError of Node when the key is no Ed25519 private key. */
export function signOrder(order: Omit<Order, 'signature'>, key: KeyObject): Order {
  const signature = process.getBuiltinModule('node:crypto').sign(null, canonicalForm(order), key).toString('base64url');
  return { ...order, signature };
}

/** The public half of a key as AMBER_CONTROL_KEY takes it. */
export function publicKeyOf(key: KeyObject): string {
  const { x } = process.getBuiltinModule('node:crypto').createPublicKey(key).export({ format: 'jwk' });
  return PREFIX + (x ?? '');
}

/** Lower-case hex SHA-256 of the 32 bytes of a public key: names it in records and log lines. */
export function fingerprint(key: string): string {
  return process
    .getBuiltinModule('node:crypto')
    .hash('sha256', Buffer.from(key.slice(PREFIX.length), 'base64url'), 'hex');
}
