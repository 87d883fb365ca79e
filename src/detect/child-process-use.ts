/** What the function was made to start: it shows what has ended before anybody looks. */
import type { Detector, DetectPolicy, Finding, Observation, Severity, Spawned } from '../contracts/evidence.ts';
import type { RecordedEvent } from '../contracts/recorded.ts';
import { firstOf, isAllowed, makeFinding, once } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { isWritablePlace } from './places.ts';
import { isDownloader } from './programs.ts';
import { eventEvidence, eventsOf, knownArgv } from './recorded.ts';

const MAX = 16;

export const childProcessUse: Detector = {
  name: 'child-process-use',
  description:
    'child_process was asked to run a command line that intruders use, a downloader, or a file of a writable tree.',
  technique: { id: 'T1059', name: 'Command and Scripting Interpreter' },
  kind: 'execution',
  severity: 'critical',
  cost: 'facts',
  benign: ['functions that run curl or an unpacked program on purpose', 'installers: curl … | sh'],
  runs: ['process'],
  detect: (now: Observation, _: Observation, policy: DetectPolicy): readonly Finding[] =>
    firstOf(
      // The same start may be told by the black box and by Node's own channel: the number of the event comes first.
      once(
        [...eventsOf(now, ['spawn', 'execve']).map(recordedStart), ...(now.own?.spawned ?? []).map(toldStart)]
          .filter(({ file }) => !isAllowed(policy, 'exe', file))
          .flatMap((one) => judge(one, now)),
      ),
      MAX,
    ),
};

interface Start {
  readonly file: string;
  readonly argv: readonly string[];
  readonly text: string;
  readonly evidence: readonly string[];
}

function recordedStart(event: RecordedEvent): Start {
  const argv = knownArgv(event);
  return { file: event.subject, argv, text: argv.join(' '), evidence: eventEvidence(event) };
}

function toldStart({ file, argv, left, pid, atMs }: Spawned): Start {
  const words = [file, ...argv.slice(1)];
  const text = [...words, ...(left === undefined ? [] : [`[left out: ${left}]`])].join(' ');
  const evidence = [
    `child_process: ${text}`,
    `pid ${pid === undefined ? 'unknown' : String(pid)} at ${new Date(atMs).toISOString()}`,
  ];
  return { file, argv: words, text, evidence };
}

function judge(one: Start, now: Observation): Finding[] {
  const { file, text } = one;
  const [idiom] = idiomsOf(one.argv);
  if (idiom !== undefined && idiom.severity !== 'low')
    return [found(one, { title: `a command line that ${idiom.what}: ${text}`, ...idiom, part: idiom.name })];
  if (isDownloader(file))
    return [found(one, { title: `a downloader: ${text}`, severity: 'medium', part: 'downloader' })];
  if (!isWritablePlace(file, now.writable)) return [];
  return [found(one, { title: `a file of a writable tree: ${text}`, severity: 'low', part: 'staged' })];
}

interface Judged {
  readonly title: string;
  readonly severity: Severity;
  readonly part: string;
}

/** Not by pid: it may have ended, and another process may have the number. */
function found({ file, evidence }: Start, { title, severity, part }: Judged): Finding {
  const subject = part === 'staged' ? { path: file } : { name: file };
  return makeFinding(childProcessUse, { title: `the function ran ${title}`, severity, subject, part, evidence });
}
