/**
 * Something runs that was not deployed: out of a writable tree, out of memory alone, or out of a file that was deleted.
 */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { before, exeEvidence, isAllowed, makeFinding, named, subjectOf } from './finding.ts';
import { isWritablePlace } from './places.ts';

const TRANSFER = { id: 'T1105', name: 'Ingress Tool Transfer' } as const;

export const stagedExecutable: Detector = {
  name: 'staged-executable',
  description: 'A process runs an executable from /tmp, /dev/shm or a memfd, or one that was deleted.',
  technique: { id: 'T1620', name: 'Reflective Code Loading' },
  kind: 'staged',
  severity: 'critical',
  benign: ['a browser, ffmpeg or a query engine that a package unpacks into /tmp and starts'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    now.processes.flatMap((one): Finding[] => {
      const judged = judge(one, now, baseline);
      if (judged === undefined || one.exe === undefined || isAllowed(policy, 'exe', one.exe)) return [];
      const [severity, what] = judged;
      return [
        makeFinding(stagedExecutable, {
          title: `${named(one)} runs ${what}: ${one.exe}`,
          severity: one.role === 'runtime' ? 'critical' : severity,
          subject: { ...subjectOf(one), path: one.exe },
          evidence: [exeEvidence(one)],
          ...(what === IN_TREE ? { technique: TRANSFER } : {}),
        }),
      ];
    }),
};

const IN_TREE = 'an executable of a writable tree';

function judge(
  one: ObservedProcess,
  { writable }: Observation,
  baseline: Observation,
): readonly [Severity, string] | undefined {
  const { exe } = one;
  if (exe === undefined || one.role === 'init' || one.role === 'amber') return undefined;
  if (exe.startsWith('/memfd:')) return ['high', 'a file that is in memory alone'];
  const inTree = isWritablePlace(exe, writable);
  if (one.exeDeleted) return [inTree ? 'high' : 'medium', 'an executable that was deleted'];
  return inTree ? [before(baseline, one) === undefined ? 'medium' : 'low', IN_TREE] : undefined;
}
