/** The volatile evidence in a few kilobytes, for the log, when no destination took the capture. */
import type { Scene } from '../contracts.ts';
import type { ProcessRecord } from '../proc/table.ts';

const MAX_PROCESSES = 200;
const MAX_TEXT = 400;

/** Not redacted yet. */
export async function volatileSummary(scene: Scene): Promise<Record<string, unknown>> {
  const table = await scene.processes();
  const { processes } = table;
  return {
    captureId: scene.captureId,
    started: new Date(scene.startedMs).toISOString(),
    cause: scene.cause,
    requestId: scene.invocation?.requestId,
    processes: processes.slice(0, MAX_PROCESSES).map(brief),
    processesInAll: processes.length + table.unread,
    vanished: table.vanished.length,
  };
}

function brief(record: ProcessRecord): Record<string, unknown> {
  const open = record.descriptors.filter(({ link }) => link.deleted || !/^(?:socket|pipe):/u.test(link.target));
  return {
    pid: record.pid,
    ppid: record.ppid,
    comm: record.comm,
    start: new Date(record.startMs).toISOString(),
    exe: record.exe === undefined ? undefined : `${record.exe.target}${record.exe.deleted ? ' (deleted)' : ''}`,
    argv: record.argv.slice(0, 32).map((argument) => argument.slice(0, MAX_TEXT)),
    sockets: record.descriptors.filter(({ link }) => link.target.startsWith('socket:')).length,
    open: open.slice(0, 16).map(({ link }) => `${link.target.slice(0, MAX_TEXT)}${link.deleted ? ' (deleted)' : ''}`),
  };
}
