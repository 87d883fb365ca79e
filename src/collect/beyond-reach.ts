/** What is there and cannot be read without native code: a line for each, so that nobody takes it for nothing. */
import type { AbsentEntry, CollectorContext } from '../contracts/evidence.ts';
import { latin1 } from '../proc/bytes.ts';
import type { ProcessRecord, ProcessTable } from '../contracts/process-table.ts';
import { many } from '../many.ts';

/** Lines of each kind; the others are counted in the last one. */
const MAX_LINES = 256;

/** System V memory that nobody has attached: attaching it takes shmat(2), for which Node has no call. */
export function* detachedMemory(table: ProcessTable, proc: string): Generator<AbsentEntry> {
  const read = table.system.get('sysvipc/shm');
  if (read?.ok !== true) return;
  const source = `${proc}/sysvipc/shm`;
  // key shmid perms size cpid lpid nattch uid gid …: proc_sysvipc(5)
  const rows = latin1(read.body)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/ +/u))
    .filter((row) => row.length > 9 && row[6] === '0');
  for (const [key, id, perms, size, creator, last, , uid] of rows.slice(0, MAX_LINES)) {
    yield {
      kind: 'absent',
      path: `recovered/sysv-${id ?? ''}`,
      source,
      method: 'procfs',
      outcome: 'skipped',
      reason:
        `System V memory of ${many(Number(size), 'byte')} that no process has attached: Node has no call ` +
        `to attach it`,
      notes: () => ({ key, perms, creator, last, uid }),
    };
  }
  if (rows.length > MAX_LINES)
    yield {
      kind: 'absent',
      path: 'recovered/sysv',
      source,
      method: 'procfs',
      outcome: 'skipped',
      reason: `${many(rows.length - MAX_LINES, 'more segment')} of System V memory that no process has attached`,
    };
}

/**
 * Descriptors that were sent over a socket and not received: no process has them, only the queue (unix(7), SCM_RIGHTS).
 */
export function* queuedDescriptors({ pid, descriptors }: ProcessRecord, proc: string): Generator<AbsentEntry> {
  for (const { fd, details = [] } of descriptors) {
    const count = details.map((line) => /^scm_fds: ([1-9]\d*)$/u.exec(line)?.[1]).find((found) => found !== undefined);
    if (count === undefined) continue;
    yield {
      kind: 'absent',
      path: `recovered/${pid}/fd-${fd}-queue`,
      source: `${proc}/${pid}/fdinfo/${fd}`,
      method: 'procfs',
      outcome: 'skipped',
      reason:
        `${many(Number(count), 'descriptor waits', 'descriptors wait')} in the queue of this socket: no process ` +
        `has them, and what they lead to cannot ` +
        'be reached',
    };
  }
}

/**
 * Of many processes most are read without the fdinfo of their sockets: whether anything waits in those queues is not
 * known.
 */
export function* unaskedQueues({ processes }: ProcessTable, proc: string): Generator<AbsentEntry> {
  const counts = processes
    .filter(({ detail }) => detail === 'core')
    .map(({ descriptors }) => descriptors.filter(({ link }) => link.target.startsWith('socket:')).length)
    .filter((count) => count > 0);
  if (counts.length === 0) return;
  const sockets = counts.reduce((sum, count) => sum + count, 0);
  yield {
    kind: 'absent',
    path: 'recovered/queues-beyond-the-limit',
    source: `${proc}/*/fdinfo`,
    method: 'procfs',
    outcome: 'skipped',
    reason:
      `${many(sockets, 'socket')} of ${many(counts.length, 'process', 'processes')} ` +
      `${sockets === 1 ? 'was' : 'were'} not asked for descriptors in their queues: there are ` +
      'too many processes to read each in full',
  };
}

/** Said once in a capture: whether there are any is not known either. */
export function attributesLine({ roots }: CollectorContext): AbsentEntry {
  return {
    kind: 'absent',
    path: 'extended-attributes',
    source: roots.writable.join(' '),
    method: 'api',
    outcome: 'skipped',
    byDesign: 'never-read',
    reason:
      'extended attributes (user.*, security.capability, POSIX ACLs) were not looked at: Node has no call that ' +
      'reads them',
  };
}
