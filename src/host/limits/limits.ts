/** How long a capture takes, and when it must have ended: pure functions of the CPU that a function has. */
import type { Config } from '../../contracts/evidence.ts';

/** Under this no capture starts, however fast the machine; also the least maxMs. */
export const FLOOR_MS = 50;

/**
 * CPU of one core that a first capture takes until it has stored something of use (processes, sockets), its reserve for
 * shipping and commit included: with the engine still to be loaded (70 to 100 ms of it, in one stretch), and without.
 * Printed by test/adversary/hostile/deadline.test.ts.
 */
const COLD_CPU_MS = 170;
const LOADED_CPU_MS = 100;
/** CPU of the longest stretch after the engine is loaded: so late the hard stop may be noticed. */
const STRETCH_CPU_MS = 40;

/**
 * The least time for a capture that starts now, in milliseconds. A function of 128 MB has a fourteenth of a core: there
 * it is 2.4 s with the engine still to be loaded, and 1.4 s without.
 *
 * @param cores - what the function may use, undefined if not known
 */
export function leastMs(cores: number | undefined, { isLoaded }: { readonly isLoaded: boolean }): number {
  return cores === undefined ? FLOOR_MS : Math.max(FLOOR_MS, atPace(isLoaded ? LOADED_CPU_MS : COLD_CPU_MS, cores));
}

/** Milliseconds that so much CPU of one core takes. */
function atPace(cpuMs: number, cores: number): number {
  return Math.ceil(cpuMs / Math.min(1, cores));
}

/**
 * The epoch millisecond at which everything of a capture must have ended: its own limit, or the deadline of the
 * invocation less the margin, whichever is sooner. The margin is never less than the longest stretch of the capture
 * takes at the pace of the function. So the result of the handler is passed on before the deadline.
 *
 * So a handler that has settled while `leastMs` and the margin were left is answered in time. One that still runs when
 * a capture starts shares the main thread with it until the hard stop, and no longer. The bound: it loses at most the
 * time from the start to the hard stop, or what the whole capture takes, whichever is less. A handler that would finish
 * by more than that before the deadline never times out because of a capture. A first capture with little in /tmp takes
 * 350 to 400 ms of CPU: 5.5 s at 128 MB, 2.6 s at 256, 1.3 s at 512, 0.65 s at 1024, 0.4 s at 1769.
 */
export function hardStop(config: Config, nowMs: number, deadlineMs: number | undefined, cores?: number): number {
  const own = nowMs + config.maxMs;
  const margin = cores === undefined ? config.marginMs : Math.max(config.marginMs, atPace(STRETCH_CPU_MS, cores));
  return deadlineMs === undefined ? own : Math.min(own, deadlineMs - margin);
}
