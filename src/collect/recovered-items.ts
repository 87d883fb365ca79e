/** Where deleted content still hangs: executables, descriptors and mappings whose name is gone. */
import { closeSync, fstatSync, type BigIntStats } from 'node:fs';
import type { ByDesign, BytePath } from '../contracts/evidence.ts';
import { statLocal } from '../fs/resolve.ts';
import { linkText } from '../proc/links.ts';
import { mapsRows } from '../proc/maps.ts';
import { pin, type MountBook, type Place } from '../proc/mount-book.ts';
import { failure } from '../proc/read.ts';
import { processDir } from '../proc/table.ts';
import type { ProcessRecord, ProcLink } from '../contracts/process-table.ts';

/** Something to recover. */
export interface Item {
  /** `exe`, `fd-7`, `map-7f00-7f10`. */
  readonly name: string;
  readonly pid: number;
  /** The folder of the process in procfs, and the magic link there that leads to the content. */
  readonly dir: string;
  readonly source: string;
  /** What the kernel calls it. */
  readonly label: BytePath;
  /** Of a mapping: the file as maps has it, in the form of identityOf. */
  readonly identity?: string;
  /** Of a descriptor: its mount, from fdinfo. */
  readonly mount?: number | undefined;
}

export type Found = { readonly item: Item } & (
  | { readonly stat: BigIntStats }
  | {
      readonly outcome: 'missing' | 'denied' | 'skipped' | 'timed-out' | 'failed';
      readonly reason: string;
      readonly place?: Place;
      readonly byDesign?: ByDesign;
    }
);

/** Files of one process that are only mapped. */
const MAX_MAPS = 1024;
const EXACT = { bigint: true } as const;

/**
 * Shared memory of a process and its children; the kernel shows it as a deleted file. Its pages are in their memory.
 */
const NO_FILE = /^\/(?:dev\/zero|\[aio\]|anon_hugepage)/u;

/**
 * What one process has: executable first, then descriptors, then what is only mapped; `left` is told what is beyond the
 * limit.
 */
export function* candidates(record: ProcessRecord, proc: string, left: (count: number) => void): Generator<Item> {
  const dir = processDir(proc, record);
  const { pid } = record;
  if (record.exe !== undefined && isGone(record.exe))
    yield { name: 'exe', pid, dir, source: `${dir}/exe`, label: linkText(record.exe) };
  for (const { fd, link, mount } of record.descriptors) {
    if (isGone(link)) yield { name: `fd-${fd}`, pid, dir, source: `${dir}/fd/${fd}`, label: linkText(link), mount };
  }
  yield* mapped(record, dir, left);
}

function isGone(link: ProcLink): boolean {
  return link.deleted && link.target.startsWith('/') && !NO_FILE.test(link.target);
}

/** The first region of each deleted file. map_files is for CAP_CHECKPOINT_RESTORE alone (proc_pid_map_files(5)). */
function* mapped(record: ProcessRecord, dir: string, left: (count: number) => void): Generator<Item> {
  const maps = record.files.get('maps');
  if (maps?.ok !== true) return;
  const seen = new Set<string>();
  for (const { range, dev, inode, path } of mapsRows(maps.body)) {
    if (!path.startsWith('/') || !path.endsWith(' (deleted)') || NO_FILE.test(path)) continue;
    const identity = `${dev}:${inode}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    if (seen.size > MAX_MAPS) continue;
    yield { name: `map-${range}`, pid: record.pid, dir, source: `${dir}/map_files/${range}`, label: path, identity };
  }
  if (seen.size > MAX_MAPS) left(seen.size - MAX_MAPS);
}

/**
 * Looks through the link without opening what is behind it, and not even that where somebody else may have to answer.
 * Undefined: the file is not deleted, it is only called so.
 */
export function look(item: Item, book: MountBook): Found | undefined {
  const listed = placeOf(item, book);
  if (listed?.ground === 'served') return untouched(item, listed);
  let held;
  try {
    held = pin(item.source, item.dir, book);
  } catch (error) {
    return { item, ...whyNot(item, error) };
  }
  const { fd, place } = held;
  if (place.ground !== 'local') {
    closeSync(fd);
    return untouched(item, place);
  }
  try {
    const stat = fstatSync(fd, EXACT);
    if (stat.nlink !== 0n && isNamed(item, stat, book)) return undefined;
    return stat.isFile()
      ? { item, stat }
      : { item, outcome: 'skipped', byDesign: 'no-content', reason: 'not a regular file' };
  } catch (error) {
    return { item, ...whyNot(item, error) };
  } finally {
    closeSync(fd);
  }
}

/** True if the name that the kernel gives leads to this very file: it is called `… (deleted)` and is not. */
function isNamed({ label }: Item, { dev, ino }: BigIntStats, book: MountBook): boolean {
  const named = statLocal(label, book);
  return named?.dev === dev && named.ino === ino;
}

/** Where it lies by what procfs prints, before anything is followed. An executable has no fdinfo; see `pin`. */
function placeOf({ mount, identity, dir }: Item, book: MountBook): Place | undefined {
  if (mount !== undefined) return book.place(mount, dir);
  if (identity === undefined) return undefined;
  book.of(dir);
  const [major = '', minor = ''] = identity.split(':');
  return book.ofDevice(`${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`);
}

function untouched(item: Item, place: Place): Found {
  return { item, outcome: 'skipped', reason: untouchedReason(place), place };
}

export function untouchedReason(place: Place): string {
  return `not opened: ${place.reason ?? 'where it lies is not known'}`;
}

export function whyNot(item: Item, error: unknown): { outcome: ReturnType<typeof failure>['outcome']; reason: string } {
  const { outcome, reason } = failure(error);
  if (outcome !== 'denied' || !item.name.startsWith('map-')) return { outcome, reason };
  return {
    outcome,
    reason:
      `${reason}: a mapping is all that leads to it, and map_files needs CAP_CHECKPOINT_RESTORE; its pages are in ` +
      'the memory of the process',
  };
}
