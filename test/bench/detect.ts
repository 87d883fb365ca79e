/**
 * What looking for anomalies costs: in process at every invocation, and a look at 10 processes, 20 sockets and 200
 * files.
 */
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
  const child = spawnSync('unshare', ['--pid', '--net', '--mount', '--fork', '--mount-proc', ...command], {
    encoding: 'utf8',
  });
  if (child.status !== 0) return [{ what: 'detection', notRun: 'needs root and unshare' }];
  const { idleUs, pidsUs, lookMs, firstMs, judgeMs, processes, sockets, files } = JSON.parse(child.stdout) as Figures;
  const load = `${String(processes)} processes, ${String(sockets)} sockets, ${String(files)} files`;
  return [
    { what: 'in process, nothing has moved', ours: idleUs, unit: 'µs', target: { most: 10, of: 'ours' } },
    ...syscallRows(),
    {
      what: 'in process, a process or thread was started',
      ours: pidsUs,
      unit: 'µs',
      target: { most: 100, of: 'ours' },
    },
    {
      what: `a look with all detectors, CPU, ${load}`,
      ours: lookMs,
      unit: 'ms',
      target: { most: 5, of: 'ours' },
      note: `of it detectors ${judgeMs.toFixed(2)} ms`,
    },
    { what: 'the first look, with every file opened and code that is not compiled yet', ours: firstMs, unit: 'ms' },
  ];
}

const INVOCATIONS = 2000;

/** By the kernel's own count, in a quiet place: what 2,000 invocations call more than none. */
function syscallRows(): readonly Row[] {
  const [none, many] = [countSyscalls(0), countSyscalls(INVOCATIONS)];
  if (none === undefined || many === undefined)
    return [{ what: 'in process, system calls of an invocation', notRun: 'needs root, unshare and strace' }];
  const each = [...many]
    .map(([name, calls]) => [name, (calls - (none.get(name) ?? 0)) / INVOCATIONS] as const)
    .filter(([, calls]) => calls > 0.1);
  const total = each.reduce((sum, [, calls]) => sum + calls, 0);
  return [
    {
      what: 'in process, system calls of an invocation',
      ours: total,
      unit: 'calls',
      note: each.map(([name, calls]) => `${name} ${calls.toFixed(1)}`).join(', '),
    },
  ];
}

function countSyscalls(invocations: number): ReadonlyMap<string, number> | undefined {
  const place = [
    '--pid',
    '--net',
    '--mount',
    '--fork',
    '--mount-proc',
    'sh',
    '-c',
    'mount -t tmpfs tmpfs /tmp && exec "$@"',
    'sh',
  ];
  const { status, stderr } = spawnSync(
    'unshare',
    [
      ...place,
      'strace',
      '-c',
      '-S',
      'calls',
      process.execPath,
      '--no-warnings',
      'test/bench/detect-idle.ts',
      String(invocations),
    ],
    { encoding: 'utf8' },
  );
  // % time, seconds, usecs/call, calls, errors where there are some, and the name.
  const rows = stderr
    .split('\n')
    .map((line) => /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/u.exec(line))
    .filter((row) => row !== null)
    .filter((row) => row[2] !== 'total');
  return status === 0 && rows.length > 0
    ? new Map(rows.map(([, calls, name]) => [name ?? '', Number(calls)]))
    : undefined;
}

export const detect: Measure = { name: 'detect', title: 'Looking for anomalies', run };
