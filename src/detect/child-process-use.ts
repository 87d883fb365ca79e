/** What the function was made to start: it shows what has ended before anybody looks. */
import type { Detector, DetectPolicy, Finding, Observation, Severity, Spawned } from '../contracts/evidence.ts';
import type { RecordedEvent } from '../contracts/recorded.ts';
import { placeOf } from './addresses.ts';
import { commandsOf } from './command-line.ts';
import { firstOf, isAllowed, makeFinding, once } from './finding.ts';
import { idiomsOf } from './idioms.ts';
import { baseName, isWritablePlace } from './places.ts';
import { isDownloader } from './programs.ts';
import { eventEvidence, eventsOf, knownArgv } from './recorded.ts';

const MAX = 16;

export const childProcessUse: Detector = {
  name: 'child-process-use',
  description:
    'child_process was asked to run a command line that intruders use, a downloader, a file of a writable tree, or a ' +
    'shell without a command beside a connection of its own.',
  technique: { id: 'T1059', name: 'Command and Scripting Interpreter' },
  kind: 'execution',
  severity: 'critical',
  benign: [
    'functions that run curl or an unpacked program on purpose, and remove it afterwards',
    'installers: curl … | sh',
  ],
  runs: ['extension', 'process'],
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
  readonly event?: RecordedEvent;
}

function recordedStart(event: RecordedEvent): Start {
  const argv = knownArgv(event);
  return { file: event.subject, argv, text: argv.join(' '), evidence: eventEvidence(event), event };
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
  const staged = [file, commandsOf(one.argv)[0]?.script ?? ''].find((path) => isWritablePlace(path, now.writable));
  return staged === undefined ? waitsForStranger(one, now) : [runsStaged(one, staged, now)];
}

/**
 * What was removed after it had run, or hides its name, was not meant to be found. Packages do one of both at most. A
 * program or a script that was written before it ran is told with the event of its writing.
 */
function runsStaged(one: Start, path: string, now: Observation): Finding {
  const isListed = now.notInspected.length === 0 && now.writable.some((root) => path.startsWith(`${root}/`));
  const isGone = isListed && !now.files.some((file) => file.path === path);
  const isHidden = baseName(path).startsWith('.');
  const writes = eventsOf(now, ['write']).filter(({ subject }) => subject === path);
  const what = [
    'a file of a writable tree',
    ...(isHidden ? ['that is hidden behind a dot'] : []),
    ...(writes.length > 0 ? ['that the function has written'] : []),
    ...(isGone ? ['that has been removed since'] : []),
  ];
  const weight = isHidden && isGone ? 'high' : isHidden || isGone || writes.length > 0 ? 'medium' : 'low';
  return found(
    { ...one, file: path, evidence: [...one.evidence, ...writes.slice(0, 1).flatMap(eventEvidence)] },
    { title: `${what.join(' ')}: ${one.text}`, severity: weight, part: 'staged' },
  );
}

/** Milliseconds between the start of a shell and the connection that it is tied to. */
const TIED_MS = 2000;

/**
 * A shell that was given nothing to do takes its commands from the function. At the same time code of the same file
 * opens a connection that no request asks for. Together they are a shell for somebody outside, at whatever address.
 */
function waitsForStranger(one: Start, now: Observation): Finding[] {
  const { event } = one;
  if (event?.lineage?.child === undefined || event.cut !== undefined || event.lineage.stdio?.[0] !== 'pipe') return [];
  const [command] = commandsOf(one.argv);
  if (command?.readsCode !== true) return [];
  const near = (other: RecordedEvent): boolean =>
    Math.abs(other.timeMs - event.timeMs) <= TIED_MS && other.origin?.[0] === event.origin?.[0];
  const requests = eventsOf(now, ['request']).filter(near);
  const tie = eventsOf(now, ['connect']).find(
    (other) => near(other) && isOutside(other) && !requests.some(({ timeMs }) => timeMs <= other.timeMs),
  );
  if (tie === undefined) return [];
  return [
    found(
      { ...one, evidence: [...one.evidence, ...eventEvidence(tie)] },
      { title: `a shell that waits for commands, and connected to ${tie.subject}`, severity: 'high', part: 'tied' },
    ),
  ];
}

function isOutside({ subject }: RecordedEvent): boolean {
  return /^(?:aws|public)$/u.test(placeOf(subject.replace(/:\d+$/u, '').replace(/^\[|\]$/gu, '')));
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
