/** What the recorder costs a Python function: its start, audit events that nobody wants, events, invocations. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pythonHook } from '../../layer/python-hook.ts';
import { needs, pythonOf, VERSIONS, type PythonVersion } from '../layer/python/pythons.ts';
import { unpackedPart } from '../layer/unpacked.ts';
import { median, type Measure, type Row, type Setting } from './measure.ts';

const JOB = join(import.meta.dirname, 'python-job.py');

interface Costs {
  readonly unused: number;
  readonly open: number;
  readonly repeat: number;
  readonly new: number;
  readonly invocation: number;
}

function job(program: string, what: string, folder: string): unknown {
  return JSON.parse(execFileSync(program, ['-B', JOB, what, folder], { encoding: 'utf8' }));
}

function startMs(program: string, folder: string, runs: number): number {
  return median(Array.from({ length: runs }, () => Number(job(program, 'start', folder))));
}

function rowsOf(version: PythonVersion, folder: string, runs: number): readonly Row[] {
  const program = pythonOf(version);
  if (program === undefined) return [{ what: `Python ${version}`, notRun: `needs ${needs(version)}` }];
  const bare = job(program, 'bare', folder) as Costs;
  const recorded = job(program, 'recorded', folder) as Costs;
  const over = (key: keyof Costs): number => recorded[key] - bare[key];
  const row = (what: string, ours: number, most?: number): Row => ({
    what: `Python ${version}: ${what}`,
    ours,
    unit: 'µs',
    ...(most === undefined ? {} : { target: { of: 'ours', most } }),
  });
  return [
    {
      what: `Python ${version}: start, as the layer has it`,
      ours: startMs(program, folder, runs),
      unit: 'ms',
      target: { of: 'ours', most: 6 },
    },
    {
      what: `Python ${version}: start, where the sources are compiled at each cold start`,
      ours: startMs(program, 'layer/python', runs),
      unit: 'ms',
      target: { of: 'ours', most: 6 },
    },
    row('audit event that nobody wants', over('unused'), 0.2),
    row('open of a file that tells nothing', over('open')),
    row('event that happens again', over('repeat')),
    row('new event', over('new'), 9),
    row('begin of an invocation', over('invocation')),
  ];
}

export const python: Measure = {
  name: 'python',
  title: 'The recorder of a Python function: CPU over the bare interpreter',
  run: async ({ quick }: Setting) => {
    const opt = await unpackedPart(pythonHook);
    try {
      return VERSIONS.flatMap((version) => rowsOf(version, join(opt, 'python'), quick ? 5 : 15));
    } finally {
      rmSync(opt, { recursive: true });
    }
  },
};
