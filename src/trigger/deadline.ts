/** The time of an invocation is nearly out: the last moment at which the process can still be looked at. */
import type { Cause, TriggerEvent, Trigger, Config } from '../contracts/evidence.ts';

/** A timer may fire a little early (Node rounds to whole milliseconds). */
const SLACK_MS = 5;

/** Captures while the handler still runs, `AMBER_DEADLINE_MS` before the platform ends the invocation. */
export const deadline: Trigger = {
  name: 'deadline',
  description: 'The handler has not settled when only AMBER_DEADLINE_MS of its invocation are left.',
  moments: (config) => (config.capture === 'off' || config.deadlineMs === 0 ? [] : ['near-deadline']),
  leadMs: (config: Config) => config.deadlineMs,
  fires: (event: TriggerEvent, config: Config): Cause | undefined => {
    if (event.at !== 'near-deadline' || event.remainingMs > config.deadlineMs + SLACK_MS) return undefined;
    const left = String(Math.round(event.remainingMs));
    return { trigger: 'deadline', reason: `the handler has not settled and ${left} ms of the invocation are left` };
  },
};
