/**
 * What a process runs, by content: /proc/PID/exe opened and hashed, so that a deleted or memfd executable is no
 * obstacle. Each file is hashed once, however many processes run it.
 */
import { createHash } from 'node:crypto';
import { close, closeSync, constants, fstatSync, openSync, read, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import type { CollectorContext } from '../contracts/evidence.ts';
import { ownerOf, sharedPool, type Ticket } from '../proc/bounded-pool.ts';
import { pin } from '../proc/mount-book.ts';
import { failure } from '../proc/read.ts';
import { processDir } from '../proc/table.ts';
import { groundsOf } from './grounds.ts';
import { untouchedReason } from './recovered-items.ts';
import type { ProcessRecord, ProcessTable } from '../contracts/process-table.ts';

export interface Executable {
  readonly device: string;
  readonly inode: string;
  readonly size: number;
  readonly mode: string;
  readonly uid: number;
  /** 0: no name leads to it any more. */
  readonly links: number;
  readonly modified: string;
  readonly sha256?: string;
  /** Why there is no digest. */
  readonly reason?: string;
}

const MIB = 1024 * 1024;
const CHUNK = MIB / 2;
/** One step of a file system call; a network file system may take a while. */
const STEP_MS = 1000;
/** Left for everything else when a digest is begun. */
const SPARE_MS = 100;

const closing = promisify(close);
const EXACT = { bigint: true } as const;

/** What was hashed, by file, for the life of a table. */
const digests = new WeakMap<ProcessTable, Map<string, Promise<Executable | string>>>();

/** What may still be hashed: no file above `each`, no more than `left` in all. */
export interface HashAllowance {
  readonly each: number;
  left: number;
}

/**
 * Identifies the executable of a process and hashes it if the allowance has room. Never rejects.
 *
 * @returns what was found, or words for why nothing could be (a kernel thread has no executable: undefined).
 */
export async function executableOf(
  context: CollectorContext,
  table: ProcessTable,
  record: ProcessRecord,
  allowance: HashAllowance,
): Promise<Executable | string | undefined> {
  if (record.exe === undefined) return undefined;
  try {
    return await identify(context, table, record, allowance);
  } catch (error) {
    return `${failure(error).outcome} (${failure(error).reason})`;
  }
}

/** A file that is open for hashing. */
interface Hashing {
  readonly fd: number;
  readonly found: Executable;
  readonly owner: string;
}

/**
 * Looks without opening, and opens what is to be hashed: only where the kernel alone answers, so nothing here waits.
 */
function identify(
  context: CollectorContext,
  table: ProcessTable,
  record: ProcessRecord,
  allowance: HashAllowance,
): Promise<Executable | string> | Executable | string {
  const dir = processDir(context.roots.proc, record);
  const { fd: held, place } = pin(`${dir}/exe`, dir, groundsOf(context));
  try {
    if (place.ground !== 'local') return `skipped (${untouchedReason(place)})`;
    const found = describe(fstatSync(held, EXACT));
    const known = digestsOf(table);
    const hashed = known.get(keyOf(found));
    if (hashed !== undefined) return hashed;
    const refusal = whyNot(context, found, allowance);
    if (refusal !== undefined) return { ...found, reason: refusal };
    if (!fstatSync(held).isFile()) return { ...found, reason: 'not hashed: not a regular file' };
    allowance.left -= found.size;
    const fd = openSync(`/proc/self/fd/${held}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const hashing = hash(context, { fd, found, owner: ownerOf(record.pid, record.startTicks) });
    // Others that run the same file wait for this one.
    known.set(keyOf(found), hashing);
    void hashing.then((done) =>
      typeof done === 'string' || done.sha256 === undefined ? known.delete(keyOf(found)) : undefined,
    );
    return hashing;
  } finally {
    closeSync(held);
  }
}

/** In the lane, because a disk takes its time. */
async function hash(context: CollectorContext, { fd, found, owner }: Hashing): Promise<Executable | string> {
  const file = { isTaken: false };
  const result = await sharedPool.run(
    async (ticket) => {
      file.isTaken = true;
      try {
        return await digestOf(fd, ticket, () => context.budget.signal.aborted || ticket.abandoned());
      } finally {
        await closing(fd);
      }
    },
    STEP_MS,
    owner,
  );
  if (!file.isTaken) closeSync(fd);
  if (result.state === 'timed-out') return `timed-out (${result.reason})`;
  if (result.state === 'failed') return `${failure(result.error).outcome} (${failure(result.error).reason})`;
  if (result.value === undefined) return { ...found, reason: 'not hashed: the capture was ended' };
  return { ...found, sha256: result.value };
}

function digestsOf(table: ProcessTable): Map<string, Promise<Executable | string>> {
  const known = digests.get(table) ?? new Map<string, Promise<Executable | string>>();
  digests.set(table, known);
  return known;
}

function keyOf({ device, inode, size, modified }: Executable): string {
  return `${device}:${inode}:${size}:${modified}`;
}

function whyNot(context: CollectorContext, { size }: Executable, { each, left }: HashAllowance): string | undefined {
  if (size > each) return `not hashed here: larger than ${each} bytes`;
  if (size > left) return 'not hashed here: enough was hashed already';
  return context.budget.remainingMs() < SPARE_MS ? 'not hashed: the time of the capture is nearly over' : undefined;
}

/** Reads the next chunk while the last one is hashed; no read is under way when it ends. */
async function digestOf(fd: number, ticket: Ticket, stopped: () => boolean): Promise<string | undefined> {
  const digest = createHash('sha256');
  let full = Buffer.allocUnsafeSlow(CHUNK);
  let spare = Buffer.allocUnsafeSlow(CHUNK);
  let at = 0;
  let count = await readAt(fd, full, at);
  while (count > 0 && !stopped()) {
    at += count;
    const next = readAt(fd, spare, at);
    digest.update(full.subarray(0, count));
    count = await next;
    ticket.progress();
    [full, spare] = [spare, full];
  }
  return count > 0 ? undefined : digest.digest('hex');
}

function readAt(fd: number, buffer: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function describe(info: BigIntStats): Executable {
  return {
    device: String(info.dev),
    inode: String(info.ino),
    size: Number(info.size),
    mode: Number(info.mode).toString(8),
    uid: Number(info.uid),
    links: Number(info.nlink),
    modified: new Date(Number(info.mtimeNs / 1_000_000n)).toISOString(),
  };
}
