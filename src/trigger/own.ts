/**
 * Triggers of code. They run on the handler's critical path beside the built-in ones, so what they do wrong is
 * contained: it costs this trigger, never the handler, and never another trigger.
 */
import { policyOf } from '../config/detect-policy.ts';
import type { Cause, TriggerEvent, Trigger, Config } from '../contracts/evidence.ts';
import { AmberError } from '../errors.ts';
import { printable } from '../printable.ts';
import { orderLeadMs } from './control.ts';

const MOMENTS: readonly unknown[] = ['settled', 'failed', 'near-deadline', 'found'] satisfies TriggerEvent['at'][];
/** Reason and requester go to the log and into the manifest, and may hold what a user typed. */
const MAX_TEXT = 300;

/** Takes what a trigger of code did wrong. */
export type Fault = (trigger: Trigger, error: unknown) => void;

/** The triggers of this configuration, contained. `capture: 'off'` turns them off, as it does the built-in ones. */
export function ownTriggers(config: Config, fault: Fault): readonly Trigger[] {
  if (config.capture === 'off') return [];
  return config.triggers.map((trigger) => contained(trigger, momentsOf(trigger, config, fault), fault));
}

function contained(trigger: Trigger, moments: readonly TriggerEvent['at'][], fault: Fault): Trigger {
  const { name, description } = trigger;
  return {
    name,
    description,
    ...(trigger.once === true ? { once: true } : {}),
    moments: () => moments,
    leadMs: (config, remainingMs) => leadOf(trigger, config, remainingMs, fault),
    fires: (event, config) => {
      if (!moments.includes(event.at)) return undefined;
      try {
        return causeOf(trigger, trigger.fires(event, config));
      } catch (error) {
        fault(trigger, error);
        return undefined;
      }
    },
  };
}

/** Asked once, when a handler is wrapped. */
function momentsOf(trigger: Trigger, config: Config, fault: Fault): readonly TriggerEvent['at'][] {
  try {
    const given: unknown = trigger.moments(config);
    if (Array.isArray(given) && given.every((one) => MOMENTS.includes(one)))
      return (given as TriggerEvent['at'][]).filter((one) => one !== 'found' || detects(config));
    throw wrong(trigger, 'moments() gives something else than a list of settled, failed, near-deadline and found');
  } catch (error) {
    fault(trigger, error);
    return [];
  }
}

/** Where detectors are off, nobody looks for what they would find. */
function detects({ detect }: Config): boolean {
  return policyOf(detect).threshold !== 'off';
}

/** A trigger that does not say how early it is asked has the lead of an order. */
function leadOf(trigger: Trigger, config: Config, remainingMs: number, fault: Fault): number {
  const usual = orderLeadMs(config, remainingMs);
  try {
    const leadMs: unknown = trigger.leadMs?.(config, remainingMs) ?? usual;
    if (typeof leadMs === 'number' && leadMs > 0) return leadMs;
    throw wrong(trigger, 'leadMs() gives something else than milliseconds');
  } catch (error) {
    fault(trigger, error);
    return usual;
  }
}

/**
 * A copy with the trigger's own name and no order: an order is what a responder has signed or written, and code is
 * neither.
 */
function causeOf(trigger: Trigger, given: unknown): Cause | undefined {
  if (given === undefined) return undefined;
  // Nobody waits for a promise, and one that is rejected must not end the process.
  if (given instanceof Promise) given.catch(() => undefined);
  const { reason, requester } = (typeof given === 'object' ? (given ?? {}) : {}) as {
    reason?: unknown;
    requester?: unknown;
  };
  if (typeof reason !== 'string' || reason.trim() === '')
    throw wrong(trigger, 'fires() gives something else than undefined or { trigger, reason }');
  return {
    trigger: trigger.name,
    reason: printable(reason, 'sentence', MAX_TEXT),
    ...(typeof requester === 'string' ? { requester: printable(requester, 'sentence', MAX_TEXT) } : {}),
  };
}

function wrong({ name }: Trigger, what: string): AmberError {
  return new AmberError('CONFIG_INVALID', `trigger \`${name}\`: ${what}`);
}
