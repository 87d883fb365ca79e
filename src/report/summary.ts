/** The volatile evidence in a few kilobytes, for the log, when no destination took the capture. */
import type { Budget, CollectorContext } from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { inetSockets } from '../proc/net.ts';
import type { ProcessRecord, ProcessTable } from '../contracts/process-table.ts';

const MAX_PROCESSES = 200;
const MAX_SOCKETS = 200;
const MAX_TEXT = 400;
/** Sockets between two looks at the clock. */
const BATCH = 64;

/** Not redacted yet. */
export async function volatileSummary(context: CollectorContext): Promise<Record<string, unknown>> {
  const table = await context.processes();
  const { processes } = table;
  return {
    captureId: context.captureId,
    started: new Date(context.startedMs).toISOString(),
    cause: context.cause,
    requestId: context.invocation?.requestId,
    processes: processes.slice(0, MAX_PROCESSES).map(brief),
    processesInAll: processes.length + table.unread,
    vanished: table.vanished.length,
    inet: await heldSockets(table, context.budget),
  };
}

interface Owner {
  readonly pid: number;
  readonly fd: number;
  readonly comm: string;
}

/**
 * Internet sockets that a process holds, as sockets.json has them: what a sandbox talks to is seldom more than a few.
 */
async function heldSockets(table: ProcessTable, { yieldIfDue }: Budget): Promise<readonly object[]> {
  const owners = new Map<string, Owner>();
  for (const { pid, comm, descriptors } of table.processes) {
    await yieldIfDue();
    for (const { fd, inode, link } of descriptors) {
      if (inode !== undefined && link.target.startsWith('socket:') && !owners.has(inode))
        owners.set(inode, { pid, fd, comm: toText(comm) });
    }
  }
  const rows: object[] = [];
  for (const { files } of (await table.sockets).namespaces) {
    for (const [protocol, read] of files) {
      if (!read.ok || protocol === 'unix') continue;
      let seen = 0;
      for (const { inode, state, local, remote } of inetSockets(read.body, protocol)) {
        seen += 1;
        if (seen % BATCH === 0) await yieldIfDue();
        const owner = owners.get(inode);
        if (owner !== undefined && rows.length < MAX_SOCKETS)
          rows.push({ protocol, state, local, remote, owners: [owner] });
      }
    }
  }
  return rows;
}

function brief(record: ProcessRecord): Record<string, unknown> {
  const open = record.descriptors.filter(
    ({ link }) => link.deleted || !/^(?:socket:|pipe:|anon_inode:)/u.test(link.target),
  );
  return {
    pid: record.pid,
    ppid: record.ppid,
    uid: record.uid,
    comm: record.comm,
    start: new Date(record.startMs).toISOString(),
    exe: record.exe === undefined ? undefined : `${record.exe.target}${record.exe.deleted ? ' (deleted)' : ''}`,
    argv: record.argv.slice(0, 32).map((argument) => argument.slice(0, MAX_TEXT)),
    sockets: record.descriptors.filter(({ link }) => link.target.startsWith('socket:')).length,
    open: open.slice(0, 16).map(({ link }) => `${link.target.slice(0, MAX_TEXT)}${link.deleted ? ' (deleted)' : ''}`),
  };
}
