/**
 * A timeout or a crash ends the processes of a sandbox; /tmp stays, and so does the extension for up to two seconds.
 */
import type { Trigger } from '../contracts/evidence.ts';

/**
 * Stands in the registry so that lists and tables name it; the extension starts it (shutdown.ts tells which of the two
 * it is).
 */
export const crash: Trigger = {
  name: 'crash',
  description:
    'An invocation runs out of time or the runtime fails, AMBER_ON_CRASH is not off, and the extension is there.',
  moments: () => [],
  fires: () => undefined,
};
