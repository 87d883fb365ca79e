/** An error that nobody catches ends the process: too late for a capture, not too late to say so. */
import { errorNames } from '../../trigger/error.ts';
import type { HostSetup } from './setup.ts';
import { firstTime } from '../limits/state.ts';

/**
 * Where errors are watched for: says in the log that the process ends by an uncaught error, and that nothing could be
 * captured, because only synchronous work is possible then. Registered once in a process.
 *
 * `uncaughtExceptionMonitor` is the one listener that changes nothing. A listener for `uncaughtException` or
 * `unhandledRejection` would keep a nodejs24.x process alive that ends without it (aws-lambda-ric 4 has none). In
 * aws-lambda-ric 3, whose own listeners post the error, the monitor hears of exceptions and not of rejections.
 */
export function watchUncaught({ failed, state, environment }: HostSetup): void {
  if (!failed.some(({ name }) => name === 'error') || !firstTime(state, 'uncaught')) return;
  environment.emitter.on('uncaughtExceptionMonitor', (error: unknown, origin: unknown) => {
    environment.log('refused', {
      trigger: 'error',
      limit: 'uncaught',
      name: errorNames(error)[0],
      origin: String(origin),
      error: 'the process ends by an uncaught error; nothing can be captured in it any more',
    });
  });
}
