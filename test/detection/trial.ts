/** One emulation or workload, from its sandbox to what the detectors say of it. */
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding, Severity } from '../../src/contracts.ts';
import { missingEvidence, readCaptures, unfinished, type SeenCapture } from './captures.ts';
import type { Attack, Runtime, Scenario } from './case.ts';
import { askObserver, observerParts } from './look.ts';
import { openStage, type Stage } from './stage.ts';

/** Who looks: the wrapper in the function's process, or an extension beside it. */
export type Watcher = 'wrapper' | 'extension';

export interface TrialOptions {
  /** Folder of the manifest, below test/. */
  readonly folder: string;
  readonly scenario: Scenario;
  readonly runtime: Runtime;
  readonly watchers: readonly Watcher[];
  readonly generation?: 'v3' | 'v4';
}

/** What one watcher has made of a trial. */
export interface Watched {
  readonly watcher: Watcher;
  /** It started a capture (the stand-in for an extension: its findings would have). */
  readonly triggered: boolean;
  /** After which invocation, counted from 1; 0: before the first one. */
  readonly after: number | undefined;
  /** Findings at the threshold, and below it. */
  readonly high: readonly Finding[];
  readonly low: readonly Finding[];
  readonly captures: readonly SeenCapture[];
  /** Detectors that failed, and captures of another cause than an anomaly. */
  readonly faults: readonly string[];
}

export interface Trial {
  readonly name: string;
  readonly runtime: Runtime;
  /** Answers of the invocations, and what the function and the sandbox said. */
  readonly answers: readonly string[];
  readonly output: string;
  /** Things that had to arrive outside and did not: then the emulation has not done what it is to emulate. */
  readonly absent: readonly string[];
  readonly watched: readonly Watched[];
  readonly tookMs: number;
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
/** What the default policy starts a capture for (AMBER_DETECT). */
const isHigh = ({ severity }: Finding): boolean => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf('high');
const CAPTURE_MS = 15_000;

export async function runTrial(options: TrialOptions): Promise<Trial> {
  const begunMs = performance.now();
  const { scenario, runtime, watchers, folder, generation } = options;
  const beside = watchers.includes('extension');
  const stage = await openStage({
    folder: resolve(folder), scenario, runtime, wrapped: watchers.includes('wrapper'), ...(beside ? await observerParts() : {}), ...(generation === undefined ? {} : { generation }),
  });
  try {
    const logs: Log[] = watchers.map((watcher) => ({ watcher, findings: new Map(), faults: [], after: undefined, captures: 0 }));
    const answers = [await readyText(stage)];
    await note(stage, logs, 0);
    for (const [index, event] of scenario.events.entries()) {
      const startedMs = Date.now();
      // The stand-in looks when an invocation is over and the sandbox is not frozen yet.
      const result = await stage.invoke(event, beside ? () => look(stage, logs, index + 1, startedMs) : undefined);
      answers.push('body' in result ? `${result.kind} ${result.body.toString().slice(0, 500)}` : result.kind);
      await note(stage, logs, index + 1);
    }
    const captures = await endedCaptures(stage);
    return {
      name: basename(folder), runtime, answers, absent: absentOf(scenario, stage), tookMs: Math.round(performance.now() - begunMs),
      output: `${stage.sandbox.stdout()}${stage.sandbox.stderr()}`.slice(-6000),
      watched: logs.map((log) => conclude(log, captures)),
    };
  } finally {
    await stage.close();
  }
}

interface Log {
  readonly watcher: Watcher;
  readonly findings: Map<string, Finding>;
  readonly faults: string[];
  after: number | undefined;
  captures: number;
}

async function readyText(stage: Stage): Promise<string> {
  const ready = await stage.sandbox.ready();
  return typeof ready === 'string' ? ready : 'body' in ready ? `init-error ${ready.body.toString().slice(0, 500)}` : `exit ${ready.code ?? ready.signal ?? ''}`;
}

async function look(stage: Stage, logs: readonly Log[], number: number, startedMs: number): Promise<void> {
  const log = logs.find(({ watcher }) => watcher === 'extension');
  if (log === undefined) return;
  const { findings, failed } = await askObserver(stage.evidence, number, startedMs);
  log.faults.push(...failed);
  for (const one of findings) {
    const known = log.findings.get(one.key);
    if (known === undefined || SEVERITIES.indexOf(known.severity) < SEVERITIES.indexOf(one.severity)) log.findings.set(one.key, one);
    if (isHigh(one)) log.after ??= number;
  }
}

/** The baseline of the stand-in, and when the first capture of the wrapper began. */
async function note(stage: Stage, logs: readonly Log[], number: number): Promise<void> {
  for (const log of logs) {
    if (log.watcher === 'extension' && number === 0) await look(stage, logs, 0, Date.now());
    if (log.watcher === 'wrapper' && log.after === undefined && (unfinished(stage.evidence) > 0 || (await readCaptures(stage.evidence)).length > 0)) log.after = number;
  }
}

/** A capture that holds no answer may still run when the last invocation is over. */
async function endedCaptures(stage: Stage): Promise<readonly SeenCapture[]> {
  if (unfinished(stage.evidence) > 0) stage.thaw();
  for (let waitedMs = 0; unfinished(stage.evidence) > 0 && waitedMs < CAPTURE_MS; waitedMs += 50) await sleep(50);
  return readCaptures(stage.evidence);
}

function conclude(log: Log, all: readonly SeenCapture[]): Watched {
  const captures = log.watcher === 'wrapper' ? all.filter(({ inProcess }) => inProcess) : [];
  const findings = log.watcher === 'wrapper' ? captures.flatMap((one) => one.findings) : [...log.findings.values()];
  const high = findings.filter(isHigh);
  const triggered = log.watcher === 'wrapper' ? captures.some(({ trigger }) => trigger === 'anomaly') : high.length > 0;
  const strays = captures.filter(({ trigger }) => trigger !== 'anomaly').map(({ trigger, reason }) => `a capture by ${trigger}: ${reason}`);
  return { watcher: log.watcher, triggered, after: log.after, high, low: findings.filter((one) => !high.includes(one)), captures, faults: [...log.faults, ...strays] };
}

function absentOf(scenario: Scenario, { arrivals }: Stage): string[] {
  const wanted = 'arrives' in scenario ? (scenario as Attack).arrives ?? [] : [];
  return wanted.filter(({ at, holds }) => !arrivals.some((one) => one.at === at && (holds?.test(one.text) ?? true))).map(({ at, holds }) => `${at}${holds === undefined ? '' : ` ${holds.source}`}`);
}

/** Whether a watcher has found an attack, by the detectors that name it, and what its capture lacks. */
export function verdict(attack: Attack, watched: Watched): { readonly found: boolean; readonly by: readonly string[]; readonly lacks: readonly string[] } {
  const by = [...new Set(watched.high.map(({ detector }) => detector))].filter((name) => attack.detectors.includes(name));
  const found = watched.triggered && by.length > 0;
  const [capture] = watched.captures.filter(({ trigger }) => trigger === 'anomaly');
  return { found, by, lacks: capture === undefined ? [] : missingEvidence(capture, attack.evidence) };
}
