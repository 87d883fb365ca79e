/** The platform ends a sandbox. The extension is told, and has up to two seconds; the runtime has gone by then. */
import type { Cause, Trigger, Config } from '../contracts/evidence.ts';

/** Stands in the registry so that lists and tables name it; the extension starts it. */
export const shutdown: Trigger = {
  name: 'shutdown',
  description: 'The platform ends an idle sandbox, AMBER_ON_SHUTDOWN is not off, and the extension is there.',
  moments: () => [],
  fires: () => undefined,
};

/** What happens to a sandbox when it ends, and why: `crash` after a timeout or a failure, else `shutdown`. */
export interface Ending {
  readonly cause: Cause;
  readonly policy: Config['onShutdown'];
}

/** What the emulator of AWS says in place of `failure` (its internal/lambda/rapidcore/server.go, autoresetReason…). */
const FAILURES: ReadonlySet<string> = new Set(['failure', 'releasefail', 'reservefail']);

/**
 * @param reason - `shutdownReason` of the event: `spindown`, `timeout`, `failure`. The emulator of AWS writes
 *   `Timeout`, `ReleaseFail`, and `SandboxTerminated` for an orderly end.
 * @param how - what the Telemetry API said of the last invocation: `error Runtime.OutOfMemory`
 */
export function endingOf(reason: string, how: string | undefined, config: Config): Ending {
  const word = reason.toLowerCase();
  const told = how === undefined ? '' : `; the platform says of the last invocation: ${how}`;
  if (word === 'timeout' || FAILURES.has(word)) {
    const what = word === 'timeout' ? 'an invocation ran out of time' : 'the runtime or an extension failed';
    return {
      cause: { trigger: 'crash', reason: `${what}, and the platform resets the sandbox${told}` },
      policy: config.onCrash,
    };
  }
  return { cause: { trigger: 'shutdown', reason: `the platform ends the sandbox${told}` }, policy: config.onShutdown };
}
