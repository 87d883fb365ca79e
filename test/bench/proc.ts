/**
 * Times the process table, first run in a fresh process, at 5, 49 and 499 processes. By hand:
 *
 *     node test/bench/proc.ts [--runs 5] [--counts 5,49,499]
 *
 * Each count has a PID namespace of its own (unshare, as root), so that other processes do not count. Loading the modules
 * is not in the figure: a function loads them before, bundled.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';

const SELF = fileURLToPath(import.meta.url);
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' }, counts: { type: 'string', default: '5,49,499' },
    inside: { type: 'string' }, measure: { type: 'boolean', default: false },
  },
});

interface Sample {
  readonly processes: number;
  readonly snapshotMs: number;
  readonly cpuMs: number;
}

async function measure(): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const table = await snapshotProcesses();
  const snapshotMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { processes: table.processes.length, snapshotMs, cpuMs: (user + system) / 1000 };
}

/** In the namespace: starts the sleepers, then measures in fresh processes. */
async function inside(count: number, runs: number): Promise<Sample[]> {
  const sleepers: ChildProcess[] = [];
  // This process and the one that measures are two of the count.
  for (let index = 0; index < count - 2; index += 1) sleepers.push(spawn('sleep', ['600'], { stdio: 'ignore' }));
  await new Promise((resolve) => setTimeout(resolve, 200 + 2 * count));
  const samples: Sample[] = [];
  for (let run = 0; run < runs; run += 1) {
    const child = spawnSync(process.execPath, ['--no-warnings', SELF, '--measure'], { encoding: 'utf8' });
    samples.push(JSON.parse(child.stdout) as Sample);
  }
  for (const sleeper of sleepers) sleeper.kill('SIGKILL');
  return samples;
}

function print(samples: readonly Sample[]): void {
  const column = (pick: (sample: Sample) => number): string => {
    const sorted = samples.map(pick).sort((a, b) => a - b);
    return `${sorted[0]!.toFixed(1)} / ${sorted[sorted.length >> 1]!.toFixed(1)} ms`;
  };
  console.log(`${samples[0]!.processes} processes: snapshot ${column((s) => s.snapshotMs)} (least / median), CPU ${column((s) => s.cpuMs)}`);
}

if (values.measure) {
  console.log(JSON.stringify(await measure()));
} else if (values.inside !== undefined) {
  console.log(JSON.stringify(await inside(Number(values.inside), Number(values.runs))));
} else {
  for (const count of values.counts.split(',')) {
    const command = [process.execPath, '--no-warnings', SELF, '--inside', count, '--runs', values.runs];
    const child = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', ...command], { encoding: 'utf8' });
    if (child.status !== 0) console.log(`${count} processes: no PID namespace (needs root and unshare)`);
    else print(JSON.parse(child.stdout) as Sample[]);
  }
}
