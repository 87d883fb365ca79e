/**
 * The processes of a sandbox, as far as detectors ask: a tenth of what a capture reads. What the kernel fills by itself
 * is read at each look. What a process can hold up is read (see proc/bounded-pool.ts) when it is new, has called exec,
 * or is the runtime.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import type { ObservedProcess } from '../contracts/evidence.ts';
import { asidePool } from '../proc/aside/pool.ts';
import { latin1 } from '../proc/bytes.ts';
import { ownerOf, sharedPool } from '../proc/bounded-pool.ts';
import { parseLink } from '../proc/links.ts';
import { poolRead, readNow, type Allowance, type ReadRule } from '../proc/read.ts';
import { yieldToEventLoop, type Session } from '../proc/session.ts';
import { parseStat, TICKS_PER_SECOND, type ProcessStat } from '../proc/stat.ts';
import { descriptorsOf, linkText, type Descriptors } from './observe-descriptors.ts';
import { HELD_FILES, LOOKS_AT_MAPS, MAX_MAPPED, readHeld, type HeldPlace, type Own } from './observe-held.ts';
import { many } from '../many.ts';

export interface ProcessLimits {
  readonly processes: number;
  /** Descriptors of one process. */
  readonly descriptors: number;
  /** Milliseconds of one read that a process can hold up. */
  readonly slowMs: number;
}

/** What is kept of a process from one look to the next. */
interface Known extends Own {
  /** Descriptors that were not looked at. */
  readonly descriptorsBeyond: number;
  /**
   * Its row, and what the scheduler had counted for it then; undefined where it cannot be told whether it has run
   * since.
   */
  readonly still: { readonly count: string; readonly row: Row } | undefined;
}

/** By `pid:startTicks`. */
export type KnownProcesses = Map<string, Known>;

/** A process without its role, which only all of them together tell. */
export type Unplaced = Omit<ObservedProcess, 'role'>;

export interface ProcessesSeen {
  readonly processes: readonly Unplaced[];
  readonly known: KnownProcesses;
  /** Our own pid as procfs shows it; 0 in a tree without `self`. */
  readonly self: number;
  readonly left: readonly string[];
}

export interface ProcessPlace extends HeldPlace {
  /** `/proc`, or a recorded tree. */
  readonly root: string;
  readonly stopped: () => boolean;
}

const KIB = 1024;
const SMALL: ReadRule = { cap: 16 * KIB, whole: true };
/** Bytes of all files of one look. */
const BYTES = 16 * KIB * KIB;
/** Lambda has 4 KiB on both architectures. */
const PAGE_BYTES = 4096;
const AT_ONCE = 8; // between two turns of the event loop

/** Reads the processes. Never rejects: what could not be read is left out, and `left` says so. */
export async function observeProcesses(
  place: ProcessPlace,
  limits: ProcessLimits,
  before: KnownProcesses,
): Promise<ProcessesSeen> {
  const self = ownPid(place.root);
  const pids = listPids(place.root, self);
  const aside = await asidePool(place.root, pids.slice(0, limits.processes), limits.slowMs);
  const session = { ...openSession(place, limits, self), ...aside };
  const bootMs = bootTime(place.root, session.allowance);
  const known: KnownProcesses = new Map();
  const wanted = pids.slice(0, limits.processes);
  const processes: Unplaced[] = [];
  let reached = 0;
  for (let start = 0; start < wanted.length && !place.stopped(); start += AT_ONCE) {
    reached = Math.min(start + AT_ONCE, wanted.length);
    const reading = wanted
      .slice(start, reached)
      .map(async (pid) => readOne(session, place, { pid, bootMs, before, known }));
    processes.push(...(await Promise.all(reading)).filter((one) => one !== undefined));
    if (wanted.length > AT_ONCE) await yieldToEventLoop();
  }
  aside?.end();
  const unwanted = pids.length - wanted.length;
  const left = [
    ...(unwanted > 0
      ? [`${many(unwanted, 'process beyond the limit was', 'processes beyond the limit were')} not looked at`]
      : []),
    ...(wanted.length > reached
      ? [`${many(wanted.length - reached, 'process was', 'processes were')} not reached in the time of the look`]
      : []),
    ...beyondOf(known, limits.descriptors),
  ];
  return { processes, known, self, left };
}

/** What the limits of a single process left, over all of them. */
function beyondOf(known: KnownProcesses, most: number): string[] {
  const all = [...known.values()];
  const told = (what: string, limit: number, counts: readonly number[]): string[] => {
    const over = counts.filter((count) => count > 0);
    const sum = over.reduce((total, count) => total + count, 0);
    return sum === 0
      ? []
      : [
          `${many(sum, what)} of ${many(over.length, 'process', 'processes')} ${sum === 1 ? 'was' : 'were'} not ` +
            `looked at: the limit of a ` +
            `process is ${String(limit)}`,
        ];
  };
  return [
    ...told(
      'descriptor',
      most,
      all.map(({ descriptorsBeyond }) => descriptorsBeyond),
    ),
    ...HELD_FILES.flatMap(([name, { cap }]) => {
      const count = all.filter(({ cut }) => cut.includes(name)).length;
      return count === 0
        ? []
        : [`${name} of ${many(count, 'process', 'processes')}: only the first ${String(cap)} bytes were read`];
    }),
    ...told(
      'mapped file',
      MAX_MAPPED,
      all.map(({ mappedBeyond }) => mappedBeyond),
    ),
  ];
}

