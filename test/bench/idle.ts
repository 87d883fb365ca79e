/**
 * What Amber costs a function that is not captured, against the bare function and middy in the same run.
 *
 *     node test/bench/idle.ts [--json]
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleLibrary } from './bundle.ts';
import { median, type Measure } from './measure.ts';

const RUNS = 21;

interface ImportCost {
  readonly ms: number;
  readonly heap: number;
  readonly rss: number;
  readonly modules: readonly string[];
}

export interface IdleCost {
  readonly node: string;
  readonly importMs: {
    readonly hello: number;
    readonly wrapped: number;
    readonly over: number;
    readonly middyOver: number;
  };
  readonly importHeapKiB: { readonly hello: number; readonly wrapped: number; readonly over: number };
  readonly importRssKiB: { readonly over: number };
  /** Nanoseconds a call. */
  readonly invokeNs: Readonly<Record<string, number>>;
}

/** Measures with the Node that runs this. */
export async function measureIdle(): Promise<IdleCost> {
  const { directory, entry } = await bundleLibrary();
  try {
    const hello = join(directory, 'hello.mjs');
    const wrapped = join(directory, 'wrapped.mjs');
    writeFileSync(hello, 'export const handler = async (event) => event;\n');
    writeFileSync(
      wrapped,
      `import { withCapture } from ${JSON.stringify(entry)};\nexport const handler = withCapture(async (event) => event);\n`,
    );
    const middy = join(directory, 'middy.mjs');
    writeFileSync(middy, "import middy from '@middy/core';\nexport const handler = middy(async (event) => event);\n");
    const runs = Array.from({ length: RUNS }, () => ({
      hello: importOnce(hello),
      wrapped: importOnce(wrapped),
      middy: importOnce(middy),
    }));
    const of = (name: 'hello' | 'wrapped' | 'middy', key: 'ms' | 'heap' | 'rss'): number =>
      median(runs.map((run) => run[name][key]));
    const invokeNs = json(
      invokeApart(entry) ??
        spawnSync(process.execPath, ['test/bench/idle-invoke.mjs', entry], { encoding: 'utf8' }).stdout,
    ) as Record<string, number>;
    return {
      node: process.version,
      importMs: {
        hello: of('hello', 'ms'),
        wrapped: of('wrapped', 'ms'),
        over: of('wrapped', 'ms') - of('hello', 'ms'),
        middyOver: of('middy', 'ms') - of('hello', 'ms'),
      },
      importHeapKiB: {
        hello: of('hello', 'heap') / 1024,
        wrapped: of('wrapped', 'heap') / 1024,
        over: (of('wrapped', 'heap') - of('hello', 'heap')) / 1024,
      },
      importRssKiB: { over: (of('wrapped', 'rss') - of('hello', 'rss')) / 1024 },
      invokeNs,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * With processes and a writable tree of its own, as in a sandbox: what else this machine starts and writes does not
 * move anything.
 */
function invokeApart(entry: string): string | undefined {
  const place = [
    '--pid',
    '--mount',
    '--fork',
    '--mount-proc',
    'sh',
    '-c',
    'mount -t tmpfs tmpfs /mnt && exec "$@"',
    'sh',
  ];
  const { status, stdout } = spawnSync(
    'unshare',
    [...place, process.execPath, 'test/bench/idle-invoke.mjs', entry, '/mnt'],
    { encoding: 'utf8' },
  );
  return status === 0 ? stdout : undefined;
}

function importOnce(module: string): ImportCost {
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', 'test/bench/idle-import.mjs', module], {
    encoding: 'utf8',
    env: {},
  });
  return json(stdout) as ImportCost;
}

function json(text: string): unknown {
  return JSON.parse(text);
}

/** The most nanoseconds a call over the bare handler, by the way of wrapping. */
const MAX_NS: Readonly<Record<string, number>> = { idle: 500, error: 500, deadline: 1500, anomaly: 10_000 };
const WAYS: Readonly<Record<string, string>> = {
  idle: 'nothing armed',
  error: 'errors armed',
  deadline: 'deadline armed',
  anomaly: 'looking for anomalies',
};

export const idle: Measure = {
  name: 'idle',
  title: 'The published wrapper over a hello module, nothing captured, against middy',
  run: async () => {
    const { importMs, importHeapKiB, importRssKiB, invokeNs } = await measureIdle();
    const { bare = Number.NaN, middy = Number.NaN } = invokeNs;
    return [
      {
        what: 'import, nothing armed, over a hello module',
        ours: importMs.over,
        unit: 'ms',
        against: { name: '@middy/core', value: importMs.middyOver },
        target: { of: 'ours', most: 1.5 },
      },
      {
        what: 'memory of the import, over a hello module',
        ours: importHeapKiB.over,
        unit: 'KiB',
        target: { of: 'ours', most: 512 },
        note: `heap; ${importRssKiB.over.toFixed(0)} KiB resident`,
      },
      ...Object.entries(WAYS).map(
        ([name, way]) =>
          ({
            what: `each invoke, ${way}, over ${bare.toFixed(0)} ns bare`,
            ours: (invokeNs[name] ?? Number.NaN) - bare,
            unit: 'ns',
            against: { name: 'middy', value: middy - bare },
            target: { of: 'ours', most: MAX_NS[name] ?? Number.NaN },
          }) as const,
      ),
    ];
  },
};

if (import.meta.main) {
  const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
  const cost = await measureIdle();
  if (values.json) {
    console.log(JSON.stringify(cost));
  } else {
    const { bare = Number.NaN, ...others } = cost.invokeNs;
    const one = (value: number): string => value.toFixed(2);
    console.log(`Node ${cost.node}`);
    console.log(
      `import   hello ${one(cost.importMs.hello)} ms, wrapped ${one(cost.importMs.wrapped)} ms: ${one(cost.importMs.over)} ms over (target 1.5)`,
    );
    console.log(
      `memory   ${one(cost.importHeapKiB.over)} KiB of heap, ${one(cost.importRssKiB.over)} KiB of RSS over (target 512)`,
    );
    console.log(`invoke   bare ${bare.toFixed(0)} ns`);
    for (const [name, ns] of Object.entries(others)) {
      console.log(
        `         ${name.padEnd(9)} ${ns.toFixed(0)} ns: ${(ns - bare).toFixed(0)} ns over, ${one(ns / bare)} x (target ${String(MAX_NS[name] ?? 'none')} ns over)`,
      );
    }
  }
}
