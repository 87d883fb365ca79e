/** What `npm run detection` counts: by host, and apart what that host cannot see at all. */
import type { Attack, Runtime, Watcher } from './case.ts';

export interface AttackRow {
  readonly attack: string;
  readonly victim: Runtime;
  readonly watcher: Watcher;
  readonly found: boolean;
  readonly by: readonly string[];
  readonly after: number | undefined;
  /** The emulation did not do what it is to emulate, evidence that the capture lacks, detectors that failed. */
  readonly problems: readonly string[];
  readonly limit: string | undefined;
  /** It is known to be less than `high`. */
  readonly level: Attack['level'];
  readonly findings: readonly string[];
  readonly tookMs: number;
}

export interface BenignRow {
  readonly workload: string;
  readonly victim: Runtime;
  readonly watcher: Watcher;
  readonly triggered: boolean;
  readonly problems: readonly string[];
  readonly findings: readonly string[];
  readonly tookMs: number;
}

/** A watcher that was not run, since there is nothing for it to see. */
export interface Blind {
  readonly attack: string;
  readonly victim: Runtime;
  readonly watcher: Watcher;
  readonly why: string;
}

export interface HostFigures {
  /** Attacks that it can see, and of these the found ones: at `high`, and at `medium` those that are known as less. */
  readonly high: { readonly found: number; readonly of: number };
  readonly medium: { readonly found: number; readonly of: number };
  readonly blind: number;
  /** Workloads that it watched, and of these the ones that started a capture. */
  readonly workloads: number;
  readonly captured: number;
  /** Findings of a workload that started none: half of all have so many or fewer. */
  readonly medianFindings: number;
}

export interface Figures {
  /** By attack and victim: one that any watcher has found is found. */
  readonly tried: number;
  readonly found: number;
  readonly missed: readonly string[];
  readonly limits: number;
  readonly detectors: Readonly<Record<string, number>>;
  readonly hosts: Readonly<Record<Watcher, HostFigures>>;
}

export const WATCHERS: readonly Watcher[] = ['wrapper', 'extension'];

export function figuresOf(
  rows: readonly AttackRow[],
  blind: readonly Blind[],
  workloads: readonly BenignRow[],
): Figures {
  const counted = rows.filter(({ limit }) => limit === undefined);
  const victims = Map.groupBy(counted, ({ attack, victim }) => `${attack} (${victim})`);
  const missed = [...victims].filter(([, group]) => !group.some(({ found }) => found)).map(([name]) => name);
  const detectors: Record<string, number> = {};
  for (const name of rows.flatMap(({ found, by }) => (found ? by : []))) detectors[name] = (detectors[name] ?? 0) + 1;
  const limits = new Set(
    rows.filter(({ limit }) => limit !== undefined).map(({ attack, victim }) => `${attack} ${victim}`),
  ).size;
  const host = (watcher: Watcher): HostFigures =>
    hostOf(
      counted.filter((row) => row.watcher === watcher),
      blind.filter((row) => row.watcher === watcher).length,
      workloads.filter((row) => row.watcher === watcher),
    );
  return {
    tried: victims.size,
    found: victims.size - missed.length,
    missed,
    limits,
    detectors,
    hosts: { wrapper: host('wrapper'), extension: host('extension') },
  };
}

function hostOf(rows: readonly AttackRow[], blind: number, workloads: readonly BenignRow[]): HostFigures {
  const share = (level: AttackRow['level']): HostFigures['high'] => {
    const of = rows.filter((row) => row.level === level);
    return { found: of.filter(({ found }) => found).length, of: of.length };
  };
  const counts = workloads.map(({ findings }) => findings.length).sort((a, b) => a - b);
  return {
    high: share(undefined),
    medium: share('medium'),
    blind,
    workloads: workloads.length,
    captured: workloads.filter(({ triggered }) => triggered).length,
    medianFindings: counts[Math.floor(counts.length / 2)] ?? 0,
  };
}

/** A line of text for a host, of what was run. */
export function hostText(
  name: Watcher,
  { high, medium, blind, workloads, captured, medianFindings }: HostFigures,
): string {
  const attacks =
    `found ${high.found} of ${high.of} attacks that it can see` +
    (medium.of === 0 ? '' : `, and ${medium.found} of ${medium.of} that are known to be medium`) +
    (blind === 0 ? '' : `; ${blind} it cannot see at all`);
  const benign = `${captured} of ${workloads} workloads started a capture (median ${medianFindings} findings)`;
  const parts = [...(high.of + medium.of + blind === 0 ? [] : [attacks]), ...(workloads === 0 ? [] : [benign])];
  return `${name.padEnd(9)} ${parts.join('; ')}`;
}
