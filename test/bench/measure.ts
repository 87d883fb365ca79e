/** What a benchmark measures and how: figures side by side from one run, no judgement that fails anything. */
import { spawnSync } from 'node:child_process';

export interface Setting {
  /** Small workloads and few runs: less than a minute in all. */
  readonly quick: boolean;
  /** Empty folder on tmpfs for workloads, removed at the end. */
  readonly folder: string;
  /** Bundles `test/bench/NAME.ts` into one file, as the library is published, and gives its path. */
  readonly program: (name: string) => Promise<string>;
}

export type Unit = 's' | 'ms' | 'µs' | 'ns' | 'MiB' | 'KiB' | 'calls';

/** One figure of ours, beside that of something else from the same run where there is such a thing. */
export interface Figure {
  readonly what: string;
  readonly ours: number;
  readonly unit: Unit;
  readonly against?: { readonly name: string; readonly value: number };
  /** The most that `ours`, or its ratio to `against`, should be. */
  readonly target?: { readonly of: 'ours' | 'ratio'; readonly most: number };
  readonly note?: string;
}

/** What could not be measured here, and why. */
export interface NotRun {
  readonly what: string;
  readonly notRun: string;
}

export type Row = Figure | NotRun;

/** One file in this folder and one line in run.ts. */
export interface Measure {
  readonly name: string;
  /** One line: the workload and what it is compared with. */
  readonly title: string;
  readonly run: (setting: Setting) => Promise<readonly Row[]>;
}

export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Runs a shell command (a pipeline too) and gives its cost, without that of the shell. */
export function timeCommand(command: string): Cost {
  const script = `set -o pipefail; TIMEFORMAT='%3R %3U %3S'; exec 3>&2; time { ${command}\n} 2>&3`;
  const { status, stderr } = spawnSync('bash', ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [wall, user, system] =
    stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.split(' ')
      .map((text) => Number(text) * 1000) ?? [];
  if (status !== 0 || wall === undefined || user === undefined || system === undefined)
    throw new Error(`${command}: ${stderr}`);
  return { wallMs: wall, cpuMs: user + system };
}

/** The last line of what a program of Node prints, as JSON. */
export function runNode(args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** Runs the contenders by turns, so that what else the machine does meets all of them; gives the median of each. */
export function byTurns<K extends string>(
  runs: number,
  contenders: Readonly<Record<K, () => number>>,
): Record<K, number> {
  const names = Object.keys(contenders) as K[];
  const found = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let run = 0; run < runs; run += 1) for (const name of names) found.get(name)?.push(contenders[name]());
  return Object.fromEntries(names.map((name) => [name, median(found.get(name) ?? [])])) as Record<K, number>;
}

/** Of what was measured several times. */
export interface Spread {
  readonly median: number;
  readonly least: number;
}

/** The same of contenders that give several figures. */
export function byTurnsAll<T>(
  runs: number,
  contenders: Readonly<Record<string, () => T>>,
): (name: string, figure: (one: T) => number) => Spread {
  const found = new Map<string, T[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let run = 0; run < runs; run += 1)
    for (const [name, one] of Object.entries(contenders)) found.get(name)?.push(one());
  return (name, figure) => {
    const all = (found.get(name) ?? []).map(figure);
    return { median: median(all), least: Math.min(...all) };
  };
}

export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function ratioOf({ ours, against }: Figure): number | undefined {
  return against === undefined ? undefined : ours / against.value;
}

/** Undefined where there is no target. */
export function isMet(figure: Figure): boolean | undefined {
  const { target, ours } = figure;
  return target === undefined
    ? undefined
    : (target.of === 'ours' ? ours : (ratioOf(figure) ?? Number.NaN)) <= target.most;
}
