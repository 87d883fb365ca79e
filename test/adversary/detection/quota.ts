/**
 * A share of one processor for a sandbox, as the platform gives one by memory: 128 MB are 7 %
 * (Documentation/admin-guide/cgroup-v1/, scheduler/sched-bwc.rst; cgroup-v2.rst, cpu.max).
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Quota {
  /** Files to which a process writes `0` to join. */
  readonly procs: readonly string[];
  readonly remove: () => Promise<void>;
}

const PERIOD_US = 20_000;

/** Undefined where this machine has none: then the sandbox has a whole processor. */
export function makeQuota(name: string, share: number): Quota | undefined {
  const root = '/sys/fs/cgroup/cpu';
  // In version 2 a group has one folder for everything, and that is the freezer's.
  if (!existsSync(`${root}/cpu.cfs_period_us`)) return undefined;
  const folder = join(root, name);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(Math.round(PERIOD_US * share)));
  } catch {
    return undefined;
  }
  return {
    procs: [join(folder, 'cgroup.procs')],
    remove: async () => {
      for (let turn = 0; turn < 100; turn += 1) {
        try {
          rmdirSync(folder);
          return;
        } catch {
          if (!existsSync(folder)) return;
          await sleep(20); // busy until the last of its processes has been reaped
        }
      }
    },
  };
}
