/** The volatile collectors beside psutil, each in a fresh process, in a PID namespace with so many processes. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { median, type Figure, type Measure, type Row } from './measure.ts';

const PYTHON = 'test/peers/venv/bin/python';
/** Processes and the most milliseconds for them. */
const COUNTS = [
  [5, 15],
  [49, 30],
  [499, 130],
] as const;

interface Sample {
  readonly collectedMs?: number;
  readonly ms?: number;
  readonly processes: number;
}

export const volatile: Measure = {
  name: 'volatile',
  title:
    'Process table and volatile collectors in process, first run, in a PID namespace of their own, against psutil for what it knows',
  run: ({ quick }): Promise<readonly Row[]> =>
    Promise.resolve(COUNTS.slice(0, quick ? 2 : 3).flatMap(([count, most]) => atCount(count, most, quick ? 3 : 7))),
};

function atCount(count: number, most: number, runs: number): readonly Row[] {
  const what = `${count} processes`;
  const psutil = existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import psutil']).status === 0;
  // The shell and the program that measures are two of the count.
  const script = `for n in $(seq ${count - 2}); do sleep 600 & done; sleep ${0.3 + count / 500}
for n in $(seq ${runs}); do '${process.execPath}' --no-warnings test/bench/proc.ts --measure; ${psutil ? `${PYTHON} test/bench/psutil-job.py` : ':'}; done`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-c', script],
    { encoding: 'utf8' },
  );
  if (status !== 0) return [{ what, notRun: `needs root and unshare(1), for a PID namespace: ${stderr.slice(-300)}` }];
  const samples = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Sample);
  const ours = median(samples.flatMap(({ collectedMs }) => collectedMs ?? []));
  const figure: Figure = { what, ours, unit: 'ms', target: { of: 'ours', most } };
  if (!psutil)
    return [
      figure,
      {
        what: `${what}, against psutil`,
        notRun: 'needs the packages of test/peers/requirements.txt in test/peers/venv',
      },
    ];
  const theirs = median(samples.flatMap(({ ms }) => ms ?? []));
  const third = count >= 49 ? { target: { of: 'ratio', most: 1 / 3 } as const } : {};
  return [
    figure,
    { what: `${what}, against psutil`, ours, unit: 'ms', against: { name: 'psutil', value: theirs }, ...third },
  ];
}
