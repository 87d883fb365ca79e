/** What looking for anomalies costs: in process at every invocation, and a look at 10 processes, 20 sockets and 200 files. */
import { spawnSync } from 'node:child_process';
import type { Measure, Row } from './measure.ts';

interface Figures {
  readonly idleUs: number;
  readonly pidsUs: number;
  readonly lookMs: number;
  readonly firstMs: number;
  readonly judgeMs: number;
  readonly processes: number;
  readonly sockets: number;
  readonly files: number;
}

/** A PID and a network namespace of its own: what else the machine runs does not count. */
function run(): Promise<readonly Row[]> {
  return Promise.resolve(rows());
}

function rows(): readonly Row[] {
  const command = [process.execPath, '--no-warnings', 'test/bench/detect-job.ts'];
  const child = spawnSync('unshare', ['--pid', '--net', '--mount', '--fork', '--mount-proc', ...command], { encoding: 'utf8' });
  if (child.status !== 0) return [{ what: 'detection', notRun: 'needs root and unshare' }];
  const { idleUs, pidsUs, lookMs, firstMs, judgeMs, processes, sockets, files } = JSON.parse(child.stdout) as Figures;
  const load = `${String(processes)} processes, ${String(sockets)} sockets, ${String(files)} files`;
  return [
    { what: 'in process, nothing has moved', ours: idleUs, unit: 'µs', target: { most: 10, of: 'ours' } },
    { what: 'in process, a process or thread was started', ours: pidsUs, unit: 'µs', target: { most: 100, of: 'ours' } },
    { what: `a look with all detectors, CPU, ${load}`, ours: lookMs, unit: 'ms', target: { most: 5, of: 'ours' }, note: `of it detectors ${judgeMs.toFixed(2)} ms` },
    { what: 'the first look, with every file opened and code that is not compiled yet', ours: firstMs, unit: 'ms' },
  ];
}

export const detect: Measure = { name: 'detect', title: 'Looking for anomalies', run };
