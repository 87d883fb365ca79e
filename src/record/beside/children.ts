/**
 * Children by the pid cursor: the kernel gives pids in order, so that those between two looks are exactly those that
 * came. A pid that is used and gone was a child or a thread that nobody saw; what the runtime has waited for tells.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { latin1 } from '../../proc/bytes.ts';
import { readNow, type ReadRule } from '../../proc/read.ts';
import { TICKS_PER_SECOND } from '../../proc/stat.ts';
import type { Journal } from './journal.ts';
import { argvOf, linkOf, meet, stdioOf, type Met, type Waited } from './child.ts';

/** Pids of one look, and children that are watched for what they turn into. */
const MAX_PIDS = 128;
const MAX_PENDING = 64;
const MAX_LOOKS = 64;
const LOADAVG_BYTES = 128;
const FIRST_AGAIN = 300;
const SMALL: ReadRule = { cap: 128, whole: true };

export interface Children {
  /** True if pids were given since the last look. */
  readonly hasMoved: () => boolean;
  /** Looks at new pids, and at children that were met before. True while some of these are still watched. */
  readonly look: () => boolean;
  /** Processes whose children are counted. */
  readonly runtimes: (pids: readonly number[]) => void;
  /** Children that live, newest last. */
  readonly living: () => readonly number[];
  readonly facts: () => Readonly<Record<string, number>>;
  readonly close: () => void;
}

interface Child {
  readonly met: Met;
  layout: string;
  told: boolean;
  /** Program and arguments that were told last. */
  what: string;
  looks: number;
}

interface State {
  readonly proc: string;
  readonly journal: Journal;
  readonly fd: number;
  readonly page: Buffer;
  last: number;
  readonly pending: Map<number, Child>;
  readonly waited: Map<number, Waited>;
  readonly counts: { seen: number; threads: number; gone: number; unseen: number };
  readonly largest: number;
  /** Ticks since boot: whatever has started before was there at the last look. */
  sinceTicks: number;
}

/** @throws the system error where there is no loadavg */
export function followPids(journal: Journal, proc: string = '/proc'): Children {
  const state: State = {
    proc,
    journal,
    fd: openSync(`${proc}/loadavg`, 'r'),
    page: Buffer.alloc(LOADAVG_BYTES),
    last: 0,
    pending: new Map(),
    waited: new Map(),
    counts: { seen: 0, threads: 0, gone: 0, unseen: 0 },
    largest: numberIn(`${proc}/sys/kernel/pid_max`),
    sinceTicks: Math.floor(numberIn(`${proc}/uptime`) * TICKS_PER_SECOND),
  };
  state.last = lastPid(state);
  return {
    hasMoved: () => lastPid(state) !== state.last,
    look: () => {
      watchPending(state);
      takeNew(state);
      return state.pending.size > 0;
    },
    runtimes: (pids) => {
      for (const pid of pids) if (!state.waited.has(pid)) note(state, pid, meet(proc, pid));
    },
    living: () => [...state.pending.keys()],
    facts: () => ({ ...state.counts }),
    close: () => closeSync(state.fd),
  };
}

function numberIn(path: string): number {
  const read = readNow(path, SMALL, { left: SMALL.cap });
  return (read.ok ? Number.parseFloat(latin1(read.body)) : 0) || 0;
}

/** The last word of loadavg, in this pid namespace. */
function lastPid({ fd, page, last }: State): number {
  const count = readSync(fd, page, 0, LOADAVG_BYTES, 0);
  const pid = Number(page.toString('latin1', 0, count).trim().split(' ').at(-1));
  return Number.isSafeInteger(pid) ? pid : last;
}

function note({ waited }: State, pid: number, met: Met | undefined): void {
  if (met === undefined) waited.delete(pid);
  else waited.set(pid, met.waitedFor);
}

/** Behind the largest pid the kernel begins anew with the first that is not reserved (kernel/pid.c, RESERVED_PIDS). */
function pidsSince({ last, largest }: State, now: number): { readonly pids: readonly number[]; readonly all: number } {
  const hasWrapped = now < last;
  const all = hasWrapped ? largest - 1 - last + Math.max(0, now - FIRST_AGAIN + 1) : now - last;
  const pids: number[] = [];
  for (let pid = now; pids.length < Math.min(all, MAX_PIDS); pid -= 1) {
    if (hasWrapped && pid === FIRST_AGAIN - 1) pid = largest - 1;
    pids.push(pid);
  }
  return { pids: pids.reverse(), all };
}

