/** A shell or a downloader is still there when the sandbox is looked at. Most functions start neither. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { isWritablePlace } from './places.ts';
import { isDownloader, isShell, scriptOf } from './programs.ts';

export const shellChild: Detector = {
  name: 'shell-child',
  description: 'A shell or a downloader (curl, wget, nc, …) runs below the runtime.',
  technique: { id: 'T1059.004', name: 'Unix Shell' },
  kind: 'execution',
  severity: 'critical',
  cost: 'processes',
  benign: ['exec() and execa({ shell: true }) run their command in a shell for as long as it takes'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    newcomers(now, baseline).flatMap((one): Finding[] => {
      if (one.exe === undefined || isAllowed(policy, 'exe', one.exe)) return [];
      const judged = judge(one, now);
      if (judged === undefined) return [];
      const [severity, what] = judged;
      return [
        makeFinding(shellChild, {
          title: `${named(one)}: ${what}`,
          severity,
          subject: subjectOf(one),
          evidence: [`/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`, `parent: pid ${String(one.ppid)}`],
        }),
      ];
    }),
};

function judge(one: ObservedProcess, { writable }: Observation): readonly [Severity, string] | undefined {
  const [idiom] = idiomsOf(one.argv);
  if (idiom !== undefined && idiom.severity !== 'low' && (isShell(one.exe) || isDownloader(one.exe)))
    return [idiom.severity, `a command line that ${idiom.what}`];
  if (isDownloader(one.exe)) return ['medium', 'a downloader or a network tool'];
  if (!isShell(one.exe)) return undefined;
  const script = scriptOf(one);
  if (script !== undefined)
    return [isWritablePlace(script, writable) ? 'medium' : 'low', `a shell that runs ${script}`];
  return one.argv.includes('-c')
    ? ['low', 'a shell that runs a command']
    : ['medium', 'a shell that waits for commands'];
}
