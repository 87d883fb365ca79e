/** Machine code that a process has mapped from where anybody could write it. */
import type {
  BytePath,
  Detector,
  DetectPolicy,
  Finding,
  Kind,
  Observation,
  ObservedProcess,
  Severity,
} from '../contracts/evidence.ts';
import { isAllowed, makeFinding, named, subjectOf } from './finding.ts';
import { baseName, isWritablePlace } from './places.ts';
import { familyOf } from './programs.ts';

export const mappedObject: Detector = {
  name: 'mapped-object',
  description: 'A process has mapped executable code from a writable tree, a memfd or a deleted file.',
  technique: { id: 'T1574.006', name: 'Dynamic Linker Hijacking' },
  kind: 'staged',
  severity: 'high',
  benign: [
    'native addons that are unpacked into /tmp',
    'libraries of a browser that was unpacked into /tmp',
    'closures of libffi (memfd:libffi)',
    'libraries that Java, .NET and the like unpack, load and delete: medium at most',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, _: Observation, policy: DetectPolicy): readonly Finding[] =>
    now.processes.flatMap((one) =>
      one.mapped.flatMap((object): Finding[] => {
        if (one.role === 'amber' || isAllowed(policy, 'file', object)) return [];
        const [severity, kind] = judge(one, object, now);
        return [
          makeFinding(mappedObject, {
            title: `${named(one)} has mapped code from ${object}`,
            severity,
            kind,
            subject: { ...subjectOf(one), path: object },
            evidence: [`/proc/${String(one.pid)}/maps: ${object}`],
          }),
        ];
      }),
    ),
};

function judge(one: ObservedProcess, object: BytePath, now: Observation): readonly [Severity, Kind] {
  if (['LD_PRELOAD', 'LD_AUDIT'].some((name) => one.env?.[name]?.includes(object) === true)) return ['high', 'hijack'];
  // Part of a program that was brought along whole, or what libffi makes for its callbacks.
  if (one.exe !== undefined && isWritablePlace(one.exe, now.writable)) return ['low', 'staged'];
  if (/^(?:memfd:)?(?:lib)?ffi\w*$/u.test(baseName(object))) return ['low', 'staged'];
  return [isOfNowhere(one, object, now) ? 'high' : 'medium', 'staged'];
}

/** Runtimes that make machine code of their own keep it in anonymous memory, and load libraries from files alone. */
const FILES_ALONE: ReadonlySet<string> = new Set(['node', 'python', 'ruby']);
const DELETED = ' (deleted)';

/** Nobody can look at the file any more. One that a second unpacking has replaced under its name is still there. */
function isOfNowhere(one: ObservedProcess, object: BytePath, { files, notInspected }: Observation): boolean {
  if (!FILES_ALONE.has(familyOf(baseName(one.exe ?? '')))) return false;
  if (object.startsWith('/memfd:')) return true;
  if (!object.endsWith(DELETED) || notInspected.length > 0) return false;
  const path = object.slice(0, -DELETED.length);
  return !files.some((file) => file.path === path);
}
