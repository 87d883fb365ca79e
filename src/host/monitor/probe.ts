/**
 * Has anything moved? Two tiers: a handful of system calls at each invocation, the list of processes when one was
 * started.
 */

import type { Stats } from 'node:fs';
import { localTrees } from './local-trees.ts';

// Kept from before user code can replace them. Node has loaded the module itself by then.
const { constants, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync, statfsSync } =
  process.getBuiltinModule('node:fs');
const resourceUsage = process.resourceUsage.bind(process);

export type Moved = 'files' | 'processes';

export interface Probe {
  /**
   * What has moved since the last call; `processes` before `files`. Asked for processes alone, it leaves the trees for
   * later.
   */
  readonly moved: (what: 'all' | 'processes') => Moved | undefined;
  /** The processes that a look has seen. */
  readonly seen: (pids: readonly number[]) => void;
}

interface Mark {
  readonly root: string;
  /** Kept open: to resolve a path costs as much as the rest of a stat. -1: not open, -2: it cannot be. */
  fd: number;
  inode: number;
  ctimeMs: number;
  mtimeMs: number;
  free: number;
  inodes: number;
}

/** A descriptor that is opened when it is first asked. */
const UNOPENED = -3;
/** Memory that has doubled and grown by this much since it was last told of. */
const JUMP_KIB = 256 * 1024;

/**
 * First tier, five system calls and 7 microseconds: fstat and statfs of the first tree, of the others in turn (a file
 * that comes, goes or grows anywhere in it takes blocks or an inode). From /proc/loadavg the number that was given to
 * the last process or thread (proc_loadavg(5)), which moves for every child. So the list of children is not read. Then
 * the largest resident memory so far (getrusage(2)). That has the heap and all else in it. The statistics of the heap
 * alone take 0.4 microseconds, and 2.5 ms and more to load node:v8 with its streams.
 *
 * A tree for which somebody else answers (EFS) is left out: the looks do not enter it either.
 *
 * Second tier, when that number has moved: the names in /proc, 20 to 80 microseconds. A file that is overwritten within
 * its blocks moves nothing; the next look sees it.
 *
 * At init each tree is told by the `lstat` that has found it local; it is opened when it is first asked.
 *
 * @param spawned - children that Node has told of since they were last looked at
 * @param restless - takes every call for one after which a process was started; for the bench
 */
export function openProbe(
  trees: readonly string[],
  spawned: () => number,
  { restless = false }: { readonly restless?: boolean } = {},
): Probe {
  const marks = marksOf(trees);
  const buffer = new Uint8Array(64);
  let loadavg = UNOPENED;
  let lastPid = -1;
  const memoryMoved = memoryMark();
  // At init the number alone: whatever is started later has a higher one. Where there is none, and where numbers begin
  // anew, by name.
  const initPid = initNumber();
  let pids = initPid === 0 ? new Set(processes()) : undefined;
  const isNew = (pid: string): boolean =>
    pids === undefined ? Number(pid) > initPid || lastPid < initPid : !pids.has(pid);
  const pidMoved = (): boolean => {
    if (loadavg === UNOPENED) loadavg = openAt('/proc/loadavg', constants.O_RDONLY);
    const pid = loadavg < 0 ? 0 : lastNumber(buffer, readAt(loadavg, buffer));
    const moved = pid !== lastPid || pid === 0;
    lastPid = pid;
    return moved;
  };
  const [first, ...rest] = marks;
  let turn = 0;
  /** The first tree, and in turns one of the others and the memory. */
  const restMoved = (): boolean => {
    turn += 1;
    const moved = first !== undefined && treeMoved(first);
    if (turn % 2 === 1) return memoryMoved() || moved;
    const next = rest[(turn / 2) % rest.length];
    return (next !== undefined && treeMoved(next)) || moved;
  };
  return {
    moved: (what) => {
      const files = what === 'all' && restMoved();
      if (spawned() > 0) return 'processes';
      if (pidMoved() || restless) {
        const now = processes();
        const hasNew = now.some(isNew);
        pids = new Set(now);
        if (hasNew) return 'processes';
      }
      return files ? 'files' : undefined;
    },
    seen: (list) => {
      pids = new Set(list.map(String));
    },
  };
}

