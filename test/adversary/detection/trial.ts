/** One emulation or workload, from its sandbox to what Amber makes of it at the default policy. */
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding, Severity } from '../../../src/contracts/evidence.ts';
import { missingEvidence, readCaptures, unfinished, type SeenCapture } from './captures.ts';
import type { Attack, Runtime, Scenario, Watcher } from './case.ts';
import { openStage, type Stage } from './stage.ts';

export interface TrialOptions {
  /** Folder of the manifest. */
  readonly folder: string;
  readonly scenario: Scenario;
  readonly runtime: Runtime;
  readonly watchers: readonly Watcher[];
  readonly generation?: 'v3' | 'v4';
  /** Invocations beyond those of the manifest, like its last one, while nobody has captured. */
  readonly further?: number;
}

/** What one watcher has made of a trial. */
export interface Watched {
  readonly watcher: Watcher;
  /** It has started a capture because of an anomaly. */
  readonly triggered: boolean;
  /** The invocation in or after which that was, counted from 1. */
  readonly after: number | undefined;
  /** Findings at the threshold, and below it: of all captures, those at the end of the sandbox included. */
  readonly high: readonly Finding[];
  readonly low: readonly Finding[];
  readonly captures: readonly SeenCapture[];
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
  /** Lines in which Amber says that something of its own went wrong. */
  readonly faults: readonly string[];
  readonly tookMs: number;
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

/** What AMBER_DETECT is in the trial: the default, unless the attack says that it is known to be less. */
export function levelOf(scenario: Scenario): Severity {
  return 'level' in scenario ? ((scenario as Attack).level ?? 'high') : 'high';
}

function reaches({ severity }: Finding, level: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(level);
}

const CAPTURE_MS = 20_000;
/**
 * A wrapper has no time of its own: it looks while the sandbox is awake for its callers. The extension looks at each
 * here.
 */
const FURTHER: Readonly<Record<Watcher, number>> = { wrapper: 12, extension: 2 };

export async function runTrial(options: TrialOptions): Promise<Trial> {
  const begunMs = performance.now();
  const { scenario, runtime, watchers, folder, generation, further } = options;
  const stage = await openStage({
    folder: resolve(folder),
    scenario,
    runtime,
    wrapped: watchers.includes('wrapper'),
    extended: watchers.includes('extension'),
    ...(generation === undefined ? {} : { generation }),
  });
  try {
    const answers = [await readyText(stage)];
    const firsts: (number | undefined)[] = watchers.map(() => undefined);
    let number = 0;
    const invoke = async (event: unknown): Promise<void> => {
      const result = await stage.invoke(event);
      number += 1;
      answers.push('body' in result ? `${result.kind} ${result.body.toString().slice(0, 500)}` : result.kind);
      const begun = await begunBy(stage);
      for (const [index, watcher] of watchers.entries()) if (begun.has(watcher)) firsts[index] ??= number;
    };
    const lives = (): boolean => /^(?:ready|response|error)/u.test(answers.at(-1) ?? '');
    for (const event of scenario.events) if (lives()) await invoke(event);
    for (
      let more = 0;
      more < (further ?? furtherOf(scenario) ?? Math.max(...watchers.map((one) => FURTHER[one]))) &&
      firsts.includes(undefined) &&
      lives();
      more += 1
    )
      await invoke(scenario.events.at(-1));
    if (unfinished(stage.evidence) > 0) stage.thaw();
    await ended(stage);
    if (firsts.includes(undefined)) await stage.shutdown();
    const captures = await readCaptures(stage.evidence);
    const output = `${stage.sandbox.stdout()}${stage.sandbox.stderr()}`;
    return {
      name: basename(folder),
      runtime,
      answers,
      absent: absentOf(scenario, stage),
      output: output.slice(-6000),
      tookMs: Math.round(performance.now() - begunMs),
      faults: output
        .split('\n')
        .filter(
          (line) =>
            /^\{"amber":"(?:fault|config|refused)"/u.test(line) && !/"limit":"(?:cooldown|single-flight)"/u.test(line),
        ),
      watched: watchers.map((watcher, index) =>
        conclude(watcher, { first: firsts[index], all: captures, level: levelOf(scenario) }),
      ),
    };
  } finally {
    await stage.close();
  }
}

function furtherOf(scenario: Scenario): number | undefined {
  return 'further' in scenario ? (scenario as Attack).further : undefined;
}

async function readyText(stage: Stage): Promise<string> {
  const ready = await stage.sandbox.ready();
  return typeof ready === 'string'
    ? ready
    : 'body' in ready
      ? `init-error ${ready.body.toString().slice(0, 500)}`
      : `exit ${ready.code ?? ready.signal ?? ''}`;
}

/**
 * Who has begun a capture. One that is under way cannot be read yet: it is the wrapper's, since the poll of the
 * extension waits for its own.
 */
async function begunBy(stage: Stage): Promise<ReadonlySet<Watcher>> {
  const captures = await readCaptures(stage.evidence);
  return new Set<Watcher>([
    ...captures.map(watcherOf),
    ...(unfinished(stage.evidence) > 0 ? ['wrapper' as const] : []),
  ]);
}

function watcherOf({ inProcess }: SeenCapture): Watcher {
  return inProcess ? 'wrapper' : 'extension';
}

async function ended(stage: Stage): Promise<void> {
  for (let waitedMs = 0; unfinished(stage.evidence) > 0 && waitedMs < CAPTURE_MS; waitedMs += 50) await sleep(50);
}

interface Concluded {
  /** The invocation of the first capture. */
  readonly first: number | undefined;
  readonly all: readonly SeenCapture[];
  readonly level: Severity;
}

function conclude(watcher: Watcher, { first, all, level }: Concluded): Watched {
  const captures = all.filter((one) => watcherOf(one) === watcher);
  const findings = [
    ...new Map(captures.flatMap((one) => one.findings).map((one) => [`${one.key} ${one.severity}`, one])).values(),
  ];
  const triggered = captures.some(({ trigger }) => trigger === 'anomaly');
  return {
    watcher,
    triggered,
    after: triggered ? first : undefined,
    high: findings.filter((one) => reaches(one, level)),
    low: findings.filter((one) => !reaches(one, level)),
    captures,
  };
}

function absentOf(scenario: Scenario, { arrivals }: Stage): string[] {
  const wanted = 'arrives' in scenario ? ((scenario as Attack).arrives ?? []) : [];
  return wanted
    .filter(({ at, holds }) => !arrivals.some((one) => one.at === at && (holds?.test(one.text) ?? true)))
    .map(({ at, holds }) => `${at}${holds === undefined ? '' : ` ${holds.source}`}`);
}

/** Whether a watcher has found an attack: a capture because of an anomaly, and what its evidence lacks. */
export function verdict(
  attack: Attack,
  watched: Watched,
): { readonly found: boolean; readonly by: readonly string[]; readonly lacks: readonly string[] } {
  const capture = watched.captures.find(({ trigger }) => trigger === 'anomaly');
  if (capture === undefined) return { found: false, by: [], lacks: [] };
  // What names the attack, and not what it also does.
  const told = capture.findings.filter((one) => reaches(one, levelOf(attack)));
  const by = [...new Set(told.map(({ detector }) => detector))].filter((name) => attack.detectors.includes(name));
  return { found: by.length > 0, by, lacks: missingEvidence(capture, attack.evidence) };
}
