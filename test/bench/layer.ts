/**
 * What the layer adds to a cold start: from the start of the process to the first poll of the runtime client, which
 * ends init, against the same function without it. By turns, under the real clients.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ensureClients, ric4, type Client } from '../sandbox/clients.ts';
import { unpackedLayer } from '../layer/unpacked.ts';
import { attach, managed3, WAYS, type Way } from '../layer/ways.ts';
import { median, type Measure, type Row, type Setting } from './measure.ts';

/** Milliseconds of a cold start that the layer may add. */
const MAX_MS = 10;

/** The Runtime API as far as a cold start goes: says when the client has asked for its first invocation. */
interface Desk {
  readonly server: Server;
  readonly address: string;
  polled: () => void;
}

async function openDesk(): Promise<Desk> {
  const server = createServer(() => desk.polled());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const desk: Desk = {
    server,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    polled: () => undefined,
  };
  return desk;
}

/** Wall clock, and CPU of all threads: what other processes take of the machine does not count in it. */
interface Start {
  readonly ms: number;
  readonly cpuMs: number;
}

/** proc_pid_schedstat(5): nanoseconds on a CPU. */
function cpuMs(pid: number): number {
  return globSync(`/proc/${pid}/task/*/schedstat`).reduce(
    (sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6,
    0,
  );
}

async function coldStart(desk: Desk, client: Client, handler: string, env: NodeJS.ProcessEnv): Promise<Start> {
  const polled = new Promise<void>((resolve) => {
    desk.polled = resolve;
  });
  const startedMs = performance.now();
  const child = spawn(client.node, client.args(handler), { env, stdio: 'ignore', cwd: env['LAMBDA_TASK_ROOT'] });
  const exited = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`${client.name} ended with ${String(code)} in its init`))),
  );
  try {
    await Promise.race([polled, exited]);
    return { ms: performance.now() - startedMs, cpuMs: cpuMs(child.pid ?? 0) };
  } finally {
    exited.catch(() => undefined);
    child.kill('SIGKILL');
    await new Promise((resolve) =>
      child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(undefined),
    );
  }
}

async function measureClient(client: Client, opt: string, taskRoot: string, runs: number): Promise<readonly Row[]> {
  const desk = await openDesk();
  const times: Record<'bare' | Way, Start[]> = { bare: [], redirect: [], exec: [], preload: [] };
  try {
    for (let run = 0; run < runs; run += 1) {
      for (const way of ['bare', ...WAYS] as const) {
        const attached =
          way === 'bare' ? { client, handler: 'index.handler', env: {} } : attach(way, opt, client, 'index.handler');
        const env = {
          PATH: '/usr/bin:/bin',
          AWS_LAMBDA_RUNTIME_API: desk.address,
          LAMBDA_TASK_ROOT: taskRoot,
          AWS_EXECUTION_ENV: client.executionEnv,
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
          AWS_LAMBDA_FUNCTION_NAME: 'bench',
          AWS_REGION: 'eu-central-1',
          _HANDLER: attached.handler,
          AMBER_DESTINATION: 's3://bucket/prefix',
          AMBER_ON_ERROR: 'any',
          ...attached.env,
        };
        times[way].push(await coldStart(desk, attached.client, attached.handler, env));
      }
    }
  } finally {
    desk.server.closeAllConnections();
    desk.server.close();
  }
  const over = (way: Way, key: keyof Start): number =>
    median(times[way].map((start, run) => start[key] - (times.bare[run]?.[key] ?? Number.NaN)));
  const bare = median(times.bare.map(({ ms }) => ms)).toFixed(0);
  return WAYS.map((way) => ({
    what: `${client.name}, ${way}, over ${bare} ms bare`,
    ours: over(way, 'ms'),
    unit: 'ms',
    target: { of: 'ours', most: MAX_MS },
    note: `${over(way, 'cpuMs').toFixed(1)} ms of CPU`,
  }));
}

export const layer: Measure = {
  name: 'layer',
  title: 'Cold start behind the Node layer, by each way of attaching it, against the bare function',
  run: async ({ quick, folder }: Setting) => {
    if (!ensureClients()) return [{ what: 'cold start', notRun: 'needs the real runtime clients' }];
    const { opt } = await unpackedLayer('node');
    const taskRoot = join(folder, 'layer-task');
    mkdirSync(taskRoot);
    writeFileSync(join(taskRoot, 'index.mjs'), 'export const handler = async (event) => event;\n');
    const rows: Row[] = [];
    for (const client of [managed3, ric4]) rows.push(...(await measureClient(client, opt, taskRoot, quick ? 7 : 31)));
    return rows;
  },
};
