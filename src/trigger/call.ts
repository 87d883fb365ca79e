/** Code asks: `capture()`. No moment fires it. */
import type { Cause, Trigger } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';

/** Stands in the registry so that lists and tables name it; the host starts it. */
export const call: Trigger = {
  name: 'call',
  description: 'Code calls capture().',
  moments: () => [],
  fires: () => undefined,
};

/** Where the caller gives no reason. */
export const CALLED = 'code called capture()';

/** The cause of a capture that code asked for. `reason` is the caller's own sentence. */
export function callCause(reason: string | undefined, requester: string | undefined): Cause {
  return {
    trigger: 'call',
    reason: reason ?? CALLED,
    ...defined({ requester }),
  };
}
