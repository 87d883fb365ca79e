/** One process: everything under /proc/PID that the table holds. Source: proc_pid(5). */
import { closeSync, readdirSync, readSync } from 'node:fs';
import { defined } from '../defined.ts';
import { splitNul } from './bytes.ts';
import { described, FDINFO, takeInfo, type DescriptorList } from './descriptors.ts';
import { ownerOf } from './bounded-pool.ts';
import { readLink } from './links.ts';
import { failure, openNow, readNow, readOpen, type ReadRule } from './read.ts';
import { readSlowly, type Session, type SlowFile } from './session.ts';
import { NO_STATUS, parseStat, parseStatus, TICKS_PER_SECOND, type ProcessStat } from './stat.ts';
import type { Detail, ProcessRecord, ProcLink, ProcRead } from '../contracts/process-table.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL: ReadRule = { cap: MIB, whole: true };
const LIST: ReadRule = { cap: MIB, whole: false };

/** Filled by the kernel out of its own data, without waiting for the process. */
const QUICK = ['status'] as const;
const QUICK_FULL = [...QUICK, 'limits', 'cgroup', 'statm', 'comm', 'oom_score', 'oom_score_adj', 'wchan'] as const;
const LINKS = ['exe', 'cwd', 'ns/net'] as const;
const LINKS_FULL = [
  ...LINKS,
  'root',
  'ns/mnt',
  'ns/pid',
  'ns/user',
  'ns/cgroup',
  'ns/ipc',
  'ns/time',
  'ns/uts',
] as const;
/** Read with locks or pages of the process (`io` too: it takes exec_update_lock), most valuable first. */
const SLOW: readonly SlowFile[] = [
  ['environ', { cap: 256 * KIB, whole: true }],
  ['cmdline', { cap: 64 * KIB, whole: true }],
  // The gate page of x86-64 has a fixed address above all others, so its line ends the list.
  ['maps', { ...LIST, lastLine: 'ffffffffff600000-ffffffffff601000 ' }],
];
const SLOW_FULL: readonly SlowFile[] = [...SLOW, ['io', SMALL], ['smaps_rollup', SMALL]];
/**
 * Our own process waits for nobody here, so these are there even when the pool hangs. (Its maps can be long: not so
 * those.)
 */
const OWN_NOW: ReadonlySet<string> = new Set(['environ', 'cmdline']);

/** A process that is being read. */
export interface Draft {
  readonly pid: number;
  /** Where it is read: `/proc/PID`, or a folder of a thread. */
  readonly dir: string;
  readonly detail: Detail;
  readonly thread: number | undefined;
  readonly stat: ProcessStat;
  /** Stays open until the end: it belongs to this very process, whatever happens to the number. */
  readonly statFd: number;
  readonly files: Map<string, ProcRead>;
  readonly links: Map<string, ProcLink>;
  readonly failures: string[];
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** FDSize of status: never less than the number of open descriptors. */
  readonly slots: number;
  descriptors: DescriptorList;
  /** Set once the record is made: what comes later is thrown away. */
  closed: boolean;
}

/** Reads what cannot wait for anybody, on the spot (about 0.2 ms); or says why there is nothing to read. */
export function beginProcess(session: Session, pid: number, detail: Detail): Draft | Extract<ProcRead, { ok: false }> {
  const own = `${session.root}/${pid}`;
  let statFd: number;
  try {
    statFd = openNow(`${own}/stat`);
  } catch (error) {
    return failure(error);
  }
  const read = readOpen(statFd, SMALL, session.allowance);
  const stat = read.ok ? parseStat(read.body) : undefined;
  if (stat === undefined) {
    closeSync(statFd);
    return read.ok ? { ok: false, outcome: 'failed', reason: 'its stat has no known form' } : read;
  }
  const thread = stat.state === 'Z' && stat.threads > 1 ? livingThread(own, pid) : undefined;
  const dir = thread === undefined ? own : `${own}/task/${thread}`;
  const files = new Map([['stat', read]]);
  const failures: string[] = [];
  for (const name of detail === 'full' ? QUICK_FULL : QUICK) {
    keep({ files, failures }, name, readNow(`${dir}/${name}`, SMALL, session.allowance));
  }
  const status = files.get('status');
  return {
    pid,
    dir,
    detail,
    thread,
    stat,
    statFd,
    files,
    failures,
    links: new Map(),
    closed: false,
    ...(status?.ok === true ? parseStatus(status.body) : NO_STATUS),
    descriptors: { descriptors: [], unread: 0, failures: [], aside: [] },
  };
}

/** Some thread of the process other than the first. A race ends in one that is gone: then the failures say so. */
function livingThread(own: string, pid: number): number | undefined {
  try {
    return readdirSync(`${own}/task`)
      .map(Number)
      .find((tid) => tid !== pid);
  } catch {
    return undefined;
  }
}

