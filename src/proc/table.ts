/** Where a process of the table can be read again. */
import type { ProcessRecord } from '../contracts/process-table.ts';

/** The folder under which a process can be read again: `/proc/PID`, or that of its living thread. */
export function processDir(root: string, record: Pick<ProcessRecord, 'pid' | 'throughThread'>): string {
  return record.throughThread === undefined
    ? `${root}/${record.pid}`
    : `${root}/${record.pid}/task/${record.throughThread}`;
}
