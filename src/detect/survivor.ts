/**
 * A process that lives on when its invocation has been answered: it is frozen with the sandbox, and goes on with the
 * next one.
 */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { before, isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { isWritablePlace } from './places.ts';
import { isDrivenBrowser, isInterpreter, isShell, scriptOf } from './programs.ts';
import { isLoose, runsText } from './started-as.ts';

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
  benign: [
    'a browser, a compiler service or a query engine that is kept for the next invocation: it stays tied to the ' +
      'runtime by pipes',
    'a deployed script that looks for updates: medium at most; the reporter of crashes of an unpacked browser: low',
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
  if (isLoose(one, now) && !isDrivenBrowser(one) && !isHelper(one, now)) {
    if (outlived)
      return [
        isStrange(one, now) && !sinceInit ? 'high' : 'medium',
        'has cut itself loose from the runtime and has outlived the invocation that started it',
      ];
    return ['medium', 'has cut itself loose from the runtime'];
  }
  return outlived ? ['low', 'has outlived the invocation that started it'] : undefined;
}

/** A shell, a text, or something that was brought along: what was deployed may leave a helper behind. */
function isStrange(one: ObservedProcess, now: Observation): boolean {
  if (one.exeDeleted || isShell(one.exe)) return true;
  if (one.exe === undefined) return false;
  if (isWritablePlace(one.exe, now.writable)) return true;
  const script = scriptOf(one);
  return isInterpreter(one.exe) && (script === undefined ? runsText(one) : isWritablePlace(script, now.writable));
}

/** A program of its own folder is still tied to the runtime: the reporter of crashes of a browser, for one. */
function isHelper(one: ObservedProcess, now: Observation): boolean {
  const folder = folderOf(one);
  if (one.exeDeleted || now.writable.includes(folder) || !isWritablePlace(one.exe ?? '', now.writable)) return false;
  return now.processes.some(
    (other) => other.role === 'other' && other.pid !== one.pid && folderOf(other) === folder && !isLoose(other, now),
  );
}

function folderOf({ exe = '' }: ObservedProcess): string {
  return exe.slice(0, exe.lastIndexOf('/'));
}