/** Reads the magic links, and the mounts of a mount namespace that was not met before; on the spot. */
export function readLinks(session: Session, draft: Draft): void {
  for (const name of draft.detail === 'full' ? LINKS_FULL : LINKS) keepLink(draft, name);
  const mounts = draft.links.get('ns/mnt')?.target ?? 'unknown';
  if (session.mountNamespaces.has(mounts)) return;
  session.mountNamespaces.add(mounts);
  keep(draft, 'mountinfo', readNow(`${draft.dir}/mountinfo`, LIST, session.allowance));
}

/** Reads what the process can hold up, in the pool. Rejects never. */
export async function readHeld(session: Session, draft: Draft): Promise<void> {
  let files = draft.detail === 'full' ? SLOW_FULL : SLOW;
  if (draft.pid === session.self) {
    for (const [name, rule] of files)
      if (OWN_NOW.has(name)) keep(draft, name, readNow(`${draft.dir}/${name}`, rule, session.allowance));
    files = files.filter(([name]) => !OWN_NOW.has(name));
  }
  await readSlowly(session, placeOf(draft), files, (name, read) => {
    // A record that was made meanwhile is not changed any more.
    if (!draft.closed) keep(draft, name, read);
  });
}

/** Reads fdinfo of the descriptors of which the process can hold it up. */
export async function readHeldInfo(session: Session, draft: Draft): Promise<void> {
  const { aside } = draft.descriptors;
  if (aside.length === 0) return;
  await readSlowly(
    session,
    placeOf(draft),
    aside.map(({ fd }) => [`fdinfo/${fd}`, FDINFO]),
    (name, read) => {
      const descriptor = aside.find(({ fd }) => name === `fdinfo/${fd}`);
      if (descriptor !== undefined && !draft.closed) takeInfo(descriptor, read);
    },
  );
}

function placeOf({ dir, pid, stat }: Draft): { dir: string; owner: string } {
  return { dir, owner: ownerOf(pid, stat.startTicks) };
}

function keep(draft: Pick<Draft, 'files' | 'failures'>, name: string, read: ProcRead): void {
  draft.files.set(name, read);
  if (!read.ok) draft.failures.push(described(name, read));
}

function keepLink(draft: Draft, name: string): void {
  try {
    draft.links.set(name, readLink(`${draft.dir}/${name}`));
  } catch (error) {
    draft.failures.push(described(name, failure(error)));
  }
}

/** Closes the draft and makes the record of it. */
export function finishProcess(session: Session, draft: Draft, bootMs: number): ProcessRecord {
  draft.closed = true;
  if (session.stopped()) draft.failures.push('not read to the end: the snapshot was ended');
  const confirmed = confirm(session.root, draft);
  const { stat, files, links } = draft;
  const cmdline = files.get('cmdline');
  return {
    pid: draft.pid,
    detail: draft.detail,
    ppid: stat.ppid,
    comm: stat.comm,
    state: stat.state,
    startTicks: stat.startTicks,
    startMs: bootMs + (stat.startTicks * 1000) / TICKS_PER_SECOND,
    uid: draft.uid,
    gid: draft.gid,
    threads: stat.threads,
    exe: links.get('exe'),
    cwd: links.get('cwd'),
    argv: cmdline?.ok === true ? splitNul(cmdline.body) : [],
    descriptors: draft.descriptors.descriptors,
    descriptorsUnread: draft.descriptors.unread,
    files,
    links,
    failures: [...draft.failures, ...draft.descriptors.failures],
    ...defined({ throughThread: draft.thread }),
    confirmed,
  };
}

const ONE_BYTE = Buffer.alloc(1);

/**
 * A descriptor of /proc/PID/stat belongs to the process, not to its number, and reads ESRCH once that is reaped. While
 * it can be read nobody else can have had the number, so all that was read by number in between is of this process.
 * After its end the start time tells whether a successor has the number; if so, what was read by number is dropped.
 */
function confirm(root: string, draft: Draft): boolean {
  try {
    readSync(draft.statFd, ONE_BYTE, 0, 1, 0);
    return true;
  } catch {
    const now = readNow(`${root}/${draft.pid}/stat`, SMALL, { left: SMALL.cap });
    const reused = now.ok && parseStat(now.body)?.startTicks !== draft.stat.startTicks;
    draft.failures.push(
      reused
        ? 'the process ended and its pid was reused while it was read: only stat is certain'
        : 'the process ended while it was read',
    );
    if (reused) forget(draft);
    return false;
  } finally {
    closeSync(draft.statFd);
  }
}

function forget(draft: Draft): void {
  for (const name of [...draft.files.keys()]) if (name !== 'stat') draft.files.delete(name);
  draft.links.clear();
  draft.descriptors = { descriptors: [], unread: 0, failures: [], aside: [] };
}
