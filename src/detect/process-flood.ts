/** A program that starts itself, and so do its children: what was one becomes as many as the sandbox takes. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess } from '../contracts/evidence.ts';
import { isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { many } from '../many.ts';

/** Workers stand beside one another, two deep at most. */
const MIN_PROCESSES = 16;
const MIN_DEPTH = 3;
const EVIDENCE = 6;

export const processFlood: Detector = {
  name: 'process-flood',
  description: 'A program has started copies of itself, which have started copies of themselves, many of them.',
  technique: { id: 'T1499.001', name: 'OS Exhaustion Flood' },
  kind: 'impact',
  severity: 'high',
  benign: ['a build that calls itself for each of its folders (make): allow:exe=…'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => {
    const groups = Map.groupBy(
      newcomers(now, baseline).filter(({ exe }) => exe !== undefined && !isAllowed(policy, 'exe', exe)),
      ({ exe, argv }) => [exe, ...argv].join('\0'),
    );
    return [...groups.values()].flatMap((group): Finding[] => {
      const depth = depthOf(group);
      const [first] = group.toSorted((a, b) => a.startTicks - b.startTicks);
      if (first === undefined || group.length < MIN_PROCESSES || depth < MIN_DEPTH) return [];
      return [
        makeFinding(processFlood, {
          title: `${named(first)} is there ${many(group.length, 'time')}, ${String(depth)} deep`,
          severity: 'high',
          subject: { ...subjectOf(first), ...(first.exe === undefined ? {} : { path: first.exe }) },
          evidence: group.slice(0, EVIDENCE).map(({ pid, ppid }) => `pid ${String(pid)}, parent pid ${String(ppid)}`),
        }),
      ];
    });
  },
};

/** The longest line of parents within a group. */
function depthOf(group: readonly ObservedProcess[]): number {
  const parents = new Map(group.map(({ pid, ppid }) => [pid, ppid]));
  let deepest = 0;
  for (const { pid } of group) {
    let depth = 1;
    let parent = parents.get(pid);
    // A tree that was read while it moved cannot make this turn for ever.
    while (parent !== undefined && parents.has(parent) && depth < group.length) {
      depth += 1;
      parent = parents.get(parent);
    }
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
