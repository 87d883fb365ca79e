/**
 * Memory of a process through /proc/PID/mem: proc_pid_mem(5). Every call goes through the pool, because it takes locks
 * of the process and may fault in its pages: see proc/bounded-pool.ts. The kernel lets a process of the same uid read
 * (PTRACE_MODE_ATTACH, ptrace(2)) unless the target is not dumpable or Yama forbids it.
 */
import { close, open, read } from 'node:fs';
import { AmberError, systemCode } from '../errors.ts';
import { sharedPool, type BoundedPool, type Ticket } from './bounded-pool.ts';
import type { Vma } from './maps.ts';
import { addExtents, pageBytes, type Extent, type PageFilter } from './pagemap.ts';

/** Longest time of one slice, milliseconds. */
const SLOW_MS = 500;
/** Bytes of memory of which the pagemap is read in one call: 64 KiB of entries, 32 MiB of memory. */
const SCAN_PAGES = 8192;
/** Runs of pages of one mapping; beyond, gaps count as present. */
const MAX_EXTENTS = 50_000;

/** Addresses that could not be read, as ranges: `0x7f…-0x7f…`. */
export interface Holes {
  bytes: number;
  readonly ranges: string[];
  /** Ranges that are not listed. */
  more: number;
  code?: string;
}

const MAX_RANGES = 256;

export class ProcessMemory {
  private readonly mem: number;
  private readonly pagemap: number | undefined;
  private readonly pool: BoundedPool;
  private readonly owner: string | undefined;
  /** Set by the first call that does not come back; the others are then not tried. */
  hangs: string | undefined;

  private constructor(
    files: { readonly mem: number; readonly pagemap: number | undefined },
    pool: BoundedPool,
    owner: string | undefined,
  ) {
    this.mem = files.mem;
    this.pagemap = files.pagemap;
    this.pool = pool;
    this.owner = owner;
  }

  /**
   * Opens the memory of a process. Rejects with a system error, or AmberError COLLECTOR_FAILED when the open hangs.
   *
   * @param owner - the process as `ownerOf` names it: while a read of it hangs, no other of it is tried
   */
  static async open(
    directory: string,
    { pool = sharedPool, owner }: { readonly pool?: BoundedPool; readonly owner?: string } = {},
  ): Promise<ProcessMemory> {
    const result = await pool.run(
      async (ticket) => {
        const mem = await openFile(`${directory}/mem`, ticket);
        const pagemap = await openFile(`${directory}/pagemap`, ticket).catch(() => undefined);
        return { mem, pagemap };
      },
      SLOW_MS,
      owner,
    );
    if (result.state === 'failed') throw result.error;
    if (result.state === 'timed-out') throw new AmberError('COLLECTOR_FAILED', result.reason);
    return new ProcessMemory(result.value, pool, owner);
  }

  /** The runs of pages that are there, or undefined where the kernel does not tell. */
  async extents(vma: Vma, filter: PageFilter): Promise<readonly Extent[] | undefined> {
    const { pagemap } = this;
    if (pagemap === undefined) return undefined;
    const page = pageBytes();
    const pages = Number((vma.end - vma.start) / BigInt(page));
    const entries = Buffer.allocUnsafe(Math.min(pages, SCAN_PAGES) * 8);
    const found: Extent[] = [];
    for (let at = 0; at < pages && found.length < MAX_EXTENTS; at += SCAN_PAGES) {
      const length = Math.min(SCAN_PAGES, pages - at) * 8;
      const position = (vma.start / BigInt(page) + BigInt(at)) * 8n;
      const count = await this.call((ticket) => readAt(pagemap, entries.subarray(0, length), position, ticket));
      if (count === 0) throw ended();
      addExtents(found, entries.subarray(0, count), at * page, filter, page);
      if (count < length) break;
    }
    const last = found.at(-1);
    if (found.length >= MAX_EXTENTS && last !== undefined) found.push({ from: last.to, to: pages * page });
    return found;
  }

