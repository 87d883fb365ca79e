/**
 * Freezes a sandbox between invocations as the platform does: every process of it, and none of them can tell (a control
 * group; SIGSTOP would be seen by parents). Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Freezer {
  /** Files to which a process writes `0` to join. */
  readonly procs: readonly string[];
  /** Resolves when everything stands still, or after a second. */
  readonly freeze: () => Promise<void>;
  readonly thaw: () => void;
  readonly remove: () => Promise<void>;
}

/** Undefined where this machine has none: then a sandbox runs on between its invocations. */
export function makeFreezer(name: string): Freezer | undefined {
  const isFirst = existsSync('/sys/fs/cgroup/freezer');
  const folder = join(isFirst ? '/sys/fs/cgroup/freezer' : '/sys/fs/cgroup', name);
  const file = join(folder, isFirst ? 'freezer.state' : 'cgroup.freeze');
  try {
    mkdirSync(folder, { recursive: true });
    readFileSync(file);
  } catch {
    return undefined;
  }
  const write = (frozen: boolean): void =>
    writeFileSync(file, isFirst ? (frozen ? 'FROZEN' : 'THAWED') : frozen ? '1' : '0');
  const stands = (): boolean =>
    isFirst
      ? readFileSync(file, 'utf8').trim() === 'FROZEN'
      : readFileSync(join(folder, 'cgroup.events'), 'utf8').includes('frozen 1');
  return {
    procs: [join(folder, 'cgroup.procs')],
    freeze: async () => {
      write(true);
      for (let turn = 0; turn < 100 && !stands(); turn += 1) await sleep(10);
    },
    thaw: () => write(false),
    remove: async () => {
      write(false);
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
