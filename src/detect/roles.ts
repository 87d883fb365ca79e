/** What each process of a sandbox is for. Lambda's init starts the extensions, then the runtime; all else is theirs. */
import type { ObservedProcess, Observer, Role } from '../contracts.ts';
import type { Unplaced } from './observe-processes.ts';
import { isShell } from './programs.ts';

/**
 * Gives every process its role.
 *
 * - `init`: pid 1 and our own parent.
 * - `runtime`: in process we ourselves; seen from an extension the first child of init whose environment has `_HANDLER`,
 *   which extensions do not get (RIE rapidcore/env). With an exec wrapper that does not exec: that shell and its first child.
 * - `extension`: other children of init that are not younger than the runtime. What is younger has been left to init by a
 *   parent that ended, and is `other`.
 */
export function withRoles(processes: readonly Unplaced[], self: number, by: Observer): ObservedProcess[] {
  const own = processes.find(({ pid }) => pid === self);
  const inits = new Set([1, own?.ppid ?? 1]);
  const siblings = processes.filter((one) => inits.has(one.ppid) && !inits.has(one.pid)).sort((a, b) => a.startTicks - b.startTicks);
  const runtime = by === 'process' ? own : siblings.find((one) => one.pid !== self && isHandlerProcess(one));
  const below = runtime === undefined || !isShell(runtime.exe) ? undefined : firstChild(processes, runtime);
  return processes.map((one) => ({ ...one, role: roleOf(one) }));

  function roleOf(one: Unplaced): Role {
    if (one.pid === runtime?.pid || one.pid === below?.pid) return 'runtime';
    if (one.pid === self) return 'amber';
    if (inits.has(one.pid)) return 'init';
    return siblings.includes(one) && (runtime === undefined || one.startTicks <= runtime.startTicks) ? 'extension' : 'other';
  }
}

function isHandlerProcess({ env }: Unplaced): boolean {
  return env?.['_HANDLER'] !== undefined || env?.['LAMBDA_TASK_ROOT'] !== undefined;
}

function firstChild(processes: readonly Unplaced[], parent: Unplaced): Unplaced | undefined {
  return processes.filter((one) => one.ppid === parent.pid && isHandlerProcess(one)).sort((a, b) => a.startTicks - b.startTicks)[0];
}
