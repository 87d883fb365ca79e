/** The handler has failed: by a throw, a rejection, or an error given to the callback. */
import type { Cause, TriggerEvent, Trigger, Config } from '../contracts/evidence.ts';
import { printable } from '../printable.ts';

/** The code that throws chooses the name. */
const MAX_NAME = 80;

/** Captures by policy (`AMBER_ON_ERROR`: `any`, or names) before the error is passed on. */
export const error: Trigger = {
  name: 'error',
  description: 'The handler fails, and AMBER_ON_ERROR is any or names the error.',
  moments: (config) => (config.capture === 'off' || config.onError === 'off' ? [] : ['failed']),
  fires: (event: TriggerEvent, config: Config): Cause | undefined => {
    if (event.at !== 'failed') return undefined;
    const names = errorNames(event.error);
    if (config.onError !== 'any' && !config.onError.split(',').some((wanted) => names.includes(wanted.trim()))) {
      return undefined;
    }
    // The name alone: a message may hold what a user typed, and this sentence goes to the log.
    return {
      trigger: 'error',
      reason: `the handler failed with ${printable(names[0] ?? 'unknown', 'name', MAX_NAME)}`,
    };
  },
};

/**
 * The names that an error answers to: what Lambda reports as errorType first (`name` of an error, `typeof` of
 * anything else: aws-lambda-ric src/Errors.js toRapidResponse), then the name of its class.
 */
export function errorNames(thrown: unknown): readonly string[] {
  if (typeof thrown !== 'object' || thrown === null) return [typeof thrown];
  try {
    const { name, constructor } = thrown as { name?: unknown; constructor?: { name?: unknown } };
    const names = [name, constructor?.name].filter((item) => typeof item === 'string' && item !== '');
    return thrown instanceof Error ? (names as string[]) : ['object', ...(names as string[])];
  } catch {
    return ['object']; // a getter that throws: the error keeps its name to itself
  }
}
