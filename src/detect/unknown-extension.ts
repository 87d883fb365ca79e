/** An extension that was not there, that nobody knows, or the file that turns all of them off. */
import type { Detector, DetectPolicy, Finding, Observation } from '../contracts/evidence.ts';
import { before, exeEvidence, isAllowed, makeFinding, named, subjectOf } from './finding.ts';

/** RIE internal/lambda/rapid/extensions.go. */
const KILL_FILE = 'disable-extensions-jwigqn8j';

export const unknownExtension: Detector = {
  name: 'unknown-extension',
  description:
    'An extension has come since init, is not among those of allow:extension=…, or all are turned off by a file ' +
    'in /opt.',
  technique: { id: 'T1574', name: 'Hijack Execution Flow' },
  kind: 'hijack',
  severity: 'high',
  benign: ['a new version of a layer that brings another extension, where extensions are listed in the policy'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => [
    ...now.extensions.flatMap((name) => ofName(name, baseline, policy)),
    ...ofProcesses(now, baseline),
  ],
};

function ofName(name: string, baseline: Observation, policy: DetectPolicy): Finding[] {
  if (isAllowed(policy, 'extension', name)) return [];
  const make = (severity: Finding['severity'], title: string): Finding[] => [
    makeFinding(unknownExtension, {
      title,
      severity,
      subject: { name, path: name === KILL_FILE ? `/opt/${name}` : `/opt/extensions/${name}` },
      evidence: [`/opt: ${name}`],
    }),
  ];
  if (!baseline.extensions.includes(name)) return make('high', `the extension ${name} was not there at init`);
  if (name === KILL_FILE) return make('medium', 'a file in /opt turns all extensions off');
  // A user who lists some extensions wants to hear of the others.
  return policy.allow.some(({ kind }) => kind === 'extension')
    ? make('medium', `the extension ${name} is not among the known ones`)
    : [];
}

/** No extension is started after init. */
function ofProcesses(now: Observation, baseline: Observation): Finding[] {
  return now.processes
    .filter(
      (one) =>
        one.role === 'extension' &&
        baseline.takenMs > 0 &&
        before(baseline, one) === undefined &&
        one.startMs > baseline.takenMs,
    )
    .map((one) =>
      makeFinding(unknownExtension, {
        title: `${named(one)} has come as an extension since init`,
        severity: 'medium',
        subject: subjectOf(one),
        evidence: [exeEvidence(one)],
      }),
    );
}
