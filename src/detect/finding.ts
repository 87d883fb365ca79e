/** What detectors share: how a finding is made, what counts as new, what a policy allows. */
import type { AllowRule, Detector, DetectPolicy, Finding, Kind, Observation, ObservedFile, ObservedProcess, Severity, Subject, Technique } from '../contracts.ts';
import { toText } from '../proc/bytes.ts';
import { inNetwork } from './addresses.ts';

/** The part of a detector that its findings carry. */
export type Naming = Pick<Detector, 'name' | 'technique' | 'kind' | 'benign'>;

export interface Facts {
  readonly title: string;
  readonly severity: Severity;
  readonly subject: Subject;
  readonly evidence: readonly string[];
  /** Tells two findings of one detector on one subject apart. */
  readonly part?: string;
  readonly technique?: Technique;
  readonly kind?: Kind;
}

/** Longest text of a title or a piece of evidence. */
const MOST_TEXT = 300;

export function makeFinding({ name, technique, kind, benign }: Naming, facts: Facts): Finding {
  const { subject } = facts;
  return {
    detector: name, benign, attackVersion: '19',
    title: short(facts.title),
    technique: facts.technique ?? technique,
    kind: facts.kind ?? kind,
    severity: facts.severity,
    subject,
    evidence: facts.evidence.slice(0, 8).map(short),
    key: [name, subject.pid, subject.startTicks, subject.path, subject.name, subject.address, facts.part].map((part) => part ?? '').join('|'),
  };
}

function short(text: string): string {
  const shown = toText(text);
  return shown.length > MOST_TEXT ? `${shown.slice(0, MOST_TEXT)}…` : shown;
}

/** Names a process for good: pids come again, a pid with its start does not. */
export function subjectOf({ pid, startTicks }: ObservedProcess): Subject {
  return { pid, startTicks };
}

/** `pid 17 (python) /tmp/x -o pool`, for titles. */
export function named({ pid, comm, argv, exe }: ObservedProcess): string {
  const shown = argv.length === 0 ? (exe ?? '') : argv.slice(0, 8).join(' ');
  return `pid ${String(pid)} (${comm}) ${shown.slice(0, 160)}`.trim();
}

/** `/proc/17/exe -> /tmp/x (deleted)`. */
export function exeEvidence({ pid, exe, exeDeleted }: ObservedProcess): string {
  return `/proc/${String(pid)}/exe -> ${exe ?? '?'}${exeDeleted ? ' (deleted)' : ''}`;
}

/** The process of the baseline that this one is. */
export function before(baseline: Observation, { pid, startTicks }: ObservedProcess): ObservedProcess | undefined {
  return baseline.processes.find((one) => one.pid === pid && one.startTicks === startTicks);
}

/** Processes that were not there at the baseline and are neither runtime nor platform. */
export function newcomers(now: Observation, baseline: Observation): readonly ObservedProcess[] {
  return now.processes.filter((one) => one.role === 'other' && before(baseline, one) === undefined);
}

/** True if the file came or was changed after the baseline: by ctime, which nobody without root can set back. */
export function isNewFile(file: ObservedFile, baseline: Observation): boolean {
  if (file.ctimeMs <= baseline.takenMs) return false;
  return !baseline.files.some((one) => one.path === file.path && one.inode === file.inode && one.ctimeMs === file.ctimeMs);
}

/** True if the policy knows this value to be harmless. */
export function isAllowed(policy: DetectPolicy, kind: AllowRule['kind'], value: string): boolean {
  return policy.allow.some((rule) => rule.kind === kind && matches(rule.value, value));
}

/** `203.0.113.7`, `203.0.113.0/24`, either with `:443`, and `*:443`. */
export function isAllowedAddress(policy: DetectPolicy, address: string, port: number): boolean {
  return policy.allow.some(({ kind, value }) => {
    if (kind !== 'to') return false;
    const match = /^(?:\[(?<six>[^\]]+)\]|(?<four>[^:]+)):(?<port>\d+)$/u.exec(value);
    const network = match?.groups?.['six'] ?? match?.groups?.['four'] ?? value;
    const wanted = match?.groups?.['port'];
    return (wanted === undefined || Number(wanted) === port) && (network === '*' || inNetwork(address, network));
  });
}

function matches(pattern: string, value: string): boolean {
  return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
}
