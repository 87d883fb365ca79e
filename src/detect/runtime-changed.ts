/**
 * The runtime has called exec, for another program or for its own with other arguments. The runtime swap of Unit 42
 * does this from /tmp or a memfd.
 */
import type { Detector, Finding, Observation } from '../contracts/evidence.ts';
import { before, exeEvidence, makeFinding, named, subjectOf } from './finding.ts';
import { isWritablePlace } from './places.ts';
import { isWrapper } from './programs.ts';

export const runtimeChanged: Detector = {
  name: 'runtime-changed',
  description:
    'The executable or the arguments of the runtime, of an extension or of init have changed under the same ' +
    'pid, or it has executed its own program once more.',
  technique: { id: 'T1574', name: 'Hijack Execution Flow' },
  kind: 'hijack',
  severity: 'critical',
  benign: [
    'a process that sets its own title (process.title): the arguments change, the executable does not',
    'a launcher that starts its program late',
  ],
  runs: ['extension'],
  detect: (now: Observation, baseline: Observation): readonly Finding[] =>
    now.processes.flatMap((one): Finding[] => {
      const old = before(baseline, one);
      if (old === undefined || old.role === 'other' || old.exe === undefined || one.exe === undefined) return [];
      if (one.exe !== old.exe || (one.exeDeleted && !old.exeDeleted)) {
        const staged = one.exeDeleted || isWritablePlace(one.exe, now.writable);
        return [
          makeFinding(runtimeChanged, {
            title: `the ${old.role} (${named(one)}) runs another executable than at init`,
            severity: staged ? 'critical' : isWrapper(old) ? 'low' : old.role === 'runtime' ? 'high' : 'medium',
            subject: subjectOf(one),
            part: one.exe,
            evidence: [`at init: ${old.exe}`, exeEvidence(one)],
          }),
        ];
      }
      if (one.layout !== old.layout && one.layout !== '' && old.layout !== '') {
        return [
          makeFinding(runtimeChanged, {
            title: `the ${old.role} (${named(one)}) has executed its program once more since init`,
            severity: isWrapper(old) ? 'low' : old.role === 'runtime' ? 'high' : 'medium',
            subject: subjectOf(one),
            part: 'again',
            evidence: [
              `at init: ${old.exe}, laid out at ${old.layout}`,
              `${exeEvidence(one)}, laid out at ${one.layout} (/proc/${String(one.pid)}/stat, fields 26, 28 and 50)`,
            ],
          }),
        ];
      }
      if (one.argv.join('\0') === old.argv.join('\0') || one.argv.length === 0) return [];
      return [
        makeFinding(runtimeChanged, {
          title: `the ${old.role} (${named(one)}) has other arguments than at init`,
          severity: 'low',
          subject: subjectOf(one),
          part: 'argv',
          evidence: [`at init: ${old.argv.join(' ')}`, `/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`],
        }),
      ];
    }),
};
