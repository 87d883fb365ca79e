/** A shell or a downloader is still there when the sandbox is looked at. Most functions start neither. */
import type {
  Detector,
  DetectPolicy,
  Finding,
  Kind,
  Observation,
  ObservedProcess,
  ObservedSocket,
  Severity,
} from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { placeOf } from './addresses.ts';
import { isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { isWritablePlace } from './places.ts';
import { isDownloader, isShell, scriptOf } from './programs.ts';
import { runsText } from './started-as.ts';
import { socketEvidence } from './stdio-socket.ts';

export const shellChild: Detector = {
  name: 'shell-child',
  description: 'A shell or a downloader (curl, wget, nc, …) runs below the runtime.',
  technique: { id: 'T1059.004', name: 'Unix Shell' },
  kind: 'execution',
  severity: 'critical',
  benign: [
    'exec() and execa({ shell: true }) run their command in a shell for as long as it takes',
    'a shell that the function keeps and tells what to do, while it talks to the internet: allow:exe=…',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    newcomers(now, baseline).flatMap((one): Finding[] => {
      if (one.exe === undefined || isAllowed(policy, 'exe', one.exe)) return [];
      const judged = judge(one, now, baseline);
      if (judged === undefined) return [];
      const [severity, what, kind] = judged;
      return [
        makeFinding(shellChild, {
          title: `${named(one)}: ${what}`,
          severity,
          ...defined({ kind }),
          subject: subjectOf(one),
          evidence: [`/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`, `parent: pid ${String(one.ppid)}`],
        }),
      ];
    }),
};

function judge(
  one: ObservedProcess,
  now: Observation,
  baseline: Observation,
): readonly [Severity, string, Kind?] | undefined {
  const [idiom] = idiomsOf(one.argv);
  if (idiom !== undefined && idiom.severity !== 'low' && (isShell(one.exe) || isDownloader(one.exe)))
    return [idiom.severity, `a command line that ${idiom.what}`];
  if (isDownloader(one.exe)) return ['medium', 'a downloader or a network tool'];
  if (!isShell(one.exe)) return undefined;
  const script = scriptOf(one);
  if (script !== undefined)
    return isWritablePlace(script, now.writable)
      ? ['medium', `a shell that runs ${script}`, 'staged']
      : ['low', `a shell that runs ${script}`];
  if (!runsText(one)) return ['low', 'a shell'];
  if (one.argv.some((word) => /^-[A-Za-z]*c/u.test(word))) return ['low', 'a shell that runs a command'];
  const socket = isOnPipes(one) ? strangersOf(now, baseline)[0] : undefined;
  return socket === undefined
    ? ['medium', 'a shell that waits for commands']
    : ['high', `a shell that waits for commands from the runtime, which has ${socketEvidence(socket)}`];
}

/** Node gives its children unix sockets, which have no address. */
function isOnPipes({ stdio = [] }: ObservedProcess): boolean {
  return [0, 1].every((fd) => /^(?:pipe|socket):/u.test(stdio[fd] ?? ''));
}

/** Connections of the runtime to the internet that it did not have at init. */
function strangersOf(now: Observation, baseline: Observation): readonly ObservedSocket[] {
  const runtime = now.processes.find(({ role }) => role === 'runtime')?.pid;
  const known = new Set(baseline.sockets.map(({ inode }) => inode));
  return now.sockets.filter(
    ({ pids, state, remoteAddress, inode }) =>
      runtime !== undefined &&
      pids.includes(runtime) &&
      state === 'ESTABLISHED' &&
      !known.has(inode) &&
      /^(?:aws|public)$/u.test(placeOf(remoteAddress)),
  );
}