  /**
   * Fills `target`, which the caller has zeroed, with the memory from `start` on, in the given runs (offsets into
   * `target`). What cannot be read stays zero and is added to `holes`. Rejects when the process has ended or hangs.
   */
  async fill(target: Buffer, start: bigint, runs: readonly Extent[], holes: Holes): Promise<void> {
    await this.call(async (ticket) => {
      for (const run of runs) await this.fillRun(target, start, run, holes, ticket);
    });
  }

  private async fillRun(target: Buffer, start: bigint, run: Extent, holes: Holes, ticket: Ticket): Promise<void> {
    for (let at = run.from; at < run.to; ) {
      try {
        const count = await readAt(this.mem, target.subarray(at, run.to), start + BigInt(at), ticket);
        if (count === 0) throw ended();
        at += count;
      } catch (error) {
        const code = systemCode(error);
        if (code !== 'EIO' && code !== 'EFAULT') throw error;
        const next = Math.min(run.to, afterFault(start, at, holes.bytes));
        addHole(holes, start + BigInt(at), start + BigInt(next), code);
        at = next;
      }
    }
  }

  private async call<T>(job: (ticket: Ticket) => Promise<T>): Promise<T> {
    if (this.hangs !== undefined) throw new AmberError('COLLECTOR_FAILED', `not tried: ${this.hangs}`);
    const result = await this.pool.run(
      async (ticket) => {
        try {
          return await job(ticket);
        } finally {
          if (ticket.abandoned()) this.shut();
        }
      },
      SLOW_MS,
      this.owner,
    );
    if (result.state === 'done') return result.value;
    if (result.state === 'failed') throw result.error;
    this.hangs = result.reason;
    throw new AmberError('COLLECTOR_FAILED', result.reason);
  }

  /** Frees the descriptors. A call that hangs does it when it comes back. */
  close(): void {
    if (this.hangs === undefined) this.shut();
  }

  private shut(): void {
    for (const fd of [this.mem, this.pagemap]) if (fd !== undefined) close(fd, () => undefined);
  }
}

/** Nothing read and no error: the address space is gone (mem_rw and pagemap_read in fs/proc). */
function ended(): AmberError {
  return new AmberError('COLLECTOR_FAILED', 'the process ended while its memory was read', {
    details: { ended: true },
  });
}

/** The next address to try: page by page at first, in larger strides in large holes, so that those end, too. */
function afterFault(start: bigint, at: number, failed: number): number {
  const stride = failed < 4 * 2 ** 20 ? pageBytes() : failed < 64 * 2 ** 20 ? 64 * 1024 : 2 ** 20;
  return Number(((start + BigInt(at)) / BigInt(stride) + 1n) * BigInt(stride) - start);
}

function addHole(holes: Holes, from: bigint, to: bigint, code: string): void {
  holes.bytes += Number(to - from);
  holes.code ??= code;
  const [last = '', text] = [holes.ranges.at(-1), `0x${from.toString(16)}`];
  if (holes.more === 0 && last.endsWith(`-${text}`))
    holes.ranges[holes.ranges.length - 1] = `${last.split('-', 1)[0] ?? ''}-0x${to.toString(16)}`;
  else if (holes.ranges.length < MAX_RANGES) holes.ranges.push(`${text}-0x${to.toString(16)}`);
  else holes.more += 1;
}

function openFile(path: string, ticket: Ticket): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (error, fd) => {
      if (error !== null) reject(error);
      else if (ticket.abandoned()) close(fd, () => resolve(-1));
      else resolve(fd);
    });
  });
}

function readAt(fd: number, target: Buffer, position: bigint, ticket: Ticket): Promise<number> {
  if (ticket.abandoned()) return Promise.reject(new AmberError('CAPTURE_ABORTED'));
  return new Promise((resolve, reject) => {
    read(fd, target, 0, target.length, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
