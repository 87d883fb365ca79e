/** Limits and use of our control group: the memory, the CPU and the processes that the sandbox may have. */
import { readdirSync } from 'node:fs';
import { latin1 } from '../proc/bytes.ts';
import { parseCgroup, parseCgroupMounts, type CgroupMount } from '../proc/cgroup.ts';
import { readNow } from '../proc/read.ts';

/** Files of both versions: cgroups(7), the kernel's Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst. */
const FILES: readonly string[] = [
  'memory.max',
  'memory.high',
  'memory.current',
  'memory.peak',
  'memory.swap.max',
  'memory.events',
  'cpu.max',
  'cpu.stat',
  'pids.max',
  'pids.current',
  'memory.limit_in_bytes',
  'memory.usage_in_bytes',
  'memory.max_usage_in_bytes',
  'memory.failcnt',
  'memory.oom_control',
  'cpu.cfs_quota_us',
  'cpu.cfs_period_us',
  'cpu.shares',
  'cpuset.cpus',
];

/** Hierarchies of version 1: as many as there are controllers, and a process that may mount can make named ones. */
const MAX_GROUPS = 32;

/**
 * Values by `directory/file`, as text; files that a version or a controller does not have are left out. `left` is told
 * how many groups were not read.
 */
export function cgroupLimits(
  proc: string,
  names: readonly string[] = FILES,
  left: (count: number) => void = () => undefined,
): Readonly<Record<string, string>> {
  const groups = readNow(`${proc}/self/cgroup`, { cap: 64 * 1024, whole: false }, { left: 64 * 1024 });
  const mounts = readNow(`${proc}/self/mountinfo`, { cap: 1024 * 1024, whole: false }, { left: 1024 * 1024 });
  if (!groups.ok || !mounts.ok) return {};
  const values: Record<string, string> = {};
  const table = parseCgroupMounts(mounts.body);
  const all = parseCgroup(groups.body);
  left(Math.max(0, all.length - MAX_GROUPS));
  for (const group of all.slice(0, MAX_GROUPS)) {
    const mount = table.find((one) => serves(one, group.hierarchy, group.controllers));
    if (mount === undefined) continue;
    const directory = directoryOf(mount, group.path);
    const present = listed(directory);
    for (const name of names) {
      if (!present.has(name) || (mount.version === 1 && !group.controllers.includes(name.split('.', 1)[0] ?? '')))
        continue;
      const read = readNow(`${directory}/${name}`, { cap: 4096, whole: true }, { left: 4096 });
      if (read.ok) values[`${directory}/${name}`] = latin1(read.body).trim();
    }
  }
  return values;
}

/** One listing is cheaper than a failed open for each name of the other version. */
function listed(directory: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(directory));
  } catch {
    return new Set();
  }
}

function serves(mount: CgroupMount, hierarchy: number, controllers: readonly string[]): boolean {
  if (hierarchy === 0) return mount.version === 2;
  return (
    mount.version === 1 &&
    controllers.length > 0 &&
    controllers.every((controller) => mount.options.includes(controller))
  );
}

/** A container sees its own group at the mount point: then the path outside leads nowhere in here. */
function directoryOf(mount: CgroupMount, path: string): string {
  const below =
    path === mount.root
      ? ''
      : mount.root === '/'
        ? path
        : path.startsWith(`${mount.root}/`)
          ? path.slice(mount.root.length)
          : '';
  const directory = mount.mountPoint + (below === '/' || below.includes('/../') || below.endsWith('/..') ? '' : below);
  return directory.replace(/\/$/u, '');
}
