/** A process that goes by a name that is not its own. Denonia was a Go program that called itself python. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { exeEvidence, isAllowed, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { baseName, isWritablePlace } from './places.ts';
import { familyOf, isInterpreter, isShell } from './programs.ts';

/** Names of the system that a look at a process list takes for granted. */
const SYSTEM: ReadonlySet<string> = new Set([
  'init',
  'rapid',
  'bootstrap',
  'systemd',
  'sshd',
  'cron',
  'crond',
  'dbus-daemon',
  'rsyslogd',
  'udevd',
  'agetty',
  'login',
  'sudo',
  'aws',
  'lambda',
]);
/** As the kernel writes them: with a processor or a device behind a slash, or whole. `migration-tool` is no thread. */
const KERNEL =
  /^\[?(?:(?:kworker|ksoftirqd|migration|watchdog|cpuhp|jbd2)\/[\w:.-]+|(?:kthreadd|kdevtmpfs|khugepaged|kauditd|kswapd\d+|rcu_(?:sched|preempt|bh|gp|par_gp|tasks\w*)|scsi_(?:eh|tmf)_\d+))\]?$|^\[(?:kworker|ksoftirqd|kswapd|migration|watchdog|rcu_|scsi_|jbd2)/u;
/** One executable under many names. */
const MULTICALL: ReadonlySet<string> = new Set(['busybox', 'toybox', 'coreutils', 'box']);

export const disguisedName: Detector = {
  name: 'disguised-name',
  description: 'A process bears the name of another program, of a kernel thread, or hides its executable behind a dot.',
  technique: { id: 'T1036.005', name: 'Match Legitimate Resource Name or Location' },
  kind: 'disguise',
  severity: 'high',
  benign: [
    'an interpreter that a package unpacks into /tmp',
    'launchers that start a program under another name (exec -a)',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    newcomers(now, baseline).flatMap((one): Finding[] => {
      const judged = judge(one, now);
      if (judged === undefined || one.exe === undefined || isAllowed(policy, 'exe', one.exe)) return [];
      const [severity, what] = judged;
      return [
        makeFinding(disguisedName, {
          title: `${named(one)} ${what}`,
          severity,
          subject: { ...subjectOf(one), path: one.exe },
          evidence: [
            exeEvidence(one),
            `/proc/${String(one.pid)}/comm: ${one.comm}`,
            `/proc/${String(one.pid)}/cmdline: ${one.argv[0] ?? ''}`,
          ],
        }),
      ];
    }),
};

function judge(one: ObservedProcess, { writable }: Observation): readonly [Severity, string] | undefined {
  const { exe, comm, argv } = one;
  if (exe === undefined) return undefined;
  const own = baseName(exe);
  const first = baseName(argv[0] ?? '');
  const staged = one.exeDeleted || isWritablePlace(exe, writable);
  if (KERNEL.test(comm) || KERNEL.test(argv[0] ?? ''))
    return ['high', 'has the name of a kernel thread and an executable of its own'];
  if (staged && isKnown(own))
    return ['medium', 'has the name of a program of the system, at a place where that one does not lie'];
  const claimed = [comm, first].find((name) => isKnown(name) && familyOf(name) !== familyOf(own));
  if (claimed !== undefined && !MULTICALL.has(own) && !isScriptName(one, claimed)) {
    return [staged || isShell(exe) || isInterpreter(exe) ? 'medium' : 'low', `calls itself ${claimed} and is not`];
  }
  return staged && own.startsWith('.') ? ['medium', 'runs an executable that is hidden behind a dot'] : undefined;
}

function isKnown(name: string): boolean {
  return SYSTEM.has(name) || isInterpreter(name) || isShell(name);
}

/**
 * The kernel names a process that is started through a script's first line after the script: `bootstrap` run by sh is
 * no lie.
 */
function isScriptName({ argv }: ObservedProcess, claimed: string): boolean {
  return argv
    .slice(1, 3)
    .some((argument) => baseName(argument) === claimed && !/^\/(?:tmp|dev\/shm|var\/tmp)\//u.test(argument));
}
