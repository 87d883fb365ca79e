/** All of a host that an idle function in a bundle does without: loaded as a whole when something is due (idle.ts). */
import type { Options } from '../../config/config.ts';
import { isAmberError, type AmberError } from '../../errors.ts';
import { alarmOf, monitors, opener } from '../monitor/start.ts';
import { loadSetup, type HostSetup, type TrackedInvocation } from './setup.ts';
import type { FindingHandler, OpenMonitor } from '../monitor/change-monitor.ts';
import { openProgress } from './progress.ts';
import type { Trap } from './proxied.ts';
import { makeDue } from './wrap.ts';
import { fault, HOST_ENVIRONMENT } from '../environment.ts';

export { capture } from './call.ts';
export { amberMiddleware } from './middleware.ts';
export { withCapture } from './wrap.ts';

/** What stands behind a handler that was wrapped before this was loaded. */
export interface Late {
  readonly handler: FindingHandler<TrackedInvocation>;
  readonly open: OpenMonitor;
  readonly due: (options: { readonly isNoted: boolean }) => Trap | undefined;
}

/** Arms with environment and options as they were when the handler was wrapped. The change monitor stands already. */
export function armLate(env: NodeJS.ProcessEnv, options: Options = {}): Late {
  const environment = { ...HOST_ENVIRONMENT, env };
  const setup: HostSetup | AmberError = loadSetup(options, environment);
  if (isAmberError(setup)) throw setup;
  setup.changeMonitor = monitors.get(setup.state);
  return {
    handler: alarmOf(environment),
    open: opener(setup.config),
    due: makeDue(setup, openProgress(setup.state, env)),
  };
}

/** Says that something of ours went wrong and was contained. */
export function tell(where: string, error: unknown): void {
  fault(HOST_ENVIRONMENT, where, error);
}
