/**
 * What a shutdown takes of little CPU: `node extension-shutdown.ts FOLDER MEMORY_MB RUNS` prints rows as JSON. The
 * quota holds from the end of the first invocation on: the platform gives init more, and what is prepared there is
 * prepared. S3 is a TLS server outside of the quota that answers after 30 ms. {@link inNetwork} starts it in a network
 * of its own: the sockets of everything else here are none of a sandbox's, and a kernel with 24 GB keeps a table of
 * 262,144 connections, which takes 4 ms to read, and one with 128 MB keeps 1,024.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasPeer } from '../peers.ts';
import { fillTmp, openScene } from '../host/extension/sandbox.ts';
import { makeGroup } from '../sandbox/cgroup.ts';
import type { Platform } from '../sandbox/platform.ts';
import { median, type Row } from './measure.ts';
import { startSink, type Sink } from './sandboxed.ts';

const MB_A_CORE = 1769;
/** One entry for each 128 KiB of memory (net/ipv4/tcp.c, tcp_init). */
const ENTRIES_A_MB = 8;
/** Milliseconds to the volatile segment and to the commit marker. */
const TARGETS: Readonly<Record<number, readonly [number | undefined, number]>> = {
  128: [500, 1100],
  512: [undefined, 900],
};

interface Trial {
  readonly volatileMs: number;
  readonly volatileCpuMs: number;
  readonly commitMs: number;
  readonly commitCpuMs: number;
  readonly mib: number;
  readonly exitMs: number;
  readonly killed: boolean;
  /** After the first answer: CPU, and what the server got. */
  readonly preparedCpuMs: number;
  readonly preparedBytes: number;
}

/** Runs this file in a network namespace; without unshare(1) or ip(8) in the one that there is. */
export async function inNetwork(folder: string, memoryMb: number, runs: number): Promise<Row[]> {
  const own = [process.execPath, import.meta.filename, folder, String(memoryMb), String(runs)];
  const sysctl = '/proc/sys/net/ipv4/tcp_child_ehash_entries';
  const apart = hasPeer('unshare') && hasPeer('ip') && existsSync(sysctl);
  // The table of a namespace is made with it, by what its parent says.
  const script = `echo ${String(memoryMb * ENTRIES_A_MB)} > ${sysctl}; exec unshare --net bash -c 'ip link set lo up; exec "$@"' bash "$@"`;
  const [program = '', ...args] = apart ? ['unshare', '--net', 'bash', '-c', script, 'bash', ...own] : own;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await new Promise((done) => child.once('close', done));
  const rows = JSON.parse(text.trim().split('\n').at(-1) ?? '[]') as Row[];
  return apart
    ? rows
    : rows.map((row) => ('notRun' in row ? row : { ...row, note: `${row.note ?? ''}; in the network of the machine` }));
}

async function rows(folder: string, memoryMb: number, runs: number): Promise<Row[]> {
  const trials: Trial[] = [];
  for (let run = 0; run < runs; run += 1) {
    const trial = await once(join(folder, `extension-${memoryMb}-${run}`), memoryMb);
    if (trial === undefined) return [{ what: `shutdown at ${memoryMb} MB`, notRun: 'needs control groups' }];
    trials.push(trial);
  }
  const of = (field: Exclude<keyof Trial, 'killed'>): number => median(trials.map((trial) => trial[field]));
  const [volatileMs, commitMs] = TARGETS[memoryMb] ?? [undefined, Number.POSITIVE_INFINITY];
  const what = `at ${memoryMb} MB, from SHUTDOWN to`;
  const times = (field: 'volatileMs' | 'commitMs'): string =>
    trials.map((trial) => Math.round(trial[field])).join(', ');
  const killed = trials.filter((trial) => trial.killed).length;
  return [
    {
      what: `${what} the volatile segment stored`,
      ours: of('volatileMs'),
      unit: 'ms',
      ...(volatileMs === undefined ? {} : { target: { of: 'ours', most: volatileMs } }),
      note: `${of('volatileCpuMs').toFixed(0)} ms of CPU; median of ${times('volatileMs')}`,
    },
    {
      what: `${what} the commit marker stored`,
      ours: of('commitMs'),
      unit: 'ms',
      target: { of: 'ours', most: commitMs },
      note: `${of('commitCpuMs').toFixed(0)} ms of CPU, ${of('mib').toFixed(1)} MiB stored, gone after ${Math.round(of('exitMs'))} of the 2,000 ms, killed ${killed} of ${runs}; median of ${times('commitMs')}`,
    },
    {
      what: `at ${memoryMb} MB, preparation after the first answer, once a sandbox, which no caller waits for`,
      ours: of('preparedCpuMs'),
      unit: 'ms',
      note: `of CPU; ${Math.round(of('preparedBytes'))} bytes to S3 (a TLS handshake), no request`,
    },
  ];
}

