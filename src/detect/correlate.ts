/**
 * Two kinds of evidence on one subject weigh more than either: a program that was brought along is a package's
 * business, one that was brought along and talks to a stranger is not.
 */
import { reaches } from '../config/detect-policy.ts';
import type { Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { scriptOf } from './programs.ts';

/**
 * Raises findings. Subjects are lines of processes (a process, and its ancestors and descendants that are no part of
 * the platform) and the files that these run. Only findings of `medium` and more count, and of each kind once: two
 * kinds make `high`, three make `critical`. Nothing is raised by more findings of the same kind, however many.
 */
export function correlate(findings: readonly Finding[], now: Observation): readonly Finding[] {
  const lines = linesOf(now.processes);
  const groups = new Map<number, Finding[]>();
  for (const finding of findings) {
    const line = lineOf(finding, now.processes, lines);
    if (line === undefined || !reaches(finding.severity, 'medium')) continue;
    groups.set(line, [...(groups.get(line) ?? []), finding]);
  }
  const raised = new Map<Finding, Finding>();
  for (const group of groups.values()) {
    const kinds = new Set(group.map(({ kind }) => kind)).size;
    if (kinds < 2) continue;
    const severity: Severity = kinds > 2 ? 'critical' : 'high';
    for (const one of group)
      if (!reaches(one.severity, severity)) raised.set(one, { ...one, severity, raisedBy: othersOf(one, group) });
  }
  return findings.map((one) => raised.get(one) ?? one);
}

function othersOf(one: Finding, group: readonly Finding[]): string[] {
  return [...new Set(group.filter(({ kind }) => kind !== one.kind).map(({ detector }) => detector))];
}

/** The topmost ancestor of each process that is no part of the platform, which names its line. */
function linesOf(processes: readonly ObservedProcess[]): Map<number, number> {
  const others = new Map(processes.filter(({ role }) => role === 'other').map((one) => [one.pid, one]));
  const lines = new Map<number, number>();
  for (const one of processes) {
    let top = one.pid;
    // Parents are fewer than processes: a tree that was read while it moved cannot make this turn for ever.
    let steps = processes.length;
    while (steps > 0) {
      steps -= 1;
      const parent = others.get(top)?.ppid;
      if (parent === undefined || !others.has(parent) || parent === top) break;
      top = parent;
    }
    lines.set(one.pid, top);
  }
  return lines;
}

function lineOf(
  { subject }: Finding,
  processes: readonly ObservedProcess[],
  lines: ReadonlyMap<number, number>,
): number | undefined {
  if (subject.pid !== undefined) return lines.get(subject.pid);
  const { path } = subject;
  if (path === undefined) return undefined;
  const user = processes.find((one) => one.exe === path || one.mapped.includes(path) || scriptOf(one) === path);
  return user === undefined ? undefined : lines.get(user.pid);
}
