/**
 * The process table, read once for all collectors. It runs in somebody's main thread: it turns the event loop after
 * each process, and what another process can hold up is read in the threadpool (see proc/bounded-pool.ts).
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { readDescriptors } from './descriptors.ts';
import { asidePool } from './aside/pool.ts';
import { ending, type Ending } from './ending.ts';
import { sharedPool, type BoundedPool } from './bounded-pool.ts';
import { beginProcess, finishProcess, readHeld, readHeldInfo, readLinks, type Draft } from './process.ts';
import { poolRead, type PoolRead } from './read.ts';
import { yieldToEventLoop, type Session } from './session.ts';
import { TICKS_PER_SECOND } from './stat.ts';
import { bootTime, readNet, readSystem } from './system.ts';
import type {
  NetTables,
  ProcessRecord,
  ProcessTable,
  SocketTables,
  UnreadableProcess,
} from '../contracts/process-table.ts';

export interface SnapshotLimits {
  readonly processes: number;
  /** Of one process. */
  readonly descriptors: number;
  readonly descriptorsTotal: number;
  /** Bytes of all files that are kept. */
  readonly bytes: number;
  /** Up to this many processes all are read in full detail; of more only our own and the first few are. */
  readonly fullDetail: number;
  /** Network namespaces beside our own. */
  readonly namespaces: number;
  /** Milliseconds of one read that another process can hold up. */
  readonly slowMs: number;
  /** Milliseconds of the whole. */
  readonly totalMs: number;
}

export const SNAPSHOT_LIMITS: SnapshotLimits = {
  processes: 4096,
  descriptors: 4096,
  descriptorsTotal: 65_536,
  bytes: 32 * 1024 * 1024,
  fullDetail: 32,
  namespaces: 8,
  slowMs: 250,
  totalMs: 10_000,
};

export interface SnapshotOptions {
  /** `/proc` unless a recorded tree is read. */
  readonly root?: string;
  /** Ends the snapshot; what was read by then is in the table. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<SnapshotLimits>;
  /** For tests: another pool, another way to read in the pool. */
  readonly boundedPool?: BoundedPool;
  readonly pool?: PoolRead;
}

/** Our own process, init, extensions: nobody can crowd them out with a hundred sleepers. */
const FIRST_FEW = 8;

/** Processes whose slow part may be under way: enough to keep the pool busy, few enough to hold few descriptors. */
const MAX_PENDING = 16;

/**
 * Reads the process table. Never rejects: what could not be read is in `vanished`, `unread`, `stopped` and `failures`.
 */
export async function snapshotProcesses(options: SnapshotOptions = {}): Promise<ProcessTable> {
  const root = options.root ?? '/proc';
  const limits = { ...SNAPSHOT_LIMITS, ...options.limits };
  const end = ending(limits.totalMs, options.signal);
  const self = ownPid(root);
  const pids = listPids(root, self);
  const wanted = pids.slice(0, limits.processes);
  const aside = options.pool === undefined ? await asidePool(root, wanted, limits.slowMs) : undefined;
  const session = openSession(
    { ...options, ...aside },
    { ...limits, ...(aside === undefined ? {} : { slowMs: aside.slowMs }) },
    { root, self, stopped: end.stopped },
  );
  const takenMs = Date.now();
  // At once: the clock above and the uptime in there are one reading.
  const system = readSystem(session);
  const ownNet = readNet(session, 'self');
  const bootMs = bootTime(system, takenMs);
  const all = wanted.length <= limits.fullDetail;
  const walked = await walk(session, wanted, {
    bootMs,
    full: all ? wanted.length : Math.min(FIRST_FEW, limits.fullDetail),
    onStop: end.onStop,
  });
  aside?.end();
  walked.records.sort((a, b) => a.pid - b.pid);
  const sockets = readSockets(session, ownNet, walked.records, limits.namespaces).finally(end.release);
  return {
    takenMs,
    self,
    bootMs,
    ticksPerSecond: TICKS_PER_SECOND,
    processes: walked.records,
    vanished: walked.vanished,
    unreadable: walked.unreadable,
    unread: pids.length - wanted.length + walked.unread,
    detail: all ? 'full' : 'core',
    sockets,
    system,
    ...(session.stopped() ? { stopped: 'the time of the snapshot was over' } : {}),
  };
}

