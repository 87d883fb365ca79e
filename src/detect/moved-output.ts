/** Output of the runtime, from which the platform makes the log, goes elsewhere: nothing is told any more. */
import type { BytePath, Detector, Finding, Observation, ObservedProcess } from '../contracts/evidence.ts';
import { before, makeFinding, named, subjectOf } from './finding.ts';
import { isWritablePlace } from './places.ts';

const OUTPUTS = [1, 2] as const;

export const movedOutput: Detector = {
  name: 'moved-output',
  description: 'Output and error output of the runtime or of an extension are closed, or lead elsewhere than at init.',
  technique: { id: 'T1685', name: 'Disable or Modify Tools' },
  kind: 'hijack',
  severity: 'high',
  benign: ['a library that silences another one by moving one of both for a while, which is medium at most'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation): readonly Finding[] =>
    now.processes.flatMap((one): Finding[] => {
      if (one.role !== 'runtime' && one.role !== 'extension') return [];
      const moved = OUTPUTS.filter((fd) => isMoved(one, fd, now, baseline));
      if (moved.length === 0) return [];
      return [
        makeFinding(movedOutput, {
          title: `${named(one)} says nothing to the platform any more on ${moved.map(nameOf).join(' and ')}`,
          severity: moved.length === OUTPUTS.length ? 'high' : 'medium',
          subject: subjectOf(one),
          part: moved.join(' '),
          evidence: moved.map((fd) => `/proc/${String(one.pid)}/fd/${String(fd)} -> ${targetText(one.stdio?.[fd])}`),
        }),
      ];
    }),
};

/**
 * Where the first look came late, the state at init is not known: then what the platform never gives counts. What was
 * so from the start is the deployment's choice.
 */
function isMoved(one: ObservedProcess, fd: 1 | 2, now: Observation, baseline: Observation): boolean {
  const target = one.stdio?.[fd];
  const then = before(baseline, one)?.stdio?.[fd];
  if (target === undefined) return false;
  if (then !== undefined && then !== target) return !isStream(target) || !isStream(then);
  return now.by === 'process' && one.pid === now.self && isNobodys(target, now);
}

/** One pipe in the place of another: the platform has opened the log anew. */
function isStream(target: BytePath): boolean {
  return /^(?:pipe|socket):/u.test(target);
}

function isNobodys(target: BytePath, { writable }: Observation): boolean {
  return target === '' || target === '/dev/null' || isWritablePlace(target, writable);
}

function targetText(target: BytePath | undefined): string {
  return target === undefined || target === '' ? 'closed' : target;
}

function nameOf(fd: 1 | 2): string {
  return fd === 1 ? 'its output' : 'its error output';
}
