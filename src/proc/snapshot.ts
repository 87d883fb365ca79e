/**
 * The process table, read once for all collectors. It runs in somebody's main thread: it turns the event loop after each
 * process, and what another process can hold up is read in the threadpool (see lane.ts).
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { describeError } from '../errors.ts';
import { fieldOf } from './fields.ts';
import { latin1 } from './bytes.ts';
import { sharedLane, type Lane } from './lane.ts';
import { beginProcess, continueProcess, finishProcess, type Draft } from './process.ts';
import { readInPool, type PoolRead } from './read.ts';
import { turn, type Session } from './session.ts';
import { TICKS_PER_SECOND } from './stat.ts';
import { readNet, readSystem } from './system.ts';
import type { ProcessRecord, ProcessTable, ProcRead, UnreadableProcess } from './table.ts';

export interface SnapshotLimits {
  readonly processes: number;
  /** Of one process. */
  readonly descriptors: number;
  readonly descriptorsTotal: number;
  /** Bytes of all files that are kept. */
  readonly bytes: number;
  /** Above so many processes the detail is `core`. */
  readonly fullDetail: number;
  /** Network namespaces beside our own. */
  readonly namespaces: number;
  /** Milliseconds of one read that another process can hold up. */
  readonly slowMs: number;
  /** Milliseconds of the whole. */
  readonly totalMs: number;
}

export const SNAPSHOT_LIMITS: SnapshotLimits = {
  processes: 4096, descriptors: 4096, descriptorsTotal: 65_536, bytes: 32 * 1024 * 1024, fullDetail: 32, namespaces: 8,
  slowMs: 250, totalMs: 10_000,
};

export interface SnapshotOptions {
  /** `/proc` unless a recorded tree is read. */
  readonly root?: string;
  /** Ends the snapshot; what was read by then is in the table. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<SnapshotLimits>;
  /** For tests: another lane, another way to read in the pool. */
  readonly lane?: Lane;
  readonly pool?: PoolRead;
}

/** Processes whose slow part may be under way: enough to keep the lane busy, few enough to hold few descriptors. */
const MOST_PENDING = 4;

/** Reads the process table. Never rejects: what could not be had is in `vanished`, `unread`, `stopped` and `failures`. */
export async function snapshotProcesses(options: SnapshotOptions = {}): Promise<ProcessTable> {
  const root = options.root ?? '/proc';
  const limits = { ...SNAPSHOT_LIMITS, ...options.limits };
  const end = ending(limits.totalMs, options.signal);
  const self = ownPid(root);
  const pids = listPids(root, self);
  const wanted = pids.slice(0, limits.processes);
  const session = openSession(options, limits, { root, self, count: pids.length, stopped: end.stopped });
  const takenMs = Date.now();
  // At once: the clock above and the uptime in there are one reading.
  const system = readSystem(session);
  const ownNet = readNet(session, 'self');
  const bootMs = bootTime(system, takenMs);
  const walked = await walk(session, wanted, bootMs, end.onStop);
  const own = await ownNet;
  const others = otherNamespaces(own.namespace, walked.records);
  const net = [own];
  for (const pid of others.slice(0, limits.namespaces)) if (!session.stopped()) net.push(await readNet(session, pid));
  end.release();
  walked.records.sort((a, b) => a.pid - b.pid);
  return {
    takenMs, self, bootMs, ticksPerSecond: TICKS_PER_SECOND,
    processes: walked.records, vanished: walked.vanished, unreadable: walked.unreadable, unread: pids.length - wanted.length + walked.unread,
    detail: session.detail, net, netUnread: others.length + 1 - net.length, system,
    ...(session.stopped() ? { stopped: 'the time of the snapshot was over' } : {}),
  };
}

interface Walk {
  readonly records: ProcessRecord[];
  readonly vanished: number[];
  readonly unreadable: UnreadableProcess[];
  readonly unread: number;
}

/** Reads process after process; while one waits for the lane the next is begun. */
async function walk(session: Session, pids: readonly number[], bootMs: number, onStop: Ending['onStop']): Promise<Walk> {
  const records: ProcessRecord[] = [];
  const vanished: number[] = [];
  const unreadable: UnreadableProcess[] = [];
  const pending: { readonly draft: Draft; readonly done: Promise<void> }[] = [];
  const settle = async (): Promise<void> => {
    const oldest = pending.shift();
    if (oldest === undefined) return;
    await oldest.done;
    records.push(finishProcess(session, oldest.draft, bootMs));
  };
  let begun = 0;
  for (const pid of pids) {
    if (session.stopped()) break;
    begun += 1;
    const draft = beginProcess(session, pid);
    if ('ok' in draft) {
      if (draft.outcome === 'missing') vanished.push(pid);
      else unreadable.push({ pid, outcome: draft.outcome, reason: draft.reason });
    } else pending.push({ draft, done: untilStopped(session, draft, onStop) });
    if (pending.length >= MOST_PENDING) await settle();
    await turn();
  }
  while (pending.length > 0) await settle();
  return { records, vanished, unreadable, unread: pids.length - begun };
}

