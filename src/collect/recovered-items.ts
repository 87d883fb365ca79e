/** Where deleted content still hangs: executables, descriptors and mappings whose name is gone. */
import { lstat, stat, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import type { BytePath } from '../contracts.ts';
import { toFsPath } from '../proc/bytes.ts';
import { ownerOf, sharedLane } from '../proc/lane.ts';
import { linkText } from '../proc/links.ts';
import { mapsRows } from '../proc/maps.ts';
import { failure } from '../proc/read.ts';
import { processDir, type ProcessRecord, type ProcLink } from '../proc/table.ts';

/** Something to recover. */
export interface Item {
  /** `exe`, `fd-7`, `map-7f00-7f10`. */
  readonly name: string;
  readonly pid: number;
  /** For the lane. */
  readonly owner: string;
  /** The magic link that leads to the content. */
  readonly source: string;
  /** What the kernel calls it. */
  readonly label: BytePath;
  /** Of a mapping: the file as maps has it, in the form of {@link identityOf}. */
  readonly identity?: string;
}

export type Found = { readonly item: Item } & (
  | { readonly stat: BigIntStats }
  | { readonly outcome: 'missing' | 'denied' | 'skipped' | 'timed-out' | 'failed'; readonly reason: string }
);

const STEP_MS = 1000;
const MOST_MAPS = 64;
const EXACT = { bigint: true } as const;
const stating = promisify<string, { bigint: true }, BigIntStats>(stat);
const lstating = promisify<string | Buffer, { bigint: true }, BigIntStats>(lstat);

/** Shared memory that has no file; the kernel shows it as a deleted one. */
const NO_FILE = /^\/(?:SYSV[0-9a-f]{8}|dev\/zero|\[aio\]|anon_hugepage)/u;

/** What one process has: executable first, then descriptors, then what is only mapped. */
export function* candidates(record: ProcessRecord, proc: string): Generator<Item> {
  const dir = processDir(proc, record);
  const { pid } = record;
  const owner = ownerOf(pid, record.startTicks);
  if (record.exe !== undefined && isGone(record.exe)) yield { name: 'exe', pid, owner, source: `${dir}/exe`, label: linkText(record.exe) };
  for (const { fd, link } of record.descriptors) {
    if (isGone(link)) yield { name: `fd-${fd}`, pid, owner, source: `${dir}/fd/${fd}`, label: linkText(link) };
  }
  yield* mapped(record, owner, dir);
}

function isGone(link: ProcLink): boolean {
  return link.deleted && link.target.startsWith('/') && !NO_FILE.test(link.target);
}

/** The first region of each deleted file. map_files is for CAP_CHECKPOINT_RESTORE alone (proc_pid_map_files(5)). */
function* mapped(record: ProcessRecord, owner: string, dir: string): Generator<Item> {
  const maps = record.files.get('maps');
  if (maps?.ok !== true) return;
  const seen = new Set<string>();
  for (const { range, dev, inode, path } of mapsRows(maps.body)) {
    if (!path.startsWith('/') || !path.endsWith(' (deleted)') || NO_FILE.test(path)) continue;
    const identity = `${dev}:${inode}`;
    if (seen.has(identity) || seen.size === MOST_MAPS) continue;
    seen.add(identity);
    yield { name: `map-${range}`, pid: record.pid, owner, source: `${dir}/map_files/${range}`, label: path, identity };
  }
}

/** Device and inode as maps prints them: `fe:00:4242`. The split of a device number is that of makedev(3). */
export function identityOf({ dev, ino }: BigIntStats): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}:${ino}`;
}

/** Looks through the link without opening what is behind it. Undefined: the file is not deleted, it is only called so. */
export async function look(item: Item): Promise<Found | undefined> {
  const result = await sharedLane.run(async (ticket) => {
    const info = await stating(item.source, EXACT);
    ticket.progress();
    if (info.nlink === 0n) return info;
    const named = await lstating(toFsPath(item.label), EXACT).catch(() => undefined);
    return named?.dev === info.dev && named.ino === info.ino ? undefined : info;
  }, STEP_MS, item.owner);
  if (result.state === 'timed-out') return { item, outcome: 'timed-out', reason: result.reason };
  if (result.state === 'failed') return { item, ...whyNot(item, result.error) };
  if (result.value === undefined) return undefined;
  return result.value.isFile() ? { item, stat: result.value } : { item, outcome: 'skipped', reason: 'not a regular file' };
}

export function whyNot(item: Item, error: unknown): { outcome: ReturnType<typeof failure>['outcome']; reason: string } {
  const { outcome, reason } = failure(error);
  if (outcome !== 'denied' || !item.name.startsWith('map-')) return { outcome, reason };
  return { outcome, reason: `${reason}: a mapping is all that leads to it, and map_files needs CAP_CHECKPOINT_RESTORE; its pages are in the memory of the process` };
}