/** The trees of which the kernel alone tells, as they are now. */
function marksOf(trees: readonly string[]): Mark[] {
  const marks: Mark[] = [];
  for (const { root, stat } of localTrees(trees)) {
    const mark = { root, fd: -1, inode: 0, ctimeMs: 0, mtimeMs: 0, free: 0, inodes: 0 };
    marks.push(mark);
    if (stat !== undefined) haveMoved(mark, stat);
    else treeMoved(mark);
  }
  return marks;
}

/** True once for each jump of the largest resident memory, from the first call on. */
export function memoryMark(): () => boolean {
  let peakKib: number | undefined;
  return () => {
    const { maxRSS } = resourceUsage();
    peakKib ??= maxRSS;
    if (maxRSS < 2 * peakKib || maxRSS - peakKib < JUMP_KIB) return false;
    peakKib = maxRSS;
    return true;
  };
}

function treeMoved(mark: Mark): boolean {
  const stat = statOf(mark);
  return stat !== undefined && haveMoved(mark, stat);
}

function haveMoved(mark: Mark, { ino, mtimeMs, ctimeMs }: Stats): boolean {
  try {
    const { bfree, ffree } = statfsSync(mark.root);
    const moved =
      mtimeMs !== mark.mtimeMs ||
      ctimeMs !== mark.ctimeMs ||
      bfree !== mark.free ||
      ffree !== mark.inodes ||
      ino !== mark.inode;
    mark.inode = ino;
    mark.mtimeMs = mtimeMs;
    mark.ctimeMs = ctimeMs;
    mark.free = bfree;
    mark.inodes = ffree;
    return moved;
  } catch {
    return false;
  }
}

function statOf(mark: Mark): Stats | undefined {
  try {
    if (mark.fd < 0) {
      // To fail at opening what is not there costs ten times a stat.
      const stat = statSync(mark.root, { throwIfNoEntry: false });
      if (stat !== undefined && mark.fd === -1) mark.fd = openTree(mark.root);
      return stat;
    }
    const stat = fstatSync(mark.fd);
    if (stat.nlink > 0 && stat.ino === mark.inode) return stat;
  } catch {
    // It was closed by somebody.
  }
  // It was removed and made anew, or the number is that of somebody else's file by now, which is not ours to close.
  mark.fd = -1;
  return statSync(mark.root, { throwIfNoEntry: false });
}

function openTree(root: string): number {
  const fd = openAt(root, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  return fd < 0 ? -2 : fd;
}

function openAt(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch {
    return -1;
  }
}

/** How much could be read; 0 where the descriptor has been closed. */
function readAt(fd: number, buffer: Uint8Array): number {
  try {
    return readSync(fd, buffer, 0, 64, 0);
  } catch {
    return 0;
  }
}

/** What stands in /proc/loadavg for {@link lastNumber}, read in one call; 0 where it cannot be read. */
function initNumber(): number {
  try {
    const text = readFileSync('/proc/loadavg', 'utf8');
    return Number(text.slice(text.lastIndexOf(' '))) || 0;
  } catch {
    return 0;
  }
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => name.charCodeAt(0) < 0x3a);
  } catch {
    return [];
  }
}

/** The digits at the end of the text. */
function lastNumber(bytes: Uint8Array, length: number): number {
  let number = 0;
  let factor = 1;
  for (let at = length - 1; at >= 0; at -= 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit >= 0 && digit <= 9) {
      number += digit * factor;
      factor *= 10;
    } else if (factor > 1) return number;
  }
  return number;
}
