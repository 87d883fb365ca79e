/** /proc/PID/cgroup and the cgroup mounts of mountinfo. Sources: cgroups(7), proc_pid_mountinfo(5). */
import type { BytePath } from '../contracts/evidence.ts';
import { latin1 } from './bytes.ts';
import { unescapeMount } from './mounts.ts';

export interface ControlGroup {
  /** 0 is the unified hierarchy (version 2). */
  readonly hierarchy: number;
  /** `memory`, `cpu,cpuacct`, `name=systemd`; empty in version 2. */
  readonly controllers: readonly string[];
  readonly path: BytePath;
}

/** `hierarchy:controllers:path` lines. A path may hold colons. */
export function parseCgroup(body: Uint8Array): ControlGroup[] {
  const groups: ControlGroup[] = [];
  for (const line of latin1(body).split('\n')) {
    const match = /^(\d+):([^:]*):(.*)$/su.exec(line);
    if (match === null) continue;
    const [, hierarchy = '', controllers = '', path = ''] = match;
    groups.push({ hierarchy: Number(hierarchy), controllers: controllers === '' ? [] : controllers.split(','), path });
  }
  return groups;
}

/** A cgroup file system that is mounted. */
export interface CgroupMount {
  readonly version: 1 | 2;
  /** The group that stands at the mount point; `/` where the whole hierarchy is mounted. */
  readonly root: BytePath;
  readonly mountPoint: BytePath;
  /** Controllers of a version 1 mount, out of its super options. */
  readonly options: readonly string[];
}

/** The cgroup mounts out of a mountinfo file. */
export function parseCgroupMounts(body: Uint8Array): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of latin1(body).split('\n')) {
    // 36 35 98:0 /root /mount/point options optional… - type source superoptions
    const [left = '', right = ''] = line.split(' - ', 2);
    const [type = '', , superOptions = ''] = right.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const [, , , root = '/', mountPoint = '/'] = left.split(' ');
    mounts.push({
      version: type === 'cgroup2' ? 2 : 1,
      root: unescapeMount(root),
      mountPoint: unescapeMount(mountPoint),
      options: superOptions.split(','),
    });
  }
  return mounts;
}
