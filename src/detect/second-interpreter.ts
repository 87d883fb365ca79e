/** A further Node, Python, Perl, …: what was brought along as text needs one to run. */
import type {
  Detector,
  DetectPolicy,
  Finding,
  Kind,
  Observation,
  ObservedProcess,
  Severity,
} from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { exeEvidence, isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { isWritablePlace } from './places.ts';
import { isInterpreter, scriptOf } from './programs.ts';
import { runsText } from './started-as.ts';

export const secondInterpreter: Detector = {
  name: 'second-interpreter',
  description: 'An interpreter other than the runtime runs in the sandbox.',
  technique: { id: 'T1059', name: 'Command and Scripting Interpreter' },
  kind: 'execution',
  severity: 'critical',
  benign: [
    'child_process.fork and multiprocessing of the function itself, with a script or a module that was deployed',
    'a server that sets a title of its own',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    newcomers(now, baseline)
      .filter((one) => isInterpreter(one.exe))
      .flatMap((one): Finding[] => {
        if (one.exe !== undefined && isAllowed(policy, 'exe', one.exe)) return [];
        const [severity, what, kind] = judge(one, now);
        const script = scriptOf(one);
        return [
          makeFinding(secondInterpreter, {
            title: `${named(one)}: ${what}`,
            severity,
            ...defined({ kind }),
            subject: { ...subjectOf(one), ...defined({ path: script }) },
            evidence: [exeEvidence(one), `/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`],
          }),
        ];
      }),
};

/** A script of a writable tree is something that was brought along; whatever else was is the same kind of evidence. */
function judge(one: ObservedProcess, { writable }: Observation): readonly [Severity, string, Kind?] {
  const [idiom] = idiomsOf(one.argv);
  if (idiom !== undefined && idiom.severity !== 'low')
    return [idiom.severity, `an interpreter with code that ${idiom.what}`];
  const script = scriptOf(one);
  if (script !== undefined)
    return isWritablePlace(script, writable)
      ? ['medium', 'an interpreter that runs a script of a writable tree', 'staged']
      : ['low', 'a further interpreter'];
  // A module (`-m`), a title of its own, arguments that could not be read, and `-c` with what multiprocessing starts.
  return runsText(one)
    ? ['medium', 'an interpreter with code in its arguments or from its input']
    : ['low', 'a further interpreter'];
}
