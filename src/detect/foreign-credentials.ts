/** A file holds an access key of somebody else: loot, or the way on to another account. */
import type { Detector, DetectPolicy, Finding, Observation } from '../contracts/evidence.ts';
import { firstOf, isAllowed, isNewFile, makeFinding } from './finding.ts';
import { many } from '../many.ts';

const MAX = 16;

export const foreignCredentials: Detector = {
  name: 'foreign-credentials',
  description: "The first bytes of a file in /tmp hold an AWS access key id that is not the function's.",
  technique: { id: 'T1552.001', name: 'Credentials In Files' },
  kind: 'access',
  severity: 'medium',
  benign: [
    'caches of credentials of a role that the function assumes',
    'credentials that the platform has renewed since they were written',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => {
    const own = new Set([...keysOf(now), ...keysOf(baseline)]);
    return firstOf(
      now.files.flatMap((file): Finding[] => {
        const strange = (file.accessKeys ?? []).filter((id) => !own.has(id));
        const { moreAccessKeys: more = 0 } = file;
        if (strange.length + more === 0 || isAllowed(policy, 'file', file.path)) return [];
        return [
          makeFinding(foreignCredentials, {
            title:
              strange.length > 0
                ? `${file.path} holds the access key ${strange.join(', ')}`
                : `${file.path} holds ${many(more, 'access key')} more than were compared`,
            severity: strange.length > 0 && isNewFile(file, baseline) ? 'medium' : 'low',
            subject: { path: file.path },
            evidence: [
              ...strange.map((id) => `${file.path}: ${id}`),
              ...(more === 0 ? [] : [`${file.path}: ${String(more)} further access key ids, which were not compared`]),
            ],
          }),
        ];
      }),
      MAX,
    );
  },
};

function keysOf({ processes, own }: Observation): string[] {
  return [...processes.map(({ env }) => env?.['AWS_ACCESS_KEY_ID']), own?.env['AWS_ACCESS_KEY_ID']].filter(
    (id) => id !== undefined,
  );
}
