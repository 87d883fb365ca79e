/** A further Node, Python, Perl, …: what was brought along as text needs one to run. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { exeEvidence, isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { isWritablePlace } from './places.ts';
import { isInterpreter, scriptOf } from './programs.ts';

export const secondInterpreter: Detector = {
  name: 'second-interpreter',
  description: 'An interpreter other than the runtime runs in the sandbox.',
  technique: { id: 'T1059', name: 'Command and Scripting Interpreter' },
  kind: 'execution',
  severity: 'critical',
  cost: 'processes',
  benign: ['child_process.fork and multiprocessing of the function itself, with a script that was deployed'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    newcomers(now, baseline)
      .filter((one) => isInterpreter(one.exe))
      .flatMap((one): Finding[] => {
        if (one.exe !== undefined && isAllowed(policy, 'exe', one.exe)) return [];
        const [severity, what] = judge(one, now);
        const script = scriptOf(one);
        return [
          makeFinding(secondInterpreter, {
            title: `${named(one)}: ${what}`,
            severity,
            subject: { ...subjectOf(one), ...defined({ path: script }) },
            evidence: [exeEvidence(one), `/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`],
          }),
        ];
      }),
};

function judge(one: ObservedProcess, { writable }: Observation): readonly [Severity, string] {
  const [idiom] = idiomsOf(one.argv);
  if (idiom !== undefined && idiom.severity !== 'low')
    return [idiom.severity, `an interpreter with code that ${idiom.what}`];
  const script = scriptOf(one);
  if (script !== undefined)
    return isWritablePlace(script, writable)
      ? ['medium', 'an interpreter that runs a script of a writable tree']
      : ['low', 'a further interpreter'];
  // A forked process of Python repeats the arguments of its parent, or has `-c` with the spawn_main of multiprocessing.
  return one.argv.some((argument) => argument.includes('multiprocessing'))
    ? ['low', 'a further interpreter']
    : ['medium', 'an interpreter with code in its arguments or from its input'];
}
