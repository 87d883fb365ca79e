/** What each process of a sandbox is for. Lambda's init starts the extensions, then the runtime; all else is theirs. */
import type { ObservedProcess, Observer, Role } from '../contracts/evidence.ts';
import { isReader } from '../proc/aside/started.ts';
import type { Unplaced } from './observe-processes.ts';
import { isShell } from './programs.ts';

/**
 * Gives every process its role.
 *
 * - `init`: pid 1 and our own parent.
 * - `runtime`: in process we ourselves; seen from an extension the first child of init whose environment has
 *   `_HANDLER`,
 *   which extensions do not get (RIE rapidcore/env). With an exec wrapper that does not exec: that shell and its first
 *   child.
 * - `amber`: we ourselves, seen from an extension, and the readers that this very process has started.
 * - `extension`: other children of init that are not younger than the runtime. What is younger has been left to init by
 *   a
 *   parent that ended, and is `other`.
 */
export function withRoles(processes: readonly Unplaced[], self: number, by: Observer): ObservedProcess[] {
  const own = processes.find(({ pid }) => pid === self);
  const inits = new Set([1, own?.ppid ?? 1]);
  const siblings = processes
    .filter((one) => inits.has(one.ppid) && !inits.has(one.pid))
    .sort((a, b) => a.startTicks - b.startTicks);
  const runtime = by === 'process' ? own : siblings.find((one) => one.pid !== self && isHandlerProcess(one));
  const below = runtime === undefined || !isShell(runtime.exe) ? undefined : firstChild(processes, runtime);
  const sandbox = own === undefined || own.ppid <= 1 ? processes : ownSandbox(processes, own, by);
  return sandbox.map((one) => ({ ...one, role: roleOf(one) }));

  function roleOf(one: Unplaced): Role {
    if (one.pid === runtime?.pid || one.pid === below?.pid) return 'runtime';
    if (one.pid === self || isReader(one.pid, one.startTicks, one.layout)) return 'amber';
    if (inits.has(one.pid)) return 'init';
    return siblings.includes(one) && (runtime === undefined || one.startTicks <= runtime.startTicks)
      ? 'extension'
      : 'other';
  }
}

/**
 * Where our parent is not pid 1 this is no sandbox of its own but a machine that runs other things as well (a test, an
 * emulator): then only init, its children (in process: none that are younger than we) and theirs are looked at.
 */
function ownSandbox(processes: readonly Unplaced[], own: Unplaced, by: Observer): Unplaced[] {
  const inside = new Set([own.ppid]);
  for (const one of processes.toSorted((a, b) => a.startTicks - b.startTicks)) {
    const isYounger = by === 'process' && one.ppid === own.ppid && one.startTicks > own.startTicks;
    if (inside.has(one.ppid) && !isYounger) inside.add(one.pid);
  }
  return processes.filter(({ pid }) => inside.has(pid));
}

function isHandlerProcess({ env }: Unplaced): boolean {
  return env?.['_HANDLER'] !== undefined || env?.['LAMBDA_TASK_ROOT'] !== undefined;
}

function firstChild(processes: readonly Unplaced[], parent: Unplaced): Unplaced | undefined {
  return processes
    .filter((one) => one.ppid === parent.pid && isHandlerProcess(one))
    .sort((a, b) => a.startTicks - b.startTicks)[0];
}
