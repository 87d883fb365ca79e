/** Orders for tests: documents that are whole, with what a test changes in them, and keys to sign them with. */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import type { Order } from '../../../src/trigger/order.ts';
import { boundId } from '../../../src/trigger/order-binding.ts';
import { publicKeyOf, signOrder } from '../../../src/trigger/order-signature.ts';

export interface Responder {
  readonly privateKey: KeyObject;
  /** As in AMBER_CONTROL_KEY. */
  readonly key: string;
}

export function newResponder(): Responder {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, key: publicKeyOf(privateKey) };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** An order for every sandbox, valid from now for ten minutes. */
export function newOrder(changes: Readonly<Partial<Order>> = {}, nowMs: number = Date.now()): Order {
  return {
    amber: 1,
    state: 'capture',
    id: randomUUID(),
    issued: iso(nowMs),
    expires: iso(nowMs + 600_000),
    scope: 'all',
    requester: 'ir@example.com',
    reason: 'GuardDuty finding 42',
    ...changes,
  };
}

export type Sign = (responder: Responder, changes?: Readonly<Partial<Order>>, nowMs?: number) => Order;

/** Signs orders for one channel: AMBER_CONTROL as it is written, or `event`. */
export function signerFor(channel: string): Sign {
  return (responder, changes = {}, nowMs) =>
    signOrder(newOrder({ id: boundId(channel), ...changes }, nowMs), responder.privateKey);
}

export const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** As an event carries it. */
export const token = (order: Order): string => bytes(order).toString('base64url');

export const IDLE = { amber: 1, state: 'idle' } as const;
