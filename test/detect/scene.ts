/**
 * Observations made by hand: a sandbox with init, an extension and a Node runtime, to which a test adds what it is
 * about.
 */
import type {
  DetectPolicy,
  Finding,
  Observation,
  ObservedFile,
  ObservedProcess,
  ObservedSocket,
  OwnFacts,
} from '../../src/contracts/evidence.ts';
import type { RecordedEvent } from '../../src/contracts/recorded.ts';
import { policyOf } from '../../src/config/detect-policy.ts';
import { judge } from '../../src/detect/judge.ts';

/** End of init, milliseconds since the epoch. */
export const INIT_MS = 1_800_000_000_000;

export function processOf(facts: Partial<ObservedProcess>): ObservedProcess {
  return {
    pid: 40,
    startTicks: 5000,
    startMs: INIT_MS + 10_000,
    ppid: 9,
    session: 1,
    comm: 'tool',
    state: 'S',
    role: 'other',
    exe: '/var/task/bin/tool',
    exeDeleted: false,
    argv: ['/var/task/bin/tool'],
    cwd: '/var/task',
    ticks: 1,
    rssBytes: 5e7,
    layout: '1:2:3',
    env: {},
    stdio: ['pipe:[1]', 'pipe:[2]', 'pipe:[3]'],
    sockets: [],
    peeks: [],
    mapped: [],
    ...facts,
  };
}

export const INIT: ObservedProcess = processOf({
  pid: 1,
  startTicks: 1,
  startMs: INIT_MS - 2000,
  ppid: 0,
  comm: 'rapid',
  role: 'init',
  exe: '/usr/local/bin/rapid',
  argv: ['/usr/local/bin/rapid'],
});
export const EXTENSION: ObservedProcess = processOf({
  pid: 5,
  startTicks: 50,
  startMs: INIT_MS - 1500,
  ppid: 1,
  comm: 'monitor',
  role: 'extension',
  exe: '/opt/extensions/monitor',
  argv: ['/opt/extensions/monitor'],
  env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', AWS_ACCESS_KEY_ID: 'ASIAOWNOWNOWNOWNOWN1' },
});
export const RUNTIME: ObservedProcess = processOf({
  pid: 9,
  startTicks: 100,
  startMs: INIT_MS - 1000,
  ppid: 1,
  comm: 'MainThread',
  role: 'runtime',
  exe: '/var/lang/bin/node',
  argv: ['/var/lang/bin/node', '/var/runtime/index.mjs'],
  env: {
    AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
    _HANDLER: 'index.handler',
    AWS_ACCESS_KEY_ID: 'ASIAOWNOWNOWNOWNOWN1',
  },
});

export function socketOf(facts: Partial<ObservedSocket>): ObservedSocket {
  return {
    protocol: 'tcp',
    localAddress: '169.254.76.1',
    localPort: 40_000,
    remoteAddress: '52.94.5.1',
    remotePort: 443,
    state: 'ESTABLISHED',
    inode: '700',
    pids: [40],
    ...facts,
  };
}

export function fileOf(facts: Partial<ObservedFile>): ObservedFile {
  return {
    path: '/tmp/x',
    type: 'file',
    size: 100,
    mode: 0o644,
    inode: 7,
    mtimeMs: INIT_MS + 10_000,
    ctimeMs: INIT_MS + 10_000,
    magic: 'data',
    ...facts,
  };
}

export function ownOf(facts: Partial<OwnFacts> = {}): OwnFacts {
  return {
    env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' },
    spawned: [],
    patched: [],
    resolvers: ['169.254.78.1'],
    heapBytes: 1e7,
    rssBytes: 1e8,
    ...facts,
  };
}

/** An event of the black box. */
export function eventOf(facts: Partial<RecordedEvent>): RecordedEvent {
  return {
    sequence: 17,
    timeMs: INIT_MS + 25_000,
    invocation: 2,
    pid: 9,
    kind: 'spawn',
    subject: '',
    count: 1,
    ...facts,
  };
}

/** What was there at init. */
export function baselineOf(facts: Partial<Observation> = {}): Observation {
  return {
    takenMs: INIT_MS,
    by: 'extension',
    self: 6,
    invocation: { number: 0, startedMs: INIT_MS },
    processes: [INIT, EXTENSION, RUNTIME],
    sockets: [],
    files: [],
    writable: ['/tmp', '/dev/shm'],
    extensions: ['monitor'],
    nameservers: ['169.254.78.1'],
    code: { handler: 'index.handler', stats: { '/var/task': '1:2:3:4:5', '/var/task/index.mjs': '1:3:3:4:5' } },
    own: undefined,
    notInspected: [],
    ...facts,
  };
}

/** What is there in the second invocation: the baseline, and what is given beside it. */
export function nowOf(facts: Partial<Observation> = {}): Observation {
  return {
    ...baselineOf(),
    takenMs: INIT_MS + 30_000,
    invocation: { number: 2, startedMs: INIT_MS + 20_000 },
    ...facts,
    processes: [INIT, EXTENSION, RUNTIME, ...(facts.processes ?? [])].filter(
      (one, index, all) => all.findLastIndex(({ pid }) => pid === one.pid) === index,
    ),
  };
}

/** The same seen from within. */
export function within(facts: Partial<Observation> = {}): Observation {
  return nowOf({ by: 'process', self: 9, own: ownOf(), ...facts });
}

export interface Look {
  readonly now: Observation;
  readonly baseline?: Observation;
  readonly policy?: string;
}

/** All findings of a look, with correlation. */
export function findingsOf({ now, baseline, policy }: Look): readonly Finding[] {
  const parsed: DetectPolicy = policyOf(policy ?? 'high');
  const { findings, failed } = judge(
    now,
    baseline ?? baselineOf(now.by === 'process' ? { by: 'process', self: 9, own: ownOf() } : {}),
    parsed,
  );
  if (failed.length > 0)
    throw new Error(
      `a detector failed: ${failed.map(({ detector, error }) => `${detector}: ${String(error)}`).join('; ')}`,
    );
  return findings;
}

/** `detector:severity` of a look, in order of severity. */
export function told(look: Look): readonly string[] {
  return findingsOf(look).map(({ detector, severity }) => `${detector}:${severity}`);
}
