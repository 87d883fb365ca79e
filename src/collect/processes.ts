/** The process table as a responder reads it: who runs what, since when, started by whom, with which rights. */
import type { Collector, JsonEntry, CollectorContext } from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { parseCgroup } from '../proc/cgroup.ts';
import { fieldPicker } from '../proc/fields.ts';
import { parseLimits } from '../proc/limits.ts';
import { executableOf, type Executable } from './executable-hash.ts';
import type { ProcessRecord, ProcessTable, ProcLink } from '../contracts/process-table.ts';

/** Executables without a name are the interesting ones; hashing a runtime of 100 MB would hold up the first segment. */
const MIB = 1024 * 1024;
const NAMELESS = { each: 256 * MIB, left: 512 * MIB } as const;
const NAMED = { each: 16 * MIB, left: 64 * MIB } as const;

/** Processes whose executables are looked at together, while the rows of others are made. */
const AT_ONCE = 8;

/** Fields of status that say what a process may do and whether somebody watches it. proc_pid_status(5). */
const pickStatus = fieldPicker([
  'TracerPid',
  'Groups',
  'NSpid',
  'CapInh',
  'CapPrm',
  'CapEff',
  'CapBnd',
  'CapAmb',
  'NoNewPrivs',
  'Seccomp',
  'VmPeak',
  'VmRSS',
  'VmSwap',
]);

export const processes: Collector = {
  name: 'processes',
  description:
    'Every process: executable with SHA-256, arguments, parent, start, owner, limits, cgroup, namespaces, what ' +
    'could not be read.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<JsonEntry> {
    const table = await context.processes();
    const children = childrenOf(table.processes);
    const rows: unknown[] = [];
    const nameless = { ...NAMELESS };
    const named = { ...NAMED };
    for (let start = 0; start < table.processes.length; start += AT_ONCE) {
      const some = table.processes.slice(start, start + AT_ONCE);
      const found = await Promise.all(
        some.map((record) => executableOf(context, table, record, record.exe?.deleted === true ? nameless : named)),
      );
      some.forEach((record, index) => rows.push(rowOf(record, children.get(record.pid) ?? [], found[index])));
    }
    yield {
      kind: 'json',
      path: 'live_response/processes.json',
      source: context.roots.proc,
      method: 'procfs',
      value: { ...factsOf(table), processes: rows },
    };
  },
};

function factsOf(table: ProcessTable): Record<string, unknown> {
  return {
    taken: new Date(table.takenMs).toISOString(),
    boot: new Date(table.bootMs).toISOString(),
    self: table.self,
    detail: table.detail,
    vanished: table.vanished,
    unreadable: table.unreadable,
    unread: table.unread,
    stopped: table.stopped,
  };
}

function childrenOf(records: readonly ProcessRecord[]): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const { pid, ppid } of records) {
    const siblings = children.get(ppid);
    if (siblings === undefined) children.set(ppid, [pid]);
    else siblings.push(pid);
  }
  return children;
}

function rowOf(
  record: ProcessRecord,
  children: readonly number[],
  executable: Executable | string | undefined,
): Record<string, unknown> {
  return {
    pid: record.pid,
    detail: record.detail,
    ppid: record.ppid,
    children,
    comm: toText(record.comm),
    argv: record.argv.map(toText),
    exe:
      record.exe === undefined
        ? undefined
        : { ...linkOf(record.exe), ...(typeof executable === 'string' ? { reason: executable } : executable) },
    cwd: record.cwd === undefined ? undefined : linkOf(record.cwd),
    root: rootOf(record),
    start: new Date(record.startMs).toISOString(),
    startTicks: record.startTicks,
    state: record.state,
    uid: record.uid,
    gid: record.gid,
    threads: record.threads,
    throughThread: record.throughThread,
    ...statusOf(record),
    limits: limitsOf(record),
    cgroup: cgroupOf(record),
    namespaces: namespacesOf(record),
    descriptors: record.descriptors.length + record.descriptorsUnread,
    confirmed: record.confirmed,
    failures: record.failures,
  };
}

function linkOf(link: ProcLink): { path: string; deleted?: true } {
  return link.deleted ? { path: toText(link.target), deleted: true } : { path: toText(link.target) };
}

function rootOf(record: ProcessRecord): string | undefined {
  const root = record.links.get('root');
  return root === undefined ? undefined : toText(root.target);
}

function statusOf(record: ProcessRecord): Record<string, string> {
  const status = record.files.get('status');
  return status?.ok === true ? pickStatus(status.body) : {};
}

function limitsOf(record: ProcessRecord): Record<string, unknown> | undefined {
  const read = record.files.get('limits');
  if (read?.ok !== true) return undefined;
  return Object.fromEntries(parseLimits(read.body).map(({ name, soft, hard, unit }) => [name, { soft, hard, unit }]));
}

function cgroupOf(record: ProcessRecord): string[] | undefined {
  const read = record.files.get('cgroup');
  if (read?.ok !== true) return undefined;
  return parseCgroup(read.body).map(
    ({ hierarchy, controllers, path }) => `${hierarchy}:${controllers.join(',')}:${toText(path)}`,
  );
}

function namespacesOf(record: ProcessRecord): Record<string, string> {
  const links = [...record.links].filter(([name]) => name.startsWith('ns/'));
  return Object.fromEntries(links.map(([name, { target }]) => [name.slice(3), target]));
}