async function once(home: string, memoryMb: number): Promise<Trial | undefined> {
  const group = makeGroup(`amber-extension-${process.pid}-${memoryMb}`, {
    memoryBytes: 2 ** 30,
    cores: memoryMb / MB_A_CORE,
  });
  if (group === undefined) return undefined;
  mkdirSync(home);
  chmodSync(home, 0o755);
  const sink = await startSink(30);
  writeFileSync(join(home, 'ca.pem'), sink.certificate, { mode: 0o644 });
  const cleanup: (() => Promise<void>)[] = [];
  try {
    const platform = await openScene(
      { after: (done) => void cleanup.push(done) },
      {
        freeze: false,
        memoryMb,
        mounts: { sink: home },
        env: {
          AMBER_DESTINATION: 's3://evidence-bucket/amber',
          AMBER_S3_ENDPOINT: sink.endpoint,
          AMBER_S3_PATH_STYLE: '1',
          NODE_EXTRA_CA_CERTS: '/mnt/sink/ca.pem',
          AMBER_ON_SHUTDOWN: 'contents',
          AMBER_DETECT: 'off',
          ...(memoryMb < 512 ? { AMBER_COMPRESSION: 'none' } : {}),
        },
      },
    );
    return await trial(platform, sink, group.procs);
  } finally {
    for (const done of cleanup) await done();
    sink.close();
    group.remove();
  }
}

async function trial(platform: Platform, sink: Sink, procs: readonly string[]): Promise<Trial> {
  fillTmp(platform.ground.tmp, 28);
  const pid = platform.extension('amber')?.pid ?? 0;
  const beforeMs = cpuMs(pid);
  await platform.invoke({}, 20_000);
  await platform.idle();
  const preparedCpuMs = cpuMs(pid) - beforeMs;
  const preparedBytes = sink.received();
  for (const file of procs)
    for (const one of [platform.extension('amber'), platform.runtime()]) writeFileSync(file, String(one?.pid));
  const idleMs = cpuMs(pid);
  const used = new Map<string, number>();
  sink.onPut(({ name }) => used.set(name, cpuMs(pid) - idleMs));
  const startedMs = Date.now();
  const record = await platform.shutdown();
  const [exit] = record?.extensions ?? [];
  const eventMs = startedMs + (exit?.eventMs ?? 0);
  const find = (name: RegExp): { afterMs: number; cpuMs: number } => {
    const put = sink.puts.find((one) => name.test(one.name));
    return { afterMs: (put?.atMs ?? Number.NaN) - eventMs, cpuMs: used.get(put?.name ?? '') ?? Number.NaN };
  };
  const [first, marker] = [find(/^capture-0000/u), find(/^manifest/u)];
  return {
    volatileMs: first.afterMs,
    volatileCpuMs: first.cpuMs,
    commitMs: marker.afterMs,
    commitCpuMs: marker.cpuMs,
    preparedCpuMs,
    preparedBytes,
    mib: sink.puts.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20,
    exitMs: exit?.exitMs ?? Number.NaN,
    killed: exit?.killed === true,
  };
}

/** Of all threads (proc_pid_schedstat: nanoseconds on a CPU). */
export function cpuMs(pid: number): number {
  try {
    return (
      readdirSync(`/proc/${pid}/task`).reduce(
        (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
        0,
      ) / 1e6
    );
  } catch {
    return Number.NaN; // it has gone
  }
}

if (import.meta.main) {
  const [folder = '', memoryMb, runs] = process.argv.slice(2);
  console.log(JSON.stringify(await rows(folder, Number(memoryMb), Number(runs))));
  process.exit(0);
}
