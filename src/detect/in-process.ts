/** The sentry of a wrapped function: loaded by its host when something has moved, and not before. */
import { ownFactsOf, type OwnRecords } from './own.ts';
import { openSentry, type InitFacts, type Sentry, type SentryOptions } from './anomaly-monitor.ts';

/** Opens it with what the host has noted since init. */
export function openInProcess(options: Pick<SentryOptions, 'roots' | 'policy'>, records: OwnRecords, init: InitFacts): Sentry {
  return openSentry({ ...options, by: 'process', own: ownFactsOf(records), init });
}
