/**
 * The external extension: how soon it is ready, what it holds and uses while nothing is due, and what a shutdown takes
 * of little CPU.
 */
import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { extensionFolder, FLAGS, HANDLERS, openScene } from '../host/extension/sandbox.ts';
import { standIn } from '../sandbox/clients.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { startPlatform, type Platform } from '../sandbox/platform.ts';
import { besideRows } from './beside.ts';
import { cpuMs, inNetwork } from './extension-shutdown.ts';
import { median, type Measure, type Row } from './measure.ts';

export const extension: Measure = {
  name: 'extension',
  title:
    'the external extension: start, idle cost, and a shutdown at a small CPU share with 28 MB in /tmp and S3 30 ms away',
  run: async ({ quick, folder }) => {
    if (!canIsolate())
      return [{ what: 'extension', notRun: 'needs root, for namespaces, and a checkout outside of /tmp' }];
    return [
      ...(await start(quick ? 5 : 15)),
      ...(await idle(quick ? 300 : 10_000)),
      ...(await besideRows({ quick }, async (env) => readyMs(await programOf(), env), ussMiB)),
      ...(await inNetwork(folder, 128, quick ? 1 : 5)),
      ...(await inNetwork(folder, 512, quick ? 1 : 5)),
    ];
  },
};

async function start(runs: number): Promise<Row[]> {
  const program = await programOf();
  const times: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    times.push(await readyMs(program));
    bare.push(await exitMs());
  }
  return [
    {
      what: 'from the start of Node to the first event/next',
      ours: median(times),
      unit: 'ms',
      against: { name: 'node -e 0', value: median(bare) },
      target: { of: 'ours', most: 60 },
    },
  ];
}

async function programOf(): Promise<string> {
  return join(await extensionFolder(), 'extension.mjs');
}

async function readyMs(program: string, more: Readonly<Record<string, string>> = {}): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.endsWith('/next') === true) resolve(performance.now());
    else response.writeHead(200, { 'Lambda-Extension-Identifier': 'id' }).end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const startedMs = performance.now();
  const env = {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    AMBER_DESTINATION: 's3://evidence-bucket',
    ...more,
  };
  const child = spawn(standIn.node, [...FLAGS, program, 'amber'], { env, stdio: 'ignore' });
  const readyAt = await promise;
  child.kill('SIGKILL');
  server.closeAllConnections();
  server.close();
  return readyAt - startedMs;
}

async function exitMs(): Promise<number> {
  const startedMs = performance.now();
  await new Promise((done) => spawn(standIn.node, ['-e', '0'], { stdio: 'ignore' }).once('exit', done));
  return performance.now() - startedMs;
}

async function idle(invocations: number): Promise<Row[]> {
  const cleanup: (() => Promise<void>)[] = [];
  const options = { freeze: false, env: { AMBER_DESTINATION: 's3://evidence-bucket' } } as const;
  const amber = await openScene({ after: (done) => void cleanup.push(done) }, options);
  const bare = await startPlatform({
    ...options,
    handler: 'lifecycle.handler',
    runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } },
  });
  cleanup.push(() => bare.stop());
  try {
    for (const platform of [amber, bare]) await once(platform);
    await amber.idle();
    const pid = amber.extension('amber')?.pid ?? 0;
    const firstMiB = ussMiB(pid);
    for (const platform of [amber, bare]) for (let warm = 0; warm < 100; warm += 1) await once(platform);
    const cpuBefore = cpuMs(pid);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let number = 0; number < invocations; number += 1) {
      ours.push(await once(amber));
      theirs.push(await once(bare));
    }
    const perInvoke = (cpuMs(pid) - cpuBefore) / invocations;
    const p99 = (times: number[]): number =>
      times.sort((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN;
    const name = 'no extension';
    return [
      {
        what: 'private memory (USS) after the first invocation',
        ours: firstMiB,
        unit: 'MiB',
        target: { of: 'ours', most: 20 },
        note: `the runtime runs the same Node, so its text is shared; after ${invocations + 101} invocations ${ussMiB(pid).toFixed(1)} MiB`,
      },
      { what: 'CPU of the extension for an invocation', ours: perInvoke, unit: 'ms', target: { of: 'ours', most: 1 } },
      {
        what: `latency that the caller sees, median of ${invocations}`,
        ours: median(ours),
        unit: 'ms',
        against: { name, value: median(theirs) },
      },
      { what: 'the same, 99th percentile', ours: p99(ours), unit: 'ms', against: { name, value: p99(theirs) } },
    ];
  } finally {
    for (const done of cleanup) await done();
  }
}

async function once(platform: Platform): Promise<number> {
  await platform.idle();
  const startedMs = performance.now();
  await platform.invoke({});
  return performance.now() - startedMs;
}

function ussMiB(pid: number): number {
  const fields = [
    ...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gmu),
  ];
  return fields.reduce((sum, [, kib]) => sum + Number(kib), 0) / 1024;
}
