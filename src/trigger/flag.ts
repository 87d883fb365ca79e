/** The environment flag: arms new sandboxes. A flag cannot reach a warm one, because its environment is fixed. */
import type { Cause, TriggerEvent, Trigger, Config } from '../contracts/evidence.ts';

const REASONS = {
  settled: 'AMBER_CAPTURE is now, and the first invocation of this sandbox has settled',
  'near-deadline': 'AMBER_CAPTURE is now, and the first invocation of this sandbox comes near its deadline',
} as const;

/**
 * `AMBER_CAPTURE=now`: one capture for each new sandbox, when its first invocation has settled, so that what the
 * invocation did is in it. It stays due until a capture of the sandbox has been started, by whatever trigger.
 */
export const flag: Trigger = {
  name: 'flag',
  description: 'The first invocation of a new sandbox, where AMBER_CAPTURE is now.',
  once: true,
  moments: (config) => (config.capture === 'now' ? ['settled', 'near-deadline'] : []),
  // A third of the time at most, so that a short timeout is not eaten up by the capture.
  leadMs: (config: Config, remainingMs: number) => config.marginMs + Math.min(config.maxMs, remainingMs / 3),
  fires: (event: TriggerEvent): Cause | undefined =>
    event.at === 'settled' || event.at === 'near-deadline' ? { trigger: 'flag', reason: REASONS[event.at] } : undefined,
};
