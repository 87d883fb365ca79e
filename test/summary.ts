/** What `npm test` says at the end of both runs: what did not run and what it needs, the slowest files, the failures. */
import type { Told } from './tally.ts';

export interface Run {
  /** Version of the Node that ran it. */
  readonly node: string;
  readonly told: readonly Told[];
}

const SLOWEST = 15;
const NOT_RUN = /^not run: (?:needs )?(.*)$/su;

/** What the skip message says is missing: each program of a list of programs, or the words as they are. */
export function needsOf(why: string): readonly string[] {
  const needs = NOT_RUN.exec(why)?.[1];
  if (needs === undefined) return [];
  const parts = needs.split(', ');
  return parts.every((part) => /^[\w.+-]+$/u.test(part)) ? parts : [needs];
}

export function readTold(text: string): readonly Told[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Told);
}

/** Milliseconds that a file took, by its path: test/durations.json. */
export type Durations = Readonly<Record<string, number>>;

/**
 * The order in which node is to start them: what takes long does not begin last, when one core has nothing else to do.
 * A file that nothing is known of comes first.
 */
export function longestFirst(files: readonly string[], known: Durations): readonly string[] {
  const lasts = (file: string): number => known[file] ?? Infinity;
  return [...files].sort((one, other) => (lasts(one) === lasts(other) ? 0 : lasts(other) - lasts(one)));
}

/** Milliseconds by file, the longest of its runs. */
export function durationsOf(runs: readonly Run[]): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const { told } of runs)
    for (const one of told)
      if (one.told === 'file') longest.set(one.file, Math.max(one.ms, longest.get(one.file) ?? 0));
  return longest;
}

/** Lines for the reader. None begins as the closing lines of node's own reporter do, which CI reads. */
export function summary(runs: readonly Run[]): string {
  return [...notRun(runs), ...slowest(runs), ...failures(runs)].map((line) => `${line}\n`).join('');
}

function notRun(runs: readonly Run[]): readonly string[] {
  const skips = runs.flatMap(({ told }) => told.filter((one) => one.told === 'skip'));
  const lacking = skips.filter(({ why }) => needsOf(why).length > 0);
  const others = skips.filter(({ why }) => needsOf(why).length === 0);
  return [
    `# not run for want of something: ${counted(lacking)}`,
    ...byReason(lacking.flatMap((skip) => needsOf(skip.why).map((need) => ({ ...skip, why: `needs ${need}` })))),
    ...(others.length === 0 ? [] : [`# left out for another reason: ${counted(others)}`]),
    ...byReason(others.map((skip) => ({ ...skip, why: skip.why === '' ? 'no reason is given' : skip.why }))),
  ];
}

type Skip = Extract<Told, { told: 'skip' }>;

function byReason(skips: readonly Skip[]): readonly string[] {
  return [...Map.groupBy(skips, ({ why }) => why)]
    .sort(([one, some], [other, more]) => more.length - some.length || one.localeCompare(other))
    .map(([why, group]) => `#   ${why}: ${counted(group)}`);
}

function counted(skips: readonly Skip[]): string {
  const suites = skips.filter(({ isSuite }) => isSuite).length;
  const tests = `${skips.length - suites} tests`;
  return suites === 0 ? tests : `${tests}, ${suites} suites as a whole`;
}

function slowest(runs: readonly Run[]): readonly string[] {
  const files = runs
    .flatMap(({ node, told }) => told.flatMap((one) => (one.told === 'file' ? [{ ...one, node }] : [])))
    .sort((one, other) => other.ms - one.ms);
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const all = files.reduce((sum, { ms }) => sum + ms, 0);
  return [
    `# the slowest of ${files.length} files, which took ${seconds(all)} s together`,
    ...files.slice(0, SLOWEST).map(({ file, ms, node }) => `#   ${seconds(ms).padStart(7)} s  ${file} (${node})`),
  ];
}

function failures(runs: readonly Run[]): readonly string[] {
  const failed = runs.flatMap(({ node, told }) =>
    told.flatMap((one) => (one.told === 'fail' ? [{ ...one, node }] : [])),
  );
  return [
    `# failed: ${failed.length} tests`,
    ...failed.map(({ file, name, node }) => `#   ${file === name ? file : `${file}: ${name}`} (${node})`),
  ];
}
