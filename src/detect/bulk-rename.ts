/** Files of a writable tree have become unreadable one after another, and bear a further suffix: ransomware. */
import type { BytePath, Detector, DetectPolicy, Finding, Observation, ObservedFile } from '../contracts/evidence.ts';
import { isAllowed, isNewFile, makeFinding } from './finding.ts';
import { many } from '../many.ts';

/** As many files, of as many kinds: a job of the function makes many of one kind. */
const MIN_FILES = 10;
const MIN_KINDS = 3;
const TWO_SUFFIXES = /^(?<original>.+\.(?<kind>[A-Za-z][\w-]{0,7}))\.(?<suffix>[\w-]{1,16})$/su;

export const bulkRename: Detector = {
  name: 'bulk-rename',
  description:
    'Many files of several kinds have lost their content and got one further suffix, and the originals are gone.',
  technique: { id: 'T1486', name: 'Data Encrypted for Impact' },
  kind: 'impact',
  severity: 'high',
  benign: ['functions that encrypt or pack files of several kinds, each by itself, and remove what they were'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    [...groupsOf(now, baseline, policy)].flatMap(([suffix, group]): Finding[] => {
      const kinds = new Set(group.map(({ kind }) => kind)).size;
      if (group.length < MIN_FILES || kinds < MIN_KINDS) return [];
      return [
        makeFinding(bulkRename, {
          title: `${many(group.length, 'file')} of ${many(kinds, 'kind')} are unreadable and called .${suffix}`,
          severity: 'high',
          subject: { path: group[0]?.file.path ?? '', name: suffix },
          evidence: group.map(
            ({ file }) => `${file.path}: ${many(file.size, 'byte')}, changed ${new Date(file.ctimeMs).toISOString()}`,
          ),
        }),
      ];
    }),
};

interface Renamed {
  readonly file: ObservedFile;
  readonly kind: string;
}

/** By suffix, files whose first bytes say nothing and that stand where a file of another name is gone. */
function groupsOf(now: Observation, baseline: Observation, policy: DetectPolicy): ReadonlyMap<string, Renamed[]> {
  const groups = new Map<string, Renamed[]>();
  // What was not listed may be there.
  if (now.notInspected.some((text) => /\bpaths?\b/u.test(text))) return groups;
  const paths = new Set<BytePath>(now.files.map(({ path }) => path));
  for (const file of now.files) {
    if (file.type !== 'file' || file.magic !== 'data' || !isNewFile(file, baseline)) continue;
    const { original, kind, suffix } = TWO_SUFFIXES.exec(file.path)?.groups ?? {};
    if (original === undefined || kind === undefined || suffix === undefined) continue;
    if (paths.has(original) || isAllowed(policy, 'file', file.path)) continue;
    groups.set(suffix, [...(groups.get(suffix) ?? []), { file, kind }]);
  }
  return groups;
}