interface WalkPlan {
  readonly bootMs: number;
  /** Processes that are read in full detail. */
  readonly full: number;
  readonly onStop: Ending['onStop'];
}

interface Walk {
  readonly records: ProcessRecord[];
  readonly vanished: number[];
  readonly unreadable: UnreadableProcess[];
  readonly unread: number;
}

/**
 * Reads process after process. What waits for the pool is awaited later: between the short steps here the event loop
 * turns, which is when the pool goes on.
 */
async function walk(session: Session, pids: readonly number[], { bootMs, full, onStop }: WalkPlan): Promise<Walk> {
  const records: ProcessRecord[] = [];
  const vanished: number[] = [];
  const unreadable: UnreadableProcess[] = [];
  const pending: { readonly draft: Draft; readonly held: Promise<void> }[] = [];
  const settle = async (): Promise<void> => {
    const oldest = pending.shift();
    if (oldest === undefined) return;
    await oldest.held;
    records.push(finishProcess(session, oldest.draft, bootMs));
  };
  let begun = 0;
  for (const pid of pids) {
    if (session.stopped()) break;
    const draft = beginProcess(session, pid, begun < full ? 'full' : 'core');
    begun += 1;
    if (!('ok' in draft)) {
      const reading = readHeld(session, draft);
      await readRest(session, draft);
      pending.push({
        draft,
        held: untilStopped(
          reading.then(() => readHeldInfo(session, draft)),
          onStop,
        ),
      });
    } else if (draft.outcome === 'missing') vanished.push(pid);
    else unreadable.push({ pid, outcome: draft.outcome, reason: draft.reason });
    if (pending.length >= MAX_PENDING) await settle();
    await yieldToEventLoop();
  }
  while (pending.length > 0) await settle();
  return { records, vanished, unreadable, unread: pids.length - begun };
}

/** The steps that wait for nobody. */
async function readRest(session: Session, draft: Draft): Promise<void> {
  readLinks(session, draft);
  await yieldToEventLoop();
  draft.descriptors = await readDescriptors(session, draft);
}

/** Resolves with `reading`, or at the end of the snapshot if that comes first. `reading` never rejects. */
function untilStopped(reading: Promise<void>, onStop: Ending['onStop']): Promise<void> {
  return new Promise((resolve) => {
    const leave = onStop(resolve);
    void reading.then(() => {
      leave();
      resolve();
    });
  });
}

interface Surroundings {
  readonly root: string;
  readonly self: number;
  readonly stopped: () => boolean;
}

function openSession(options: SnapshotOptions, limits: SnapshotLimits, { root, self, stopped }: Surroundings): Session {
  return {
    root,
    self,
    stopped,
    allowance: { left: limits.bytes },
    boundedPool: options.boundedPool ?? sharedPool,
    pool: options.pool ?? poolRead,
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
  const pids = names
    .filter((name) => /^[1-9]\d{0,9}$/u.test(name))
    .map(Number)
    .sort((a, b) => a - b);
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

/** Our own namespace, and each other one through a process of it. */
async function readSockets(
  session: Session,
  ownNet: Promise<NetTables>,
  records: readonly ProcessRecord[],
  most: number,
): Promise<SocketTables> {
  const own = await ownNet;
  const others = otherNamespaces(own.namespace, records);
  const namespaces = [own];
  for (const pid of others.slice(0, most)) if (!session.stopped()) namespaces.push(await readNet(session, pid));
  return { namespaces, unread: others.length + 1 - namespaces.length };
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
