/** From an entry and what became of it to its line in the manifest. */
import type { ByDesign, BytePath, Entry, FileStat, ManifestItem, Outcome } from '../contracts/evidence.ts';
import type { BodyResult } from './body.ts';
import { isAscii, timesOf, type Times, type TypeFlag } from './header.ts';

/** What the archive did with an entry. */
export interface Stored {
  readonly outcome: Outcome;
  readonly reason?: string | undefined;
  readonly byDesign?: ByDesign | undefined;
  readonly size?: number | undefined;
  /** Bytes of body in the tarball. */
  readonly stored?: number | undefined;
  /** Zero bytes at the end of the stored body that stand for bytes that could not be read; not part of `sha256`. */
  readonly padded?: number | undefined;
  readonly sha256?: string | undefined;
  /** Target of a link in the tarball, where it is not its own. */
  readonly storedTarget?: BytePath | undefined;
  readonly redactions?: readonly string[] | undefined;
}

type Draft = { -readonly [K in keyof ManifestItem]: ManifestItem[K] };

/** The line of one entry. `times` are those of its stat, where they are known in writing. */
export function manifestItem(entry: Entry, collector: string, stored: Stored, times?: Times): ManifestItem {
  const { path, pathBase64 } = pathFields(entry.path);
  const { method, kind } = entry;
  const source = readable(entry.source);
  const outcome = stored.outcome;
  // Member after member, in the order of the line: an object that is spread together costs more than reading the file.
  const item: Draft =
    pathBase64 === undefined
      ? { path, source, collector, method, kind, outcome }
      : { path, pathBase64, source, collector, method, kind, outcome };
  const reason = stored.reason ?? entry.reason;
  if (reason !== undefined) item.reason = reason;
  const byDesign = stored.byDesign ?? entry.byDesign;
  if (byDesign !== undefined && outcome === 'skipped') item.byDesign = byDesign;
  if (stored.size !== undefined) item.size = stored.size;
  if (stored.stored !== undefined) item.stored = stored.stored;
  if (stored.padded !== undefined && stored.padded !== 0) item.padded = stored.padded;
  if (stored.sha256 !== undefined) item.sha256 = stored.sha256;
  const stat = 'stat' in entry ? entry.stat : undefined;
  if (stat !== undefined) addStat(item, stat, times ?? timesOf(stat));
  if (entry.kind === 'link') item.target = readable(entry.target);
  if (stored.storedTarget !== undefined) item.storedTarget = readable(stored.storedTarget);
  if (stored.redactions !== undefined && stored.redactions.length > 0) item.redactions = stored.redactions;
  if (entry.notes !== undefined) item.notes = entry.notes();
  return item;
}

function addStat(item: Draft, stat: FileStat, { mtime, atime, ctime }: Times): void {
  item.mode = Number(stat.mode).toString(8);
  item.uid = Number(stat.uid);
  item.gid = Number(stat.gid);
  item.inode = String(stat.ino);
  item.links = Number(stat.nlink);
  item.mtime = mtime;
  item.atime = atime;
  item.ctime = ctime;
}

/** What a body read says about its entry. `declared` is the size in the header, `size` that of the file when opened. */
export function fileOutcome(size: number, declared: number, body: BodyResult): Stored {
  const padded = Math.max(0, declared - body.read);
  const { sha256 } = body;
  if (body.failure === undefined && body.change === undefined && declared === size) {
    return { outcome: size === 0 ? 'empty' : 'collected', size, stored: declared, padded, sha256 };
  }
  const facts = { size, stored: declared, padded, sha256 };
  if (body.failure !== undefined)
    return { ...facts, outcome: body.read === 0 ? 'failed' : 'truncated', reason: body.failure };
  if (declared < size) return { ...facts, outcome: 'truncated', reason: 'the byte budget is spent' };
  return { ...facts, outcome: 'changed', reason: body.change };
}

/** FIFO, character and block device have type flags in ustar; a socket has none. */
export function specialType(mode: number): TypeFlag | undefined {
  const kinds: Readonly<Record<number, TypeFlag>> = { 0o010000: '6', 0o020000: '3', 0o060000: '4' };
  return kinds[mode & 0o170000];
}

function pathFields(path: BytePath): { path: string; pathBase64?: string } {
  if (isAscii(path)) return { path };
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return { path: text };
  return { path: text, pathBase64: bytes.toString('base64') };
}

/** A byte path as text: UTF-8 where it is, replacement characters where it is not. */
export function readable(path: BytePath): string {
  return isAscii(path) ? path : Buffer.from(path, 'latin1').toString('utf8');
}
