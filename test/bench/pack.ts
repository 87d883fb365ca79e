/**
 * A program of the benchmark, bundled before it runs: one tree of files through the collector of /tmp and the archive,
 * as in a capture, to a sink in this process that drops the segments. Prints what it cost as JSON.
 *
 *     node pack.mjs DIR COMPRESSION [RUNS]
 */
import { readFileSync } from 'node:fs';
import { runCollector } from '../../src/archive/run-collector.ts';
import { Tarball } from '../../src/archive/tarball.ts';
import { writable } from '../../src/collect/writable.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { CollectorContext, Segment } from '../../src/contracts/evidence.ts';
import { startBudget, type RunningBudget } from '../../src/lambda/budget.ts';
import { openManifest } from '../../src/seal/manifest.ts';
import { passThrough } from '../../src/secrets/redactor.ts';
import type { ProcessTable } from '../../src/contracts/process-table.ts';

const MIB = 1024 * 1024;

export interface PackCost {
  /** Milliseconds of each run in this process. */
  readonly ms: readonly number[];
  /** Bytes of the segments, and entries, of one run. */
  readonly bytes: number;
  readonly items: number;
  /** Resident bytes before the first run, and the most at any time. */
  readonly idle: number;
  readonly peak: number;
}

async function pack(
  directory: string,
  compression: 'zstd' | 'gzip' | 'none',
): Promise<{ bytes: number; items: number }> {
  const budget = startBudget({ collectMs: 600_000, totalMs: 600_000, bytes: 2 ** 40, sliceMs: 8 });
  const manifest = openManifest('01890000-0000-7000-8000-000000000000');
  const tarball = new Tarball({
    compression,
    segmentBytes: 4 * MIB,
    segmentMs: 2000,
    partBytes: MIB / 2,
    startedMs: Date.now(),
    redactor: passThrough(),
    budget,
    spend: budget.spend,
    manifest,
    onSegment: keepTwo(),
  });
  await runCollector(writable, sceneOf(directory, budget), tarball);
  const { bytes } = await tarball.close();
  budget.end();
  return { bytes, items: Object.values(manifest.outcomes()).reduce((sum, count) => sum + count, 0) };
}

/** A destination that never waits and has two segments in memory, as the outbox may have. */
function keepTwo(): (segment: Segment) => Promise<void> {
  const kept: Segment[] = [];
  return (segment) => {
    if (kept.push(segment) > 2) kept.shift()?.recycle?.();
    return Promise.resolve();
  };
}

function sceneOf(directory: string, budget: RunningBudget): CollectorContext {
  const table: Partial<ProcessTable> = { processes: [], self: process.pid };
  return {
    captureId: '01890000-0000-7000-8000-000000000000',
    startedMs: Date.now(),
    cause: { trigger: 'call', reason: 'benchmark' },
    invocation: undefined,
    config: resolveConfig({}, {}),
    budget,
    env: {},
    inProcess: true,
    roots: { proc: '/proc', etc: '/etc', writable: [directory], code: [] },
    processes: () => Promise.resolve(table as ProcessTable),
  };
}

/** The peak since exec (VmHWM of proc_pid_status(5)); ru_maxrss would begin with that of the parent. */
function peak(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/mu.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

const [directory = '', compression = 'none', runs = '1'] = process.argv.slice(2);
const idle = process.memoryUsage.rss();
const ms: number[] = [];
let last = { bytes: 0, items: 0 };
for (let run = 0; run < Number(runs); run += 1) {
  const started = performance.now();
  last = await pack(directory, compression as 'none');
  ms.push(performance.now() - started);
}
const cost: PackCost = { ms, ...last, idle, peak: peak() };
console.log(JSON.stringify(cost));
