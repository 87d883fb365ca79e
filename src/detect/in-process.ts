/** The anomaly monitor of a wrapped function: loaded by its host when something has moved, and not before. */
import { defined } from '../defined.ts';
import { newsOf, ownFactsOf, type OwnRecords } from './own.ts';
import { openMonitor, type InitFacts, type AnomalyMonitor, type MonitorOptions } from './anomaly-monitor.ts';

/** Opens it with what the host has noted since init. */
export function openInProcess(
  options: Pick<MonitorOptions, 'roots' | 'policy'>,
  records: OwnRecords,
  init: InitFacts,
): AnomalyMonitor {
  const own = ownFactsOf(records);
  return openMonitor({ ...options, by: 'process', own, ...defined({ recorded: newsOf(records) }), init });
}