interface ReadPass {
  readonly pid: number;
  readonly bootMs: number;
  readonly before: KnownProcesses;
  readonly known: KnownProcesses;
}

/** A process that executes a program while it is read is read again: half of each would look like a disguise. */
const MAX_READS = 3;

async function readOne(session: Session, place: ProcessPlace, pass: ReadPass): Promise<Unplaced | undefined> {
  const dir = `${session.root}/${String(pass.pid)}`;
  let row = await readOnce(session, place, dir, pass);
  for (
    let reads = 1;
    reads < MAX_READS && row?.link !== undefined && !row.still && linkText(`${dir}/exe`) !== row.link;
    reads += 1
  ) {
    row = (await readOnce(session, place, dir, pass)) ?? row;
  }
  return row?.one;
}

interface Row {
  readonly one: Unplaced;
  /** Of its executable, when the reading began. */
  readonly link: string | undefined;
  /** It has not run since it was read. */
  readonly still: boolean;
}

async function readOnce(
  session: Session,
  place: ProcessPlace,
  dir: string,
  { pid, bootMs, before, known }: ReadPass,
): Promise<Row | undefined> {
  const read = readNow(`${dir}/stat`, SMALL, session.allowance);
  const stat = read.ok ? parseStat(read.body) : undefined;
  if (stat === undefined) return undefined;
  const owner = ownerOf(pid, stat.startTicks);
  const old = before.get(owner);
  const count = runCount(session, dir, stat);
  if (count !== undefined && count === old?.still?.count) {
    known.set(owner, old);
    return { ...old.still.row, one: { ...old.still.row.one, ppid: stat.ppid, state: stat.state } };
  }
  const link = linkText(`${dir}/exe`);
  const descriptors = descriptorsOf(dir, pid, session.descriptorsEach);
  const now = await readHeld(session, place, { dir, owner, pid, link, old, layout: stat.layout });
  const row: Row = { one: rowOf({ stat, dir, bootMs, link, descriptors }, now), link, still: false };
  known.set(owner, {
    ...now,
    descriptorsBeyond: descriptors?.beyond ?? 0,
    still: count === undefined || now.looks < LOOKS_AT_MAPS ? undefined : { count, row: { ...row, still: true } },
  });
  return row;
}

/**
 * Nanoseconds that a process of one thread has run for, and how often it was put on a processor
 * (Documentation/scheduler/sched-stats.rst). While both stand it has done nothing: no exec, no descriptor, no mapping.
 * A process that shares its tables (CLONE_FILES) is listed itself. Undefined for several threads, of which this file
 * tells the first alone. Also for one that runs at this moment, and where the kernel does not count (`0 0 0`).
 */
function runCount(session: Session, dir: string, { threads, state }: ProcessStat): string | undefined {
  const read = threads === 1 && state !== 'R' ? readNow(`${dir}/schedstat`, SMALL, session.allowance) : undefined;
  const text = read?.ok === true ? latin1(read.body) : '';
  return /^[1-9]/u.test(text) ? text : undefined;
}

function rowOf(
  {
    stat,
    dir,
    bootMs,
    link,
    descriptors,
  }: { stat: ProcessStat; dir: string; bootMs: number; link: string | undefined; descriptors: Descriptors | undefined },
  now: Own,
): Unplaced {
  const exe = link === undefined ? undefined : parseLink(link);
  const cwd = linkText(`${dir}/cwd`);
  return {
    pid: stat.pid,
    startTicks: stat.startTicks,
    startMs: bootMs + (stat.startTicks * 1000) / TICKS_PER_SECOND,
    ppid: stat.ppid,
    session: stat.session,
    comm: stat.comm,
    state: stat.state,
    exe: exe?.target,
    exeDeleted: exe?.deleted === true || exe?.target.startsWith('/memfd:') === true,
    argv: now.argv,
    cwd: cwd === undefined ? undefined : parseLink(cwd).target,
    ticks: stat.userTicks + stat.systemTicks,
    rssBytes: (stat.rssPages || 0) * PAGE_BYTES,
    layout: stat.layout,
    env: now.env,
    stdio: descriptors?.stdio,
    sockets: descriptors?.sockets ?? [],
    peeks: descriptors?.peeks ?? [],
    mapped: now.mapped,
  };
}

function ownPid(root: string): number {
  try {
    return Number(readlinkSync(`${root}/self`));
  } catch {
    return 0;
  }
}

/** Our own first, then ascending: init and the runtime come before what was started later. */
function listPids(root: string, self: number): number[] {
  try {
    const pids = readdirSync(root)
      .filter((name) => /^[1-9]\d{0,9}$/u.test(name))
      .map(Number)
      .sort((a, b) => a - b);
    return pids.includes(self) ? [self, ...pids.filter((pid) => pid !== self)] : pids;
  } catch {
    return [];
  }
}

function bootTime(root: string, allowance: Allowance): number {
  const uptime = readNow(`${root}/uptime`, SMALL, allowance);
  return Date.now() - (uptime.ok ? Math.round(Number.parseFloat(latin1(uptime.body)) * 1000) : 0);
}

function openSession(place: ProcessPlace, limits: ProcessLimits, self: number): Session {
  return {
    root: place.root,
    self,
    stopped: place.stopped,
    slowMs: limits.slowMs,
    descriptorsEach: limits.descriptors,
    allowance: { left: BYTES },
    boundedPool: sharedPool,
    pool: poolRead,
    descriptors: { left: Infinity },
    mountNamespaces: new Set(),
  };
}
