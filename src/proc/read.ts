/**
 * Bounded reading of procfs files: at once where the kernel formats its own data, through the pool where it touches
 * another process.
 */
import { closeSync, constants, open, openSync, read, readSync } from 'node:fs';
import { describeError, systemCode } from '../errors.ts';
import type { Ticket } from './bounded-pool.ts';
import type { ProcRead } from '../contracts/process-table.ts';

/** How a file is read. */
export interface ReadRule {
  /** Bytes that are kept; one more makes it `truncated`. */
  readonly cap: number;
  /**
   * The kernel gives the whole text in one read if the buffer is large enough, so a short read is the end. Files that
   * are lists (maps, mountinfo, net/*) come a page at a time and end with an empty read.
   */
  readonly whole: boolean;
  /** Start of a line that is always the last one: no further read is made to find the end. */
  readonly lastLine?: string;
}

/**
 * Bytes that a snapshot may still keep, so that a thousand processes with a large environment do not fill the memory.
 */
export interface Allowance {
  left: number;
}

type Failure = Extract<ProcRead, { ok: false }>;

/**
 * O_NONBLOCK so that a FIFO in a tree that is no procfs does not hang; O_NOFOLLOW so that a link in it leads nowhere.
 */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const BUFFER_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

let mainBuffer: Buffer | undefined;
/** Buffers of the pool. One belongs to a job until that ends, even when nobody waits for it any more. */
const laneBuffers: Buffer[] = [];

/** Reads a file on the spot. Only for files that the kernel fills without waiting for another process. */
export function readNow(path: string, rule: ReadRule, allowance: Allowance): ProcRead {
  if (allowance.left <= 0) return SPENT;
  let fd: number;
  try {
    fd = openSync(path, FLAGS);
  } catch (error) {
    return failure(error);
  }
  try {
    return readOpen(fd, rule, allowance);
  } finally {
    closeSync(fd);
  }
}

/** Opens a file for {@link readOpen}; the caller closes it. */
export function openNow(path: string): number {
  return openSync(path, FLAGS);
}

/** Reads an open file from its current offset. */
export function readOpen(fd: number, rule: ReadRule, allowance: Allowance): ProcRead {
  const buffer = (mainBuffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES));
  const body = new Body(buffer, rule, allowance);
  try {
    let count: number;
    do count = readSync(fd, buffer, body.at, buffer.length - body.at, null);
    while (body.wantsMoreAfter(count));
  } catch (error) {
    // Lists may fail half way (the process ended): what came before is evidence.
    return body.empty() ? failure(error) : body.finish({ broken: true });
  }
  return body.finish({ broken: false });
}

/** Reads one file in the threadpool and calls `done` once: {@link poolRead}, or a stand-in of a test. */
export type PoolRead = (
  path: string,
  rule: ReadRule,
  allowance: Allowance,
  ticket: Ticket,
  done: (read: ProcRead) => void,
) => void;

/**
 * Ends early once the ticket says that nobody waits. Callbacks, not promises: with 500 processes this runs some
 * thousand times.
 */
export const poolRead: PoolRead = (path, rule, allowance, ticket, done) => {
  if (allowance.left <= 0) {
    done(SPENT);
    return;
  }
  open(path, FLAGS, (openError, fd) => {
    if (openError !== null) {
      done(failure(openError));
      return;
    }
    const buffer = laneBuffers.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    const body = new Body(buffer, rule, allowance);
    const take = (error: Error | null, count: number): void => {
      if (error === null && !ticket.abandoned() && body.wantsMoreAfter(count)) {
        read(fd, buffer, body.at, buffer.length - body.at, null, take);
        return;
      }
      const result = error !== null && body.empty() ? failure(error) : body.finish({ broken: error !== null });
      laneBuffers.push(buffer);
      closeSync(fd);
      done(result);
    };
    read(fd, buffer, 0, buffer.length, null, take);
  });
};

/** The same as a promise. Never rejects. */
export function readInPool(path: string, rule: ReadRule, allowance: Allowance, ticket: Ticket): Promise<ProcRead> {
  return new Promise((resolve) => poolRead(path, rule, allowance, ticket, resolve));
}

const READ_ALONE: Ticket = { abandoned: () => false, progress: () => undefined };

/**
 * Reads a file that is slow to make but cannot hang (net/tcp walks the whole hash table) without holding the main
 * thread.
 */
export function readAside(path: string, rule: ReadRule, allowance: Allowance): Promise<ProcRead> {
  return readInPool(path, rule, allowance, READ_ALONE);
}

/** The outcome of a file for which no bytes were left. */
export const SPENT: Failure = { ok: false, outcome: 'skipped', reason: 'limit on the bytes of a snapshot' };

/** Collects what comes through one reused buffer. */
class Body {
  at = 0;
  private readonly full: Buffer[] = [];
  private kept = 0;
  private readonly limit: number;
  private readonly buffer: Buffer;
  private readonly rule: ReadRule;
  private readonly allowance: Allowance;

  constructor(buffer: Buffer, rule: ReadRule, allowance: Allowance) {
    this.buffer = buffer;
    this.rule = rule;
    this.allowance = allowance;
    this.limit = Math.max(0, Math.min(rule.cap, allowance.left));
  }

  empty(): boolean {
    return this.kept + this.at === 0;
  }

  wantsMoreAfter(count: number): boolean {
    const room = this.buffer.length - this.at;
    this.at += count;
    if (count === 0 || (this.rule.whole && count < room) || this.kept + this.at > this.limit || this.hasLastLine())
      return false;
    if (this.at === this.buffer.length) {
      this.full.push(Buffer.from(this.buffer));
      this.kept += this.at;
      this.at = 0;
    }
    return true;
  }

  private hasLastLine(): boolean {
    const mark = this.rule.lastLine;
    if (mark === undefined || this.buffer[this.at - 1] !== NEWLINE) return false;
    const start = this.buffer.lastIndexOf(NEWLINE, this.at - 2) + 1;
    return this.buffer.toString('latin1', start, Math.min(start + mark.length, this.at)) === mark;
  }

  private copy(size: number): Buffer {
    const body = Buffer.allocUnsafe(size);
    this.buffer.copy(body, 0, 0, size);
    return body;
  }

  finish({ broken }: { readonly broken: boolean }): ProcRead {
    const total = this.kept + this.at;
    const size = Math.min(total, this.limit);
    const body =
      this.full.length === 0 ? this.copy(size) : Buffer.concat([...this.full, this.buffer.subarray(0, this.at)], size);
    this.allowance.left -= size;
    return { ok: true, body, truncated: broken || total > size };
  }
}

/** Turns a system error into an outcome. ESRCH: the process ended after its file was opened. */
export function failure(error: unknown): Failure {
  const code = systemCode(error);
  const reason = code ?? describeError(error);
  if (code === 'ENOENT' || code === 'ESRCH') return { ok: false, outcome: 'missing', reason };
  if (code === 'EACCES' || code === 'EPERM') return { ok: false, outcome: 'denied', reason };
  return { ok: false, outcome: 'failed', reason };
}
