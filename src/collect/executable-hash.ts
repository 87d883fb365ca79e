/**
 * What a process runs, by content: /proc/PID/exe opened and hashed, so that a deleted or memfd executable is no obstacle.
 * Each file is hashed once, however many processes run it.
 */
import { createHash } from 'node:crypto';
import { close, constants, fstat, open, read, stat, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import type { Scene } from '../contracts.ts';
import { ownerOf, sharedLane, type Ticket } from '../proc/lane.ts';
import { failure } from '../proc/read.ts';
import { processDir, type ProcessRecord, type ProcessTable } from '../proc/table.ts';

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

const opening = promisify(open);
const closing = promisify(close);
const fstating = promisify<number, { bigint: true }, BigIntStats>(fstat);
const stating = promisify<string, { bigint: true }, BigIntStats>(stat);
const EXACT = { bigint: true } as const;

/** Digests by file, for the life of a table. */
const digests = new WeakMap<ProcessTable, Map<string, string>>();

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
  scene: Scene, table: ProcessTable, record: ProcessRecord, allowance: HashAllowance,
): Promise<Executable | string | undefined> {
  if (record.exe === undefined) return undefined;
  const path = `${processDir(scene.roots.proc, record)}/exe`;
  const result = await sharedLane.run(async (ticket) => {
    const found = describe(await stating(path, EXACT));
    ticket.progress();
    const known = digestsOf(table);
    const key = keyOf(found);
    const sha256 = known.get(key);
    if (sha256 !== undefined) return { ...found, sha256 };
    const refusal = whyNot(scene, found, allowance);
    if (refusal !== undefined) return { ...found, reason: refusal };
    allowance.left -= found.size;
    const hashed = await hashFile(scene, path, ticket);
    if (hashed.sha256 !== undefined) known.set(keyOf(hashed), hashed.sha256);
    return hashed;
  }, STEP_MS, ownerOf(record.pid, record.startTicks));
  if (result.state === 'done') return result.value;
  return result.state === 'timed-out' ? `timed-out (${result.reason})` : `${failure(result.error).outcome} (${failure(result.error).reason})`;
}

function digestsOf(table: ProcessTable): Map<string, string> {
  const known = digests.get(table) ?? new Map<string, string>();
  digests.set(table, known);
  return known;
}

function keyOf({ device, inode, size, modified }: Executable): string {
  return `${device}:${inode}:${size}:${modified}`;
}

function whyNot(scene: Scene, { size }: Executable, { each, left }: HashAllowance): string | undefined {
  if (size > each) return `not hashed here: larger than ${each} bytes`;
  if (size > left) return 'not hashed here: enough was hashed already';
  return scene.budget.remainingMs() < SPARE_MS ? 'not hashed: the time of the capture is nearly over' : undefined;
}

async function hashFile(scene: Scene, path: string, ticket: Ticket): Promise<Executable> {
  const fd = await opening(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const info = await fstating(fd, EXACT);
    if (!info.isFile()) return { ...describe(info), reason: 'not hashed: not a regular file' };
    const sha256 = await digestOf(fd, ticket, () => scene.budget.signal.aborted || ticket.abandoned());
    return sha256 === undefined ? { ...describe(info), reason: 'not hashed: the capture was ended' } : { ...describe(info), sha256 };
  } finally {
    await closing(fd);
  }
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
    read(fd, buffer, 0, buffer.length, position, (error, count) => error === null ? resolve(count) : reject(error));
  });
}

function describe(info: BigIntStats): Executable {
  return {
    device: String(info.dev), inode: String(info.ino), size: Number(info.size), mode: Number(info.mode).toString(8), uid: Number(info.uid),
    links: Number(info.nlink), modified: new Date(Number(info.mtimeNs / 1_000_000n)).toISOString(),
  };
}
