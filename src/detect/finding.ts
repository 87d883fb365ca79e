/** What detectors share: how a finding is made, what counts as new, what a policy allows. */
import type {
  AllowRule,
  Detector,
  DetectPolicy,
  Finding,
  Kind,
  Observation,
  ObservedFile,
  ObservedProcess,
  Severity,
  Subject,
  Technique,
} from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { inNetwork } from './addresses.ts';
import { many } from '../many.ts';

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

/** Pieces of evidence of one finding. */
const MAX_EVIDENCE = 8;
/** Longest text of a title or a piece of evidence. */
const MAX_TEXT = 300;

export function makeFinding({ name, technique, kind, benign }: Naming, facts: Facts): Finding {
  const { subject } = facts;
  const beyond = facts.evidence.length - MAX_EVIDENCE;
  return {
    detector: name,
    benign,
    attackVersion: '19',
    title: short(facts.title),
    technique: facts.technique ?? technique,
    kind: facts.kind ?? kind,
    severity: facts.severity,
    subject,
    evidence: [
      ...facts.evidence.slice(0, MAX_EVIDENCE).map(short),
      ...(beyond > 0
        ? [`${many(beyond, 'further piece of evidence was', 'further pieces of evidence were')} ` + `left out`]
        : []),
    ],
    key: [name, subject.pid, subject.startTicks, subject.path, subject.name, subject.address, facts.part]
      .map((part) => part ?? '')
      .join('|'),
  };
}

function short(text: string): string {
  const shown = toText(text);
  return shown.length > MAX_TEXT ? `${shown.slice(0, MAX_TEXT)}…` : shown;
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

/**
 * Processes that are neither runtime nor platform: those that came after init, and all that the function has started,
 * since a sandbox begins without any. What an extension had started at init is the platform's.
 */
export function newcomers(now: Observation, baseline: Observation): readonly ObservedProcess[] {
  const byPid = new Map(now.processes.map((one) => [one.pid, one]));
  return now.processes.filter(
    (one) => one.role === 'other' && (before(baseline, one) === undefined || isOfFunction(one, byPid)),
  );
}

/** Below the runtime, or with variables that extensions are not given (RIE rapidcore/env, AgentExecEnv). */
function isOfFunction(one: ObservedProcess, byPid: ReadonlyMap<number, ObservedProcess>): boolean {
  if (one.env?.['LAMBDA_TASK_ROOT'] !== undefined || one.env?.['_HANDLER'] !== undefined) return true;
  let parent = byPid.get(one.ppid);
  for (let steps = 0; steps < byPid.size && parent !== undefined; steps += 1) {
    if (parent.role === 'runtime') return true;
    if (parent.role !== 'other') return false;
    parent = byPid.get(parent.ppid);
  }
  return false;
}

/** True if the file came or was changed after the baseline: by ctime, which nobody without root can set back. */
export function isNewFile(file: ObservedFile, baseline: Observation): boolean {
  if (file.ctimeMs <= baseline.takenMs) return false;
  return !baseline.files.some(
    (one) => one.path === file.path && one.inode === file.inode && one.ctimeMs === file.ctimeMs,
  );
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

/** The first of those that tell of the same thing. */
export function once(findings: readonly Finding[]): readonly Finding[] {
  const keys = new Set<string>();
  return findings.filter(({ key }) => !keys.has(key) && keys.add(key).size > 0);
}

/** The first of many findings of one detector; the last that is kept tells how many were left. */
export function firstOf(findings: readonly Finding[], most: number, all: number = findings.length): readonly Finding[] {
  const last = findings[most - 1];
  if (all <= most || last === undefined) return findings;
  const left = `${many(all - most, 'further finding of this kind was', 'further findings of this kind were')} left out`;
  return [...findings.slice(0, most - 1), { ...last, evidence: [...last.evidence, left] }];
}
