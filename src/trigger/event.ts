/**
 * A responder asks in the event of an invocation, by an order that is signed. It reaches the one sandbox that gets it.
 */
import type { Trigger } from '../contracts/evidence.ts';
import { orderLeadMs, orderOf } from './control.ts';

/** The order in Base64url, as a field of the event, as a header, or in the client context (`custom`). */
export const EVENT_FIELD = 'amber-order';
export const EVENT_HEADERS: readonly string[] = ['x-amber-order', 'X-Amber-Order'];

/** Longest order in an event, in characters: API Gateway takes 10,240 bytes of headers in all. */
export const MAX_TOKEN_LENGTH = 6000;

export const event: Trigger = {
  name: 'event',
  description: 'The event, a header or the client context holds an order that is signed with AMBER_CONTROL_KEY.',
  moments: (config) =>
    config.capture === 'off' || config.controlKey.length === 0 ? [] : ['settled', 'failed', 'near-deadline'],
  leadMs: orderLeadMs,
  fires: (event) => orderOf(event, 'event'),
};

/**
 * The order that an event carries, unread; undefined if it carries none. Never throws, and runs no code of the event: a
 * field that is a getter is passed over.
 */
export function tokenOf(given: unknown, context: unknown): string | undefined {
  try {
    const found = textAt(given, EVENT_FIELD) ?? headerOf(given) ?? inContext(context);
    return found;
  } catch {
    return undefined; // a proxy whose traps throw
  }
}

function headerOf(given: unknown): string | undefined {
  const headers = valueAt(given, 'headers');
  return textAt(headers, EVENT_HEADERS[0] ?? '') ?? textAt(headers, EVENT_HEADERS[1] ?? '');
}

function inContext(context: unknown): string | undefined {
  const client = valueAt(context, 'clientContext');
  return (
    textAt(client, EVENT_FIELD) ??
    textAt(valueAt(client, 'custom'), EVENT_FIELD) ??
    textAt(valueAt(client, 'Custom'), EVENT_FIELD)
  );
}

function textAt(holder: unknown, name: string): string | undefined {
  const value = valueAt(holder, name);
  return typeof value === 'string' ? value : undefined;
}

function valueAt(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  return Object.getOwnPropertyDescriptor(holder, name)?.value;
}