/** Resolves when the process is read, or at the end of the snapshot if that comes first. Never rejects. */
function untilStopped(session: Session, draft: Draft, onStop: Ending['onStop']): Promise<void> {
  return new Promise((resolve) => {
    const leave = onStop(resolve);
    continueProcess(session, draft).catch((error: unknown) => {
      draft.failures.push(`reading failed: ${describeError(error)}`);
    }).finally(() => {
      leave();
      resolve();
    });
  });
}

interface Surroundings {
  readonly root: string;
  readonly self: number;
  readonly count: number;
  readonly stopped: () => boolean;
}

function openSession(options: SnapshotOptions, limits: SnapshotLimits, { root, self, count, stopped }: Surroundings): Session {
  return {
    root, self, stopped,
    detail: count > limits.fullDetail ? 'core' : 'full',
    allowance: { left: limits.bytes },
    lane: options.lane ?? sharedLane,
    pool: options.pool ?? readInPool,
    slowMs: limits.slowMs,
    descriptorsEach: limits.descriptors,
    descriptors: { left: limits.descriptorsTotal },
    mountNamespaces: new Set(),
  };
}

/** Ascending, but our own process first: whatever else happens, that one is in the table. */
function listPids(root: string, self: number): number[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch {
    return [];
  }
  const pids = names.filter((name) => /^[1-9]\d{0,9}$/u.test(name)).map(Number).sort((a, b) => a - b);
  return pids.includes(self) ? [self, ...pids.filter((pid) => pid !== self)] : pids;
}

/** What procfs calls us; 0 in a recorded tree that has no `self`. */
function ownPid(root: string): number {
  try {
    return Number(readlinkSync(`${root}/self`));
  } catch {
    return 0;
  }
}

/**
 * Milliseconds since the epoch at which this kernel booted. `btime` is cut to seconds, which puts a process before the
 * file that it was started from; now less the uptime is good to 10 ms, and is taken unless the two disagree (a recorded
 * tree, a clock that was set).
 */
function bootTime(system: ReadonlyMap<string, ProcRead>, nowMs: number): number {
  const stat = system.get('stat');
  const uptime = system.get('uptime');
  const btimeMs = stat?.ok === true ? Number(fieldOf(latin1(stat.body).replaceAll('btime ', 'btime:'), 'btime')) * 1000 : Number.NaN;
  const exactMs = uptime?.ok === true ? nowMs - Math.round(Number.parseFloat(latin1(uptime.body)) * 1000) : Number.NaN;
  if (Number.isNaN(btimeMs)) return Number.isNaN(exactMs) ? 0 : exactMs;
  return Math.abs(exactMs - btimeMs) < 2000 ? exactMs : btimeMs;
}

/** One process of each other network namespace. */
function otherNamespaces(own: string, records: readonly ProcessRecord[]): number[] {
  const first = new Map<string, number>();
  for (const record of records) {
    const namespace = record.links.get('ns/net')?.target;
    if (namespace !== undefined && namespace !== own && !first.has(namespace)) first.set(namespace, record.pid);
  }
  return [...first.values()];
}

interface Ending {
  readonly stopped: () => boolean;
  /** Calls `wake` at the end; gives the function that takes this back. */
  readonly onStop: (wake: () => void) => () => void;
  readonly release: () => void;
}

/** The end by time or by signal, whichever comes first. */
function ending(totalMs: number, signal: AbortSignal | undefined): Ending {
  let stopped = signal?.aborted === true;
  const sleepers = new Set<() => void>();
  const stop = (): void => {
    stopped = true;
    for (const wake of sleepers) wake();
  };
  const timer = setTimeout(stop, totalMs).unref();
  signal?.addEventListener('abort', stop, { once: true });
  return {
    stopped: () => stopped,
    onStop: (wake) => {
      sleepers.add(wake);
      return () => void sleepers.delete(wake);
    },
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    },
  };
}
