/**
 * A process that lives on when its invocation has been answered: it is frozen with the sandbox, and goes on with the
 * next one.
 */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { before, isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { isWritablePlace } from './places.ts';
import { isDrivenBrowser, isInterpreter, isShell } from './programs.ts';

/** Start times are good to some 20 ms. */
const SLACK_MS = 50;

export const survivor: Detector = {
  name: 'survivor',
  description:
    'A process that was started in an invocation is still there in a later one, or has cut itself loose from ' +
    'the runtime.',
  technique: { id: 'T1546', name: 'Event Triggered Execution' },
  kind: 'execution',
  severity: 'high',
  cost: 'processes',
  benign: [
    'a browser, a compiler service or a query engine that is kept for the next invocation: it stays tied to the ' +
      'runtime by pipes',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    newcomers(now, baseline).flatMap((one): Finding[] => {
      if (one.state === 'Z' || (one.exe !== undefined && isAllowed(policy, 'exe', one.exe))) return [];
      const judged = judge(one, now, { sinceInit: before(baseline, one) !== undefined });
      if (judged === undefined) return [];
      const [severity, what] = judged;
      return [
        makeFinding(survivor, {
          title: `${named(one)} ${what}`,
          severity,
          subject: subjectOf(one),
          evidence: [
            `started ${new Date(one.startMs).toISOString()}, invocation ${String(now.invocation.number)} began ` +
              new Date(now.invocation.startedMs).toISOString(),
            `parent pid ${String(one.ppid)}, session ${String(one.session)}, stdio ` +
              (one.stdio?.join(' ') ?? 'not readable'),
          ],
        }),
      ];
    }),
};

/** @param sinceInit - what is deployed starts helpers at init, and those are meant to stay */
function judge(
  one: ObservedProcess,
  now: Observation,
  { sinceInit }: { readonly sinceInit: boolean },
): readonly [Severity, string] | undefined {
  const outlived = one.startMs + SLACK_MS < now.invocation.startedMs;
  const loose = isOrphan(one, now) || (one.session === one.pid && isDeaf(one));
  if (loose && !isDrivenBrowser(one)) {
    const scripted =
      isShell(one.exe) ||
      isInterpreter(one.exe) ||
      one.exeDeleted ||
      (one.exe !== undefined && isWritablePlace(one.exe, now.writable));
    if (outlived)
      return [
        scripted && !sinceInit ? 'high' : 'medium',
        'has cut itself loose from the runtime and has outlived the invocation that started it',
      ];
    return ['medium', 'has cut itself loose from the runtime'];
  }
  return outlived ? ['low', 'has outlived the invocation that started it'] : undefined;
}

/** Its parent has ended: init has it now. */
function isOrphan(one: ObservedProcess, { processes }: Observation): boolean {
  return processes.some(({ pid, role }) => pid === one.ppid && role === 'init');
}

/** Nobody reads what it says or says anything to it: no pipe, no socket, no file. */
function isDeaf({ stdio }: ObservedProcess): boolean {
  return stdio?.every((target) => target === '' || target === '/dev/null') === true;
}
