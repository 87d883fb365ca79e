/** All of a host that an idle function in a bundle does without: loaded as a whole when something is due (idle.ts). */
import { isAmberError, type AmberError } from '../../errors.ts';
import { alarmOf, guards, opener } from '../monitor/start.ts';
import { arm, fault, SANDBOX, type Armed } from './setup.ts';
import type { Alarm, OpenSentry } from '../monitor/change-monitor.ts';
import { openProgress } from './progress.ts';
import type { Trap } from './proxied.ts';
import type { Watch } from './tracked-invocation.ts';
import { makeDue } from './wrap.ts';

export { capture } from './call.ts';
export { amberMiddleware } from './middleware.ts';
export { withCapture } from './wrap.ts';

/** What stands behind a handler that was wrapped before this was loaded. */
export interface Late {
  readonly alarm: Alarm<Watch>;
  readonly open: OpenSentry;
  readonly due: (isNoted: boolean) => Trap | undefined;
}

/** Arms with the environment as it was when the handler was wrapped; the guard stands since then. */
export function armLate(env: NodeJS.ProcessEnv): Late {
  const ground = { ...SANDBOX, env };
  const armed: Armed | AmberError = arm({}, ground);
  if (isAmberError(armed)) throw armed;
  armed.guard = guards.get(armed.state);
  return { alarm: alarmOf(ground), open: opener(armed.config), due: makeDue(armed, openProgress(armed.state, env)) };
}

/** Says that something of ours went wrong and was contained. */
export function tell(where: string, error: unknown): void {
  fault(SANDBOX, where, error);
}