function takeNew(state: State): void {
  const { counts, sinceTicks } = state;
  const now = lastPid(state);
  if (now === state.last) return;
  const { pids, all } = pidsSince(state, now);
  state.last = now;
  let gone = all - pids.length;
  for (const pid of pids) {
    const met = meet(state.proc, pid);
    // What is older has kept its pid since the numbers began anew.
    if (met !== undefined && met.startTicks < sinceTicks) continue;
    state.sinceTicks = Math.max(state.sinceTicks, met?.startTicks ?? 0);
    if (met === undefined) gone += 1;
    else if (met.isThread) counts.threads += 1;
    else if (!isOurs(met)) take(state, met);
  }
  counts.gone += gone;
  if (gone > 0) prove(state, gone);
}

function isOurs({ pid, ppid }: Met): boolean {
  return pid === process.pid || ppid === process.pid;
}

/** Threads leave no trace in what a process has waited for. */
function prove(state: State, gone: number): void {
  for (const [pid, before] of state.waited) {
    const met = meet(state.proc, pid);
    note(state, pid, met);
    if (met === undefined) continue;
    const faults = met.waitedFor.faults - before.faults;
    const ticks = met.waitedFor.ticks - before.ticks;
    if (faults <= 0 && ticks <= 0) continue;
    state.counts.unseen += gone;
    const detail = { pids: gone, cminflt: faults, cticks: ticks };
    state.journal.put('unseen', `${gone} at most, by pids that were used and are gone`, { pid, detail });
  }
}

function take(state: State, met: Met): void {
  state.counts.seen += 1;
  if (state.pending.size === MAX_PENDING) state.pending.delete([...state.pending.keys()][0] ?? 0);
  const child: Child = { met, layout: '', told: false, what: '', looks: 0 };
  state.pending.set(met.pid, child);
  consider(state, child, met);
}

function watchPending(state: State): void {
  for (const [pid, child] of state.pending) {
    const met = meet(state.proc, pid);
    child.looks += 1;
    // A pid comes again: with another start it is another process.
    const same = met?.startTicks === child.met.startTicks ? met : undefined;
    if (same !== undefined) consider(state, child, same);
    if (same !== undefined && child.looks < MAX_LOOKS) continue;
    state.pending.delete(pid);
    // It has executed nothing: a copy of its parent.
    if (!child.told) tell(state, child, { kind: 'fork', met: child.met });
  }
}

/** Each exec lays a process out anew. Until its first one a child has the layout of its parent. */
function consider(state: State, child: Child, met: Met): void {
  if (met.layout === '' || met.layout === child.layout) return;
  const isCopy = child.layout === '' && meet(state.proc, met.ppid)?.layout === met.layout;
  if (isCopy) return;
  child.layout = met.layout;
  tell(state, child, { kind: child.told ? 'execve' : 'spawn', met });
}

function tell(state: State, child: Child, { kind, met }: { kind: 'spawn' | 'execve' | 'fork'; met: Met }): void {
  child.told = true;
  const { proc, journal } = state;
  const { pid, ppid, comm } = met;
  const exe = linkOf(`${proc}/${pid}/exe`);
  const lineage = { child: pid, stdio: stdioOf(proc, pid) };
  const parent = linkOf(`${proc}/${ppid}/exe`);
  const detail = { comm, ...(parent === undefined ? {} : { parent }) };
  const put = (argv: readonly string[] | undefined): void => {
    // A look in the middle of an exec meets half of its layout, and the next look the whole.
    const what = `${exe ?? ''}\0${argv?.join('\0') ?? ''}`;
    if (what === child.what) return;
    child.what = what;
    journal.put(kind, exe ?? comm, { pid: ppid, lineage, detail, ...(argv === undefined ? {} : { argv }) });
  };
  if (exe === undefined || kind === 'fork') put(undefined);
  else void argvOf(proc, met).then(put);
}
