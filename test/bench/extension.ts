/** The external extension: how soon it is ready, what it holds and uses while nothing is due, and what a shutdown takes of little CPU. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { extensionFolder, fillTmp, HANDLERS, openScene } from '../host/extension-scene.ts';
import { makeGroup } from '../sandbox/cgroup.ts';
import { standIn } from '../sandbox/clients.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { startPlatform, type Platform } from '../sandbox/platform.ts';
import { median, type Measure, type Row } from './measure.ts';
import { startSink } from './sandboxed.ts';

const MB_A_CORE = 1769;

export const extension: Measure = {
  name: 'extension',
  title: 'the external extension: start, idle cost, and a shutdown at a small CPU share with 28 MB in /tmp and S3 30 ms away',
  run: async ({ quick, folder }) => {
    if (!canIsolate()) return [{ what: 'extension', notRun: 'needs root, for namespaces, and a checkout outside of /tmp' }];
    return [
      ...(await start(quick ? 5 : 15)), ...(await idle(quick ? 300 : 10_000)),
      ...(await shutdown(folder, 128, [500, 1100])), ...(await shutdown(folder, 512, [undefined, 900])),
    ];
  },
};

async function start(runs: number): Promise<Row[]> {
  const program = join(await extensionFolder(), 'extension.mjs');
  const times: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    times.push(await readyMs(program));
    bare.push(await exitMs());
  }
  return [{ what: 'from the start of Node to the first event/next', ours: median(times), unit: 'ms', against: { name: 'node -e 0', value: median(bare) }, target: { of: 'ours', most: 60 } }];
}

async function readyMs(program: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.endsWith('/next') === true) resolve(performance.now());
    else response.writeHead(200, { 'Lambda-Extension-Identifier': 'id' }).end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const startedMs = performance.now();
  const env = { AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`, AMBER_DESTINATION: 's3://evidence-bucket' };
  const child = spawn(standIn.node, [program, 'amber'], { env, stdio: 'ignore' });
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
  const bare = await startPlatform({ ...options, handler: 'lifecycle.handler', runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } } });
  cleanup.push(() => bare.stop());
  try {
    for (const platform of [amber, bare]) for (let warm = 0; warm < 100; warm += 1) await once(platform);
    const pid = amber.extension('amber')?.pid ?? 0;
    const cpuBefore = cpuMs(pid);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let number = 0; number < invocations; number += 1) {
      ours.push(await once(amber));
      theirs.push(await once(bare));
    }
    const perInvoke = (cpuMs(pid) - cpuBefore) / invocations;
    const p99 = (times: number[]): number => times.sort((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN;
    const name = 'no extension';
    return [
      { what: 'private memory (USS) after the first invocation', ours: ussMiB(pid), unit: 'MiB', target: { of: 'ours', most: 20 }, note: 'the runtime runs the same Node, so its text is shared' },
      { what: 'CPU of the extension for an invocation', ours: perInvoke, unit: 'ms', target: { of: 'ours', most: 1 } },
      { what: `latency that the caller sees, median of ${invocations}`, ours: median(ours), unit: 'ms', against: { name, value: median(theirs) } },
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

/** Of all threads (proc_pid_schedstat: nanoseconds on a CPU). */
function cpuMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6;
}

function ussMiB(pid: number): number {
  const fields = [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gmu)];
  return fields.reduce((sum, [, kib]) => sum + Number(kib), 0) / 1024;
}

/** The quota holds from the end of the first invocation on: the platform gives init more, and what is prepared there is prepared. */
async function shutdown(folder: string, memoryMb: number, [volatileMs, allMs]: readonly [number | undefined, number]): Promise<Row[]> {
  const group = makeGroup(`amber-extension-${process.pid}-${memoryMb}`, { memoryBytes: 2 ** 30, cores: memoryMb / MB_A_CORE });
  if (group === undefined) return [{ what: `shutdown at ${memoryMb} MB`, notRun: 'needs control groups' }];
  const home = join(folder, `extension-${memoryMb}`);
  mkdirSync(home);
  chmodSync(home, 0o755);
  const sink = await startSink(home, 30);
  writeFileSync(join(home, 'ca.pem'), sink.certificate, { mode: 0o644 });
  const cleanup: (() => Promise<void>)[] = [];
  try {
    const platform = await openScene({ after: (done) => void cleanup.push(done) }, {
      freeze: false, memoryMb, mounts: { sink: home },
      env: {
        AMBER_DESTINATION: 's3://evidence-bucket/amber', AMBER_S3_ENDPOINT: sink.endpoint, AMBER_S3_PATH_STYLE: '1', NODE_EXTRA_CA_CERTS: '/mnt/sink/ca.pem',
        AMBER_ON_SHUTDOWN: 'contents', AMBER_DETECT: 'off', ...(memoryMb < 512 ? { AMBER_COMPRESSION: 'none' } : {}),
      },
    });
    fillTmp(platform.ground.tmp, 28);
    await platform.invoke({}, 20_000);
    await platform.idle();
    for (const file of group.procs) for (const one of [platform.extension('amber'), platform.runtime()]) writeFileSync(file, String(one?.pid));
    const startedMs = Date.now();
    const record = await platform.shutdown();
    const [exit] = record?.extensions ?? [];
    const eventMs = startedMs + (exit?.eventMs ?? 0);
    const after = (name: RegExp): number => (sink.puts.find((put) => name.test(put.name))?.atMs ?? Number.NaN) - eventMs;
    const mib = sink.puts.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20;
    const what = `at ${memoryMb} MB, from SHUTDOWN to`;
    const note = `${mib.toFixed(1)} MiB stored, ${exit?.killed === true ? 'killed at the end of' : 'gone after'} ${Math.round(exit?.exitMs ?? 0)} of the 2,000 ms`;
    const commitMs = after(/^manifest/u);
    const whole = `${what} the commit marker stored`;
    return [
      { what: `${what} the volatile segment stored`, ours: after(/^capture-0000/u), unit: 'ms', ...(volatileMs === undefined ? {} : { target: { of: 'ours', most: volatileMs } }) },
      Number.isNaN(commitMs) ? { what: whole, notRun: `none was stored in time (target ${allMs} ms): ${note}` } : { what: whole, ours: commitMs, unit: 'ms', target: { of: 'ours', most: allMs }, note },
    ];
  } finally {
    for (const done of cleanup) await done();
    sink.close();
    group.remove();
  }
}
