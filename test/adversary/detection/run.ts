/**
 * `npm run detection`: emulated attacks and suspicious-looking workloads, each in a sandbox of its own, and what Amber
 * makes of them at the default policy. Exits with 1 if an attack was missed or a workload started a capture.
 *
 *     npm run detection -- --json                 one object
 *     npm run detection -- --only miner,sharp     these alone
 *     npm run detection -- --attacks | --benign   one suite
 *     npm run detection -- --slice 3 --seed WORD  three of each suite, drawn by the seed: .ci/run gives the commit
 *     npm run detection -- --verbose              every finding
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Attack, Benign, Runtime, Watcher } from './case.ts';
import { figuresOf, hostText, WATCHERS, type AttackRow, type BenignRow, type Blind, type Figures } from './figures.ts';
import { attacks, benign, installPackages, lackingForSandbox, lackingPackages, type Found } from './suites.ts';
import { runtimeFor } from './runtimes.ts';
import { runTrial, verdict, type Trial, type Watched } from './trial.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string' },
    attacks: { type: 'boolean' },
    benign: { type: 'boolean' },
    slice: { type: 'string' },
    seed: { type: 'string', default: '1' },
    verbose: { type: 'boolean' },
  },
});

const say = (line: string): void => {
  if (values.json !== true) process.stdout.write(`${line}\n`);
};
const wanted = values.only?.split(',');
const place = (name: string): string => createHash('sha256').update(`${values.seed} ${name}`).digest('hex');
const chosen = <T>(found: readonly Found<T>[]): readonly Found<T>[] => {
  const named = found.filter(({ name }) => wanted?.includes(name) ?? true);
  if (values.slice === undefined) return named;
  return named.sort((a, b) => (place(a.name) < place(b.name) ? -1 : 1)).slice(0, Number(values.slice));
};

function findingLines({ high, low }: Watched): string[] {
  return [...high, ...low].map(({ severity, detector, title }) => `${severity} ${detector}: ${title}`);
}

function problemsOf({ answers, absent, faults }: Trial): string[] {
  const bad = answers.filter((answer) => !/^(?:ready|response)/u.test(answer)).map((answer) => `answered: ${answer}`);
  return [...bad, ...absent.map((one) => `did not happen: ${one}`), ...faults];
}

/** Why a watcher is not run: it has nothing to see, or it cannot be there. */
function blindness(watcher: Watcher, runtime: Runtime, { inProcess, blind, limit }: Attack): string | undefined {
  if (limit === undefined && blind?.[watcher] !== undefined) return blind[watcher];
  if (watcher === 'extension' || inProcess.includes(runtime)) return undefined;
  return runtime === 'node' ? 'the attack takes its process away' : 'there is none for this runtime';
}

/** Wrapper and extension have sandboxes of their own: neither may profit from the other. */
const blinds: Blind[] = [];

async function runAttack({ name, folder, scenario }: Found<Attack>): Promise<AttackRow[]> {
  const rows: AttackRow[] = [];
  for (const runtime of scenario.victims) {
    for (const watcher of WATCHERS) {
      const why = blindness(watcher, runtime, scenario);
      if (why !== undefined) blinds.push({ attack: name, victim: runtime, watcher, why });
      if (why !== undefined) continue;
      const trial = await runTrial({ folder, scenario, runtime, watchers: [watcher] });
      const [watched] = trial.watched;
      if (watched === undefined) continue;
      const { found, by, lacks } = verdict(scenario, watched);
      rows.push({
        attack: name,
        victim: runtime,
        watcher,
        found,
        by,
        after: watched.after,
        limit: scenario.limit,
        level: scenario.level,
        tookMs: trial.tookMs,
        problems: [...problemsOf(trial), ...lacks.map((one) => `not in the capture: ${one}`)],
        findings: findingLines(watched),
      });
    }
  }
  return rows;
}

