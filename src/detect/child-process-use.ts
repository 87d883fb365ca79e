/** What the function was made to start, as Node itself tells of it. It shows what has ended before anybody looks. */
import type { Detector, DetectPolicy, Finding, Observation, Spawned } from '../contracts/evidence.ts';
import { firstOf, isAllowed, makeFinding } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { isWritablePlace } from './places.ts';
import { isDownloader } from './programs.ts';

const MAX = 16;

export const childProcessUse: Detector = {
  name: 'child-process-use',
  description:
    'child_process was asked to run a command line that intruders use, a downloader, or a file of a writable tree.',
  technique: { id: 'T1059', name: 'Command and Scripting Interpreter' },
  kind: 'execution',
  severity: 'critical',
  cost: 'facts',
  benign: ['functions that run curl or an unpacked program on purpose'],
  runs: ['process'],
  detect: (now: Observation, _: Observation, policy: DetectPolicy): readonly Finding[] =>
    firstOf(
      (now.own?.spawned ?? []).filter(({ file }) => !isAllowed(policy, 'exe', file)).flatMap((one) => judge(one, now)),
      MAX,
    ),
};

function judge(one: Spawned, now: Observation): Finding[] {
  const text = [one.file, ...one.argv.slice(1), ...(one.left === undefined ? [] : [`[left out: ${one.left}]`])].join(
    ' ',
  );
  const evidence = [
    `child_process: ${text}`,
    `pid ${one.pid === undefined ? 'unknown' : String(one.pid)} at ${new Date(one.atMs).toISOString()}`,
  ];
  // Not `pid`: it may have ended, and another process may have the number.
  const subject = { name: one.file };
  const [idiom] = idiomsOf([one.file, ...one.argv.slice(1)]);
  if (idiom !== undefined && idiom.severity !== 'low') {
    return [
      makeFinding(childProcessUse, {
        title: `the function ran a command line that ${idiom.what}: ${text}`,
        severity: idiom.severity,
        subject,
        part: idiom.name,
        evidence,
      }),
    ];
  }
  if (isDownloader(one.file))
    return [
      makeFinding(childProcessUse, {
        title: `the function ran a downloader: ${text}`,
        severity: 'medium',
        subject,
        part: 'downloader',
        evidence,
      }),
    ];
  if (!isWritablePlace(one.file, now.writable)) return [];
  return [
    makeFinding(childProcessUse, {
      title: `the function ran a file of a writable tree: ${text}`,
      severity: 'low',
      subject: { path: one.file },
      part: 'staged',
      evidence,
    }),
  ];
}
