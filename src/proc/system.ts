/**
 * Files of /proc that belong to no process, and the socket tables. Sources: proc(5), proc_net(5), proc_sys_kernel(5).
 */
import { latin1 } from './bytes.ts';
import { fieldOf } from './fields.ts';
import { readLink } from './links.ts';
import { readAside, readNow, type ReadRule } from './read.ts';
import type { Session } from './session.ts';
import type { NetTables, ProcRead } from '../contracts/process-table.ts';

const MIB = 1024 * 1024;
const WHOLE: ReadRule = { cap: MIB, whole: true };
const LIST: ReadRule = { cap: MIB, whole: false };
/** 27,000 sockets. */
const SOCKETS: ReadRule = { cap: 4 * MIB, whole: false };

const SYSTEM = ['uptime', 'stat', 'loadavg', 'meminfo', 'version', 'cmdline'] as const;
/** System V objects outlive their processes. proc_sysvipc(5). Absent where the kernel has none. */
const SYSTEM_V = ['sysvipc/shm', 'sysvipc/sem', 'sysvipc/msg'] as const;
/** tcp and tcp6 walk the hash table of the whole kernel, 2 to 5 ms each: they start the two rows. */
const SOCKET_ROWS = [
  ['tcp', 'udp', 'unix'],
  ['tcp6', 'udp6'],
] as const;
/** Short, or only root can make them long. */
const NET_SMALL = ['raw', 'raw6', 'packet', 'dev', 'route', 'ipv6_route', 'arp', 'if_inet6', 'sockstat'] as const;

/** Reads the files of the system. `mounts` is that of this process. */
export function readSystem(session: Session): Map<string, ProcRead> {
  const files = new Map<string, ProcRead>();
  for (const name of SYSTEM) files.set(name, readNow(`${session.root}/${name}`, WHOLE, session.allowance));
  for (const name of SYSTEM_V) {
    const read = readNow(`${session.root}/${name}`, LIST, session.allowance);
    if (read.ok || read.outcome !== 'missing') files.set(name, read);
  }
  files.set('mounts', readNow(`${session.root}/self/mounts`, LIST, session.allowance));
  return files;
}

/** Reads the socket tables that a process sees. Files that this kernel does not have are left out. */
export async function readNet(session: Session, pid: number | 'self'): Promise<NetTables> {
  const dir = `${session.root}/${pid}/net`;
  const files = new Map<string, ProcRead>();
  const keep = (name: string, read: ProcRead): void => {
    if (read.ok || read.outcome !== 'missing') files.set(name, read);
  };
  await Promise.all(
    SOCKET_ROWS.map(async (names) => {
      for (const name of names)
        if (!session.stopped()) keep(name, await readAside(`${dir}/${name}`, SOCKETS, session.allowance));
    }),
  );
  for (const name of NET_SMALL) keep(name, readNow(`${dir}/${name}`, LIST, session.allowance));
  return { namespace: namespaceOf(session, pid), pid, files };
}

/** `net:[4026531840]`, or empty where it cannot be read. */
export function namespaceOf(session: Session, pid: number | 'self'): string {
  try {
    return readLink(`${session.root}/${pid}/ns/net`).target;
  } catch {
    return '';
  }
}

/**
 * Milliseconds since the epoch at which this kernel booted. `btime` is cut to seconds, which puts a process before the
 * file that it was started from. Now less the uptime is good to 10 ms, and is taken unless the two disagree (a recorded
 * tree, a clock that was set).
 */
export function bootTime(system: ReadonlyMap<string, ProcRead>, nowMs: number): number {
  const stat = system.get('stat');
  const uptime = system.get('uptime');
  const btimeMs =
    stat?.ok === true ? Number(fieldOf(latin1(stat.body).replaceAll('btime ', 'btime:'), 'btime')) * 1000 : Number.NaN;
  const exactMs = uptime?.ok === true ? nowMs - Math.round(Number.parseFloat(latin1(uptime.body)) * 1000) : Number.NaN;
  if (Number.isNaN(btimeMs)) return Number.isNaN(exactMs) ? 0 : exactMs;
  return Math.abs(exactMs - btimeMs) < 2000 ? exactMs : btimeMs;
}
