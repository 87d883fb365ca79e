/** One process as the pid cursor meets it. What a process can hold up is read aside (see proc/bounded-pool.ts). */
import { readlinkSync } from 'node:fs';
import { latin1, splitNul } from '../../proc/bytes.ts';
import { ownerOf, sharedPool } from '../../proc/bounded-pool.ts';
import { readInPool, readNow, type ReadRule } from '../../proc/read.ts';
import { parseStat, type ProcessStat } from '../../proc/stat.ts';

const STAT: ReadRule = { cap: 2048, whole: true };
const CMDLINE: ReadRule = { cap: 8192, whole: true };
const CMDLINE_MS = 50;

/** What the kernel tells of a process at once. */
export interface Met extends ProcessStat {
  readonly isThread: boolean;
  /** Faults and ticks of children that it has waited for. */
  readonly waitedFor: Waited;
}

/** What a process has waited for until now: it moves when a child ends. */
export interface Waited {
  readonly faults: number;
  readonly ticks: number;
}

/** Undefined where there is no such process, or no more. */
export function meet(proc: string, pid: number): Met | undefined {
  const read = readNow(`${proc}/${pid}/stat`, STAT, { left: STAT.cap });
  if (!read.ok) return undefined;
  const stat = parseStat(read.body);
  if (stat === undefined) return undefined;
  const text = latin1(read.body);
  // rest[0] is field 3 of proc_pid_stat(5).
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(rest[number - 3]);
  return {
    ...stat,
    // Field 38 is the signal that tells of its end: a thread sends none.
    isThread: field(38) === -1,
    waitedFor: { faults: field(11), ticks: field(16) + field(17) },
  };
}

/** Arguments; undefined where they could not be read in time. Never rejects. */
export async function argvOf(proc: string, { pid, startTicks }: Met): Promise<readonly string[] | undefined> {
  const path = `${proc}/${pid}/cmdline`;
  const result = await sharedPool.run(
    (ticket) => readInPool(path, CMDLINE, { left: CMDLINE.cap }, ticket),
    CMDLINE_MS,
    ownerOf(pid, startTicks),
  );
  const read = result.state === 'done' ? result.value : undefined;
  return read?.ok === true && read.body.length > 0 ? splitNul(read.body) : undefined;
}

export function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Descriptors 0, 1, 2 in short. */
export function stdioOf(proc: string, pid: number): string[] {
  return [0, 1, 2].map((fd) => {
    const link = linkOf(`${proc}/${pid}/fd/${fd}`);
    if (link === undefined) return 'closed';
    return link.startsWith('/') ? link.slice(0, 80) : (link.split(':', 1)[0] ?? '');
  });
}
