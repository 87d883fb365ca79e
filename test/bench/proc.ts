/**
 * Times the process table and the volatile collectors, first run in a fresh process, at 5, 49 and 499 processes. By
 * hand:
 *
 *     node test/bench/proc.ts [--runs 5] [--counts 5,49,499]
 *
 * Each count has a PID namespace of its own (unshare, as root), so that other processes do not count. Loading the
 * modules is not in the figure: a function loads them before, bundled.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { descriptors } from '../../src/collect/descriptors.ts';
import { environment } from '../../src/collect/environment.ts';
import { memory } from '../../src/collect/memory.ts';
import { processes } from '../../src/collect/processes.ts';
import { procfs } from '../../src/collect/procfs.ts';
import { sockets } from '../../src/collect/sockets.ts';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';
import { makeContext } from '../collect/context.ts';

const SELF = fileURLToPath(import.meta.url);
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    counts: { type: 'string', default: '5,49,499' },
    inside: { type: 'string' },
    measure: { type: 'boolean', default: false },
  },
});

interface Sample {
  readonly processes: number;
  readonly snapshotMs: number;
  /** With the collectors, without hashing executables. */
  readonly collectedMs: number;
  /** Hashing of executables beside. */
  readonly hashedMs: number;
  readonly cpuMs: number;
}

async function measure(): Promise<Sample> {
  const made = makeContext({});
  // What loading left to do in the background is not part of it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const table = await snapshotProcesses();
  const snapshotMs = performance.now() - start;
  const scene = { ...made, processes: () => Promise.resolve(table), env: process.env };
  // Without time left nothing is hashed.
  const hurried = { ...scene, budget: { ...scene.budget, remainingMs: () => 0 } };
  for (const collector of [processes, sockets, descriptors, environment, memory, procfs]) {
    for await (const entry of collector.collect(hurried)) if (entry.kind === 'file') throw new Error('no files here');
  }
  const collectedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const before = performance.now();
  for await (const entry of processes.collect(scene)) if (entry.kind === 'file') throw new Error('no files here');
  return {
    processes: table.processes.length,
    snapshotMs,
    collectedMs,
    hashedMs: performance.now() - before,
    cpuMs: (user + system) / 1000,
  };
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
  console.log(
    `${samples[0]!.processes} processes (least / median): snapshot ${column((s) => s.snapshotMs)}, with collectors ${column((s) => s.collectedMs)}, CPU ${column((s) => s.cpuMs)}; hashing executables ${column((s) => s.hashedMs)}`,
  );
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
