/** A responder asks out of band: the one trigger that reaches sandboxes which are warm already. */
import type { TriggerEvent, Trigger, Config } from '../contracts/evidence.ts';

/** Part of an invocation that a capture before its deadline may take, as for the flag. */
const PART = 3;

/**
 * An order that the host has read from AMBER_CONTROL and found due. Comes first in the registry: somebody waits for it.
 */
export const control: Trigger = {
  name: 'control',
  description: 'A responder orders it through AMBER_CONTROL; reaches warm sandboxes at their next invocation.',
  moments: (config) =>
    config.capture === 'off' || config.control === undefined ? [] : ['settled', 'failed', 'near-deadline'],
  leadMs: orderLeadMs,
  fires: (event) => orderOf(event, 'control'),
};

/** How long before the deadline an order is carried out while the handler still runs. */
export function orderLeadMs(config: Config, remainingMs: number): number {
  return config.marginMs + Math.min(config.maxMs, remainingMs / PART);
}

/** The cause of the first order of this kind that is due. */
export function orderOf(event: TriggerEvent, trigger: 'control' | 'event'): ReturnType<Trigger['fires']> {
  return event.orders?.find(({ cause }) => cause.trigger === trigger)?.cause;
}
