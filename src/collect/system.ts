/**
 * The machine under the function: kernel, mounts, limits, network interfaces, and the few files of /etc that name it.
 */
import { closeSync, fstatSync, readSync, statfsSync, type BigIntStats } from 'node:fs';
import * as os from 'node:os';
import type { AbsentEntry, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { descriptorPath } from '../fs/open.ts';
import { openLocal, reach } from '../fs/resolve.ts';
import { factsOf } from '../fs/volume.ts';
import { latin1 } from '../proc/bytes.ts';
import type { MountBook } from '../proc/mount-book.ts';
import { failure, readNow } from '../proc/read.ts';
import { attributesLine } from './beyond-reach.ts';
import { groundsOf } from './grounds.ts';
import { cgroupLimits } from './system-cgroup.ts';
import type { ProcRead, ProcessTable } from '../contracts/process-table.ts';
import { many } from '../many.ts';

const ETC = [
  'os-release',
  'system-release',
  'hostname',
  'hosts',
  'resolv.conf',
  'nsswitch.conf',
  'passwd',
  'group',
  'ld.so.preload',
  'ld.so.conf',
];
const ETC_BYTES = 256 * 1024;

/**
 * What makes an attack easier or harder: proc_sys_kernel(5), proc_sys_fs(5), proc_sys_vm(5). Absent: not in this
 * kernel.
 */
const HARDENING: readonly string[] = [
  'kernel/yama/ptrace_scope',
  'kernel/randomize_va_space',
  'kernel/kptr_restrict',
  'kernel/dmesg_restrict',
  'kernel/perf_event_paranoid',
  'kernel/unprivileged_bpf_disabled',
  'kernel/modules_disabled',
  'kernel/kexec_load_disabled',
  'kernel/core_pattern',
  'kernel/tainted',
  'kernel/seccomp/actions_avail',
  'kernel/unprivileged_userns_clone',
  'user/max_user_namespaces',
  'vm/unprivileged_userfaultfd',
  'vm/mmap_min_addr',
  'vm/overcommit_memory',
  'fs/protected_symlinks',
  'fs/protected_hardlinks',
  'fs/protected_fifos',
  'fs/protected_regular',
  'fs/suid_dumpable',
];

export const system: Collector = {
  name: 'system',
  description:
    'Kernel, hardening settings, mounts, cgroup limits, file systems, interfaces; os-release, hosts, ' +
    'resolv.conf, passwd.',
  tier: 'files',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const table = await context.processes();
    const { proc, etc } = context.roots;
    let groupsLeft = 0;
    const cgroup = cgroupLimits(proc, undefined, (count) => (groupsLeft = count));
    yield {
      kind: 'json',
      path: 'live_response/system.json',
      source: proc,
      method: 'procfs',
      value: { ...machineOf(table, context), cgroup, ...surroundingsOf(table, context) },
    };
    if (groupsLeft > 0)
      yield {
        kind: 'absent',
        path: 'cgroups-beyond-the-limit',
        source: `${proc}/self/cgroup`,
        method: 'procfs',
        outcome: 'skipped',
        reason:
          `${many(groupsLeft, 'more control group')} of this process ${groupsLeft === 1 ? 'was' : 'were'} ` +
          `not looked at`,
      };
    yield attributesLine(context);
    for (const name of ETC) yield etcFile(`${etc}/${name}`, `[root]/etc/${name}`, groundsOf(context));
  },
};

function machineOf(table: ProcessTable, { roots }: CollectorContext): object {
  return {
    kernel: {
      release: os.release(),
      version: textOf(table.system.get('version')),
      machine: os.machine(),
      hostname: os.hostname(),
      bootMs: table.bootMs,
    },
    hardening: valuesOf(HARDENING, `${roots.proc}/sys`),
    cpu: {
      count: os.cpus().length,
      model: os.cpus()[0]?.model,
      available: os.availableParallelism(),
      load: os.loadavg(),
    },
    memory: {
      total: os.totalmem(),
      free: os.freemem(),
      available: process.availableMemory(),
      limit: process.constrainedMemory(),
    },
  };
}

function surroundingsOf(table: ProcessTable, context: CollectorContext): object {
  const places = ['/', ...context.roots.writable];
  return {
    mounts: mountsOf(table),
    filesystems: Object.fromEntries(places.map((path) => [path, spaceOf(path, groundsOf(context))])),
    network: os.networkInterfaces(),
    user: {
      uid: process.getuid?.(),
      euid: process.geteuid?.(),
      gid: process.getgid?.(),
      groups: process.getgroups?.(),
    },
  };
}

/** Links are followed: /etc/os-release is one in most images, and the function cannot write there. */
function etcFile(path: string, name: string, book: MountBook): Entry {
  const common = { path: name, source: path, method: 'openat' };
  let fd: number;
  try {
    const opened = openLocal(path, book);
    if (typeof opened !== 'number')
      return { kind: 'absent', ...common, outcome: 'skipped', reason: `not opened: ${opened.reason ?? ''}` };
    fd = opened;
  } catch (error) {
    const { outcome, reason } = failure(error);
    return { kind: 'absent', ...common, outcome, reason };
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    return stat.isFile()
      ? { kind: 'bytes', ...common, redaction: 'text', stat, ...bodyOf(fd, stat) }
      : notAFile(common, stat);
  } catch (error) {
    const { outcome, reason } = failure(error);
    return { kind: 'absent', ...common, outcome, reason };
  } finally {
    closeSync(fd);
  }
}

function bodyOf(fd: number, stat: BigIntStats): { body: Uint8Array; outcome?: 'truncated'; reason?: string } {
  const buffer = Buffer.alloc(Math.min(ETC_BYTES, Number(stat.size)));
  const body = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0));
  return stat.size > BigInt(ETC_BYTES)
    ? { body, outcome: 'truncated', reason: `first ${ETC_BYTES} of ${many(Number(stat.size), 'byte')}` }
    : { body };
}

function notAFile(common: { path: string; source: string; method: string }, stat: BigIntStats): AbsentEntry {
  return { kind: 'absent', ...common, outcome: 'skipped', byDesign: 'no-content', reason: 'not a regular file', stat };
}

function valuesOf(names: readonly string[], directory: string): Record<string, string | undefined> {
  return Object.fromEntries(
    names.map((name) => {
      const read = readNow(`${directory}/${name}`, { cap: 4096, whole: true }, { left: 4096 });
      return [name, read.ok ? latin1(read.body).trim() : undefined];
    }),
  );
}

function textOf(read: ProcRead | undefined): string | undefined {
  return read?.ok === true ? latin1(read.body).trim() : undefined;
}

/** proc_mounts(5): device, directory, type, options; blanks in names are written as octal. */
function mountsOf(table: ProcessTable): unknown[] {
  return (textOf(table.system.get('mounts')) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [device, directory, type, options = ''] = line.split(' ');
      return { device, directory, type, options: options.split(',') };
    });
}

function spaceOf(path: string, book: MountBook): unknown {
  try {
    const reached = reach(path, book);
    if (!('fd' in reached)) return { error: `not asked: ${reached.reason ?? ''}` };
    try {
      return factsOf(statfsSync(descriptorPath(reached.fd), { bigint: true }));
    } finally {
      closeSync(reached.fd);
    }
  } catch (error) {
    return { error: failure(error).reason };
  }
}
