/**
 * A process holds open what procfs shows of another one: its environment, with the credentials in it, or its memory.
 */
import type { Detector, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { makeFinding, named, subjectOf } from './finding.ts';
import { idiomsOf } from './idioms.ts';

export const environReader: Detector = {
  name: 'environ-reader',
  description: 'A process holds /proc/PID/environ or mem of another one open, or was started to read it.',
  technique: { id: 'T1003.007', name: 'OS Credential Dumping: Proc Filesystem' },
  kind: 'access',
  severity: 'high',
  cost: 'processes',
  benign: ['profilers and monitoring extensions that read /proc of the runtime'],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] =>
    now.processes.flatMap((one): Finding[] => {
      if (one.role === 'amber' || one.role === 'init') return [];
      const held = one.peeks[0];
      const idiom = one.role === 'other' ? idiomsOf(one.argv).find(({ name }) => name === 'environ-read') : undefined;
      if (held === undefined && idiom === undefined) return [];
      return [
        makeFinding(environReader, {
          title:
            `${named(one)} ` +
            (held === undefined ? 'was started to read the environment of a process' : `holds ${held} open`),
          severity: severityOf(one),
          subject: subjectOf(one),
          evidence: [
            ...one.peeks.map((path) => `/proc/${String(one.pid)}/fd -> ${path}`),
            `/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`,
          ],
        }),
      ];
    }),
};

function severityOf({ role }: ObservedProcess): Severity {
  return role === 'other' ? 'high' : role === 'runtime' ? 'medium' : 'low';
}
