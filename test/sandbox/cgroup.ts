/** Limits on memory and CPU for one sandbox, by control groups of either version. Needs root. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GroupLimits {
  readonly memoryBytes: number;
  /** Part of one core; undefined: no limit. */
  readonly cores?: number | undefined;
}

export interface Group {
  /** Files to which a process writes `0` to join. */
  readonly procs: readonly string[];
  /** Bytes charged now, without the page cache. */
  readonly anonymousBytes: () => number;
  readonly peakBytes: () => number;
  readonly oomKilled: () => boolean;
  readonly cpuMs: () => number;
  readonly remove: () => void;
}

const ROOT = '/sys/fs/cgroup';
/** Lambda's scheduler period is not documented; 20 ms is what measurements of its throttling show. */
const PERIOD_US = 20_000;

/** Makes a group, or gives undefined where this machine does not let us. */
export function makeGroup(name: string, limits: GroupLimits): Group | undefined {
  try {
    const controllers = join(ROOT, 'cgroup.controllers');
    if (existsSync(controllers))
      return /\bmemory\b/u.test(readFileSync(controllers, 'utf8')) ? version2(name, limits) : undefined;
    return existsSync(join(ROOT, 'memory')) ? version1(name, limits) : undefined;
  } catch {
    return undefined;
  }
}

/** A hierarchy for each controller: Documentation/admin-guide/cgroup-v1/memory.rst. */
function version1(name: string, { memoryBytes, cores }: GroupLimits): Group {
  const [memory, cpu, account] = ['memory', 'cpu', 'cpuacct'].map((controller) => join(ROOT, controller, name)) as [
    string,
    string,
    string,
  ];
  const folders = [...new Set([memory, cpu, account])];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  set(memory, 'memory.limit_in_bytes', memoryBytes);
  if (existsSync(join(memory, 'memory.memsw.limit_in_bytes'))) set(memory, 'memory.memsw.limit_in_bytes', memoryBytes);
  if (cores !== undefined) {
    // Its quota is all that the sandbox gets, and it gets it before what else runs here.
    set(cpu, 'cpu.shares', 262_144);
    set(cpu, 'cpu.cfs_period_us', PERIOD_US);
    set(cpu, 'cpu.cfs_quota_us', Math.max(1000, Math.round(cores * PERIOD_US)));
  }
  return {
    procs: folders.map((folder) => join(folder, 'cgroup.procs')),
    anonymousBytes: () => field(memory, 'memory.stat', 'total_rss'),
    peakBytes: () => Number(get(memory, 'memory.max_usage_in_bytes')),
    oomKilled: () => field(memory, 'memory.oom_control', 'oom_kill') > 0,
    cpuMs: () => Number(get(account, 'cpuacct.usage')) / 1e6,
    remove: () => folders.forEach(removeFolder),
  };
}

/** One hierarchy: Documentation/admin-guide/cgroup-v2.rst. */
function version2(name: string, { memoryBytes, cores }: GroupLimits): Group {
  writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+memory +cpu');
  const folder = join(ROOT, name);
  mkdirSync(folder, { recursive: true });
  set(folder, 'memory.max', memoryBytes);
  if (existsSync(join(folder, 'memory.swap.max'))) set(folder, 'memory.swap.max', 0);
  if (cores !== undefined) {
    set(folder, 'cpu.weight', 10_000);
    writeFileSync(join(folder, 'cpu.max'), `${Math.max(1000, Math.round(cores * PERIOD_US))} ${PERIOD_US}`);
  }
  return {
    procs: [join(folder, 'cgroup.procs')],
    anonymousBytes: () => field(folder, 'memory.stat', 'anon'),
    peakBytes: () => (existsSync(join(folder, 'memory.peak')) ? Number(get(folder, 'memory.peak')) : Number.NaN),
    oomKilled: () => field(folder, 'memory.events', 'oom_kill') > 0,
    cpuMs: () => field(folder, 'cpu.stat', 'usage_usec') / 1000,
    remove: () => removeFolder(folder),
  };
}

function set(folder: string, file: string, value: number): void {
  writeFileSync(join(folder, file), String(value));
}

function get(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8').trim();
}

function field(folder: string, file: string, key: string): number {
  const line = get(folder, file)
    .split('\n')
    .find((one) => one.startsWith(`${key} `));
  return Number(line?.slice(key.length + 1) ?? Number.NaN);
}

/** A group is busy until the last of its processes has been reaped. */
function removeFolder(folder: string): void {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    try {
      rmdirSync(folder);
      return;
    } catch {
      if (!existsSync(folder)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