async function runBenign({ name, folder, scenario }: Found<Benign>): Promise<BenignRow[]> {
  const rows: BenignRow[] = [];
  for (const runtime of scenario.victims) {
    const trial = await runTrial({
      folder,
      scenario,
      runtime,
      watchers: runtime === 'node' ? ['wrapper', 'extension'] : ['extension'],
      further: 2,
    });
    for (const watched of trial.watched) {
      rows.push({
        workload: name,
        victim: runtime,
        watcher: watched.watcher,
        triggered: watched.triggered,
        tookMs: trial.tookMs,
        problems: problemsOf(trial),
        findings: findingLines(watched),
      });
    }
  }
  return rows;
}

function tell(row: AttackRow | BenignRow): void {
  const what = 'attack' in row ? row.attack : row.workload;
  const outcome =
    'attack' in row
      ? row.found
        ? `found by ${row.by.join(', ')}`
        : row.limit === undefined
          ? 'MISSED'
          : 'not found (a limit)'
      : row.triggered
        ? 'TRIGGERED'
        : 'quiet';
  say(`  ${what.padEnd(24)} ${row.victim.padEnd(7)} ${row.watcher.padEnd(10)} ${outcome}`);
  for (const problem of row.problems) say(`      problem: ${problem}`);
  const failed = 'attack' in row ? !row.found : row.triggered;
  if (values.verbose === true || failed)
    for (const line of row.findings.slice(0, 40)) say(`      ${line.slice(0, 200)}`);
}

function told<T extends AttackRow | BenignRow>(rows: readonly T[]): readonly T[] {
  rows.forEach(tell);
  return rows;
}

async function main(): Promise<number> {
  const lacking = lackingForSandbox();
  if (lacking !== undefined) {
    process.stderr.write(`detection needs ${lacking}\n`);
    return 2;
  }
  const both = values.attacks !== true && values.benign !== true;
  const attackRows: AttackRow[] = [];
  const benignRows: BenignRow[] = [];
  if (both || values.attacks === true) {
    say(`attacks (${runtimeFor('node').name}, ${runtimeFor('python').name})`);
    for (const one of chosen(await attacks())) attackRows.push(...told(await runAttack(one)));
  }
  const skipped: string[] = [];
  if (both || values.benign === true) {
    const trouble = installPackages();
    if (trouble !== undefined) say(trouble);
    say('benign workloads');
    for (const one of chosen(await benign())) {
      const absent = lackingPackages(one.scenario);
      if (absent.length > 0) skipped.push(`${one.name}: needs ${absent.join(', ')}`);
      else benignRows.push(...told(await runBenign(one)));
    }
  }
  return conclude(attackRows, benignRows, skipped);
}

function conclude(
  attackRows: readonly AttackRow[],
  benignRows: readonly BenignRow[],
  skipped: readonly string[],
): number {
  const figures = figuresOf(attackRows, blinds, benignRows);
  const triggered = benignRows.filter((row) => row.triggered).length;
  const problems = [...attackRows, ...benignRows].filter((row) => row.problems.length > 0).length;
  const workloads = new Set(benignRows.map(({ workload, victim }) => `${workload} ${victim}`)).size;
  if (values.json === true) {
    const text = {
      attacks: { ...figures, blind: blinds, rows: attackRows },
      benign: { run: benignRows.length, workloads, triggered, skipped, rows: benignRows },
      problems,
    };
    process.stdout.write(`${JSON.stringify(text, undefined, 2)}\n`);
  }
  if (attackRows.length > 0) sayAttacks(figures);
  if (benignRows.length > 0)
    say(`benign captures triggered: ${triggered} of ${benignRows.length} (${workloads} workloads)`);
  for (const watcher of WATCHERS) say(`  ${hostText(watcher, figures.hosts[watcher])}`);
  for (const one of skipped) say(`  not run: ${one}`);
  if (problems > 0) say(`${problems} rows have problems`);
  return figures.missed.length + triggered + problems > 0 ? 1 : 0;
}

function sayAttacks({ found, tried, limits, missed, detectors }: Figures): void {
  say(`attacks found: ${found} of ${tried}; beside these, ${limits} that are known to be out of reach`);
  for (const name of missed) say(`  missed: ${name}`);
  const counts = Object.entries(detectors).sort((a, b) => b[1] - a[1]);
  say(`detectors: ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`);
}

process.exitCode = await main();
