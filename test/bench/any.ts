/**
 * What the extension of the `any` layer keeps while nothing is due, beside a runtime of each language: it shares
 * nothing with them.
 */
import { readFileSync } from 'node:fs';
import { anyLayer } from '../host/extension/any-layer.ts';
import { HANDLERS } from '../host/extension/sandbox.ts';
import { OTHER_RUNTIMES } from '../host/extension/runtimes.ts';
import { standIn } from '../sandbox/clients.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { startPlatform, type PlatformOptions } from '../sandbox/platform.ts';
import { median, type Measure, type Row } from './measure.ts';

type Parts = Pick<PlatformOptions, 'runtime' | 'mounts' | 'handler'>;

const NODE: Parts = {
  handler: 'lifecycle.handler',
  runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } },
};
/** Invocations before it is measured: what its end needs is prepared after the first. */
const WARM = 3;

export const any: Measure = {
  name: 'any',
  title: 'the extension of the any layer with a Node of its own: idle memory beside each runtime',
  run: async ({ quick }) => {
    if (!canIsolate()) return [{ what: 'any', notRun: 'needs root, for namespaces, and a checkout outside of /tmp' }];
    const rows: Row[] = [];
    for (const { name, needs, parts } of [...OTHER_RUNTIMES, { name: 'Node', needs: '', parts: () => NODE }]) {
      const found = parts();
      if (found === undefined) rows.push({ what: `beside ${name}`, notRun: `needs ${needs}` });
      else rows.push(...(await beside(name, found, quick ? 1 : 5)));
    }
    return rows;
  },
};

interface Memory {
  /** Private pages: what would be free without it. */
  readonly uss: number;
  readonly pss: number;
  readonly rss: number;
  /**
   * Pages that no file holds: what the kernel cannot drop. The rest of the private ones are of the program, Node
   * itself.
   */
  readonly anonymous: number;
  readonly runtimeRss: number;
}

async function beside(name: string, parts: Parts, runs: number): Promise<Row[]> {
  const all: Memory[] = [];
  for (let run = 0; run < runs; run += 1) all.push(await once(parts));
  const of = (field: keyof Memory): number => median(all.map((one) => one[field]));
  const runtime = { name: `RSS of the ${name} runtime`, value: of('runtimeRss') };
  const what = (kind: string): string => `beside ${name}, ${kind}`;
  return [
    {
      what: what('USS'),
      ours: of('uss'),
      unit: 'MiB',
      note: `${of('anonymous').toFixed(1)} MiB are held by no file; the rest are pages of its Node, which the kernel can drop`,
    },
    { what: what('PSS'), ours: of('pss'), unit: 'MiB' },
    { what: what('RSS'), ours: of('rss'), unit: 'MiB', against: runtime },
  ];
}

async function once(parts: Parts): Promise<Memory> {
  const platform = await startPlatform({
    opt: await anyLayer(),
    memoryMb: 512,
    timeoutMs: 15_000,
    freeze: false,
    ...parts,
    extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }],
    env: { AMBER_DESTINATION: 's3://evidence-bucket', AMBER_CODE: '/var/task' },
  });
  try {
    for (let invocation = 0; invocation < WARM; invocation += 1) {
      await platform.invoke({});
      await platform.idle();
    }
    const extension = memoryOf(platform.extension('amber')?.pid ?? 0);
    return { ...extension, runtimeRss: memoryOf(platform.runtime()?.pid ?? 0).rss };
  } finally {
    await platform.stop();
  }
}

/** proc_pid_smaps(5): sums over all mappings, in MiB. */
function memoryOf(pid: number): Omit<Memory, 'runtimeRss'> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const sum = (...names: readonly string[]): number =>
    names.reduce(
      (total, name) => total + Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(text)?.[1] ?? Number.NaN),
      0,
    ) / 1024;
  return { uss: sum('Private_Clean', 'Private_Dirty'), pss: sum('Pss'), rss: sum('Rss'), anonymous: sum('Anonymous') };
}
