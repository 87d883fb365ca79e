/** From an entry and what became of it to its line in the manifest. */
import type { BigIntStats } from 'node:fs';
import type { BytePath, Entry, ManifestItem, Outcome } from '../contracts.ts';
import type { BodyResult } from './body.ts';
import { decimalSeconds, isAscii, type TypeFlag } from './header.ts';

/** What the archive did with an entry. */
export interface Stored {
  readonly outcome: Outcome;
  readonly reason?: string | undefined;
  readonly size?: number | undefined;
  /** Bytes of body in the tarball. */
  readonly stored?: number | undefined;
  /** Zero bytes at the end of the stored body that stand for bytes that could not be read; not part of `sha256`. */
  readonly padded?: number | undefined;
  readonly sha256?: string | undefined;
  readonly redactions?: readonly string[] | undefined;
}

export function manifestItem(entry: Entry, collector: string, stored: Stored): ManifestItem {
  const stat = 'stat' in entry ? entry.stat : undefined;
  const reason = stored.reason ?? entry.reason;
  return {
    ...pathFields(entry.path),
    source: readable(entry.source),
    collector,
    method: entry.method,
    kind: entry.kind,
    outcome: stored.outcome,
    ...(reason === undefined ? {} : { reason }),
    ...(stored.size === undefined ? {} : { size: stored.size }),
    ...(stored.stored === undefined ? {} : { stored: stored.stored }),
    ...(stored.padded === undefined || stored.padded === 0 ? {} : { padded: stored.padded }),
    ...(stored.sha256 === undefined ? {} : { sha256: stored.sha256 }),
    ...(stat === undefined ? {} : statFields(stat)),
    ...(entry.kind === 'link' ? { target: readable(entry.target) } : {}),
    ...(stored.redactions === undefined || stored.redactions.length === 0 ? {} : { redactions: stored.redactions }),
    ...(entry.notes === undefined ? {} : { notes: entry.notes() }),
  };
}

/** What a body read says about its entry. `declared` is the size in the header, `size` that of the file when opened. */
export function fileOutcome(size: number, declared: number, body: BodyResult): Stored {
  const padded = Math.max(0, declared - body.read);
  const facts = { size, stored: declared, padded, sha256: body.sha256 };
  if (body.failure !== undefined) return { ...facts, outcome: body.read === 0 ? 'failed' : 'truncated', reason: body.failure };
  if (declared < size) return { ...facts, outcome: 'truncated', reason: 'the byte budget is spent' };
  if (body.change !== undefined) return { ...facts, outcome: 'changed', reason: body.change };
  return { ...facts, outcome: size === 0 ? 'empty' : 'collected' };
}

/** FIFO, character and block device have type flags in ustar; a socket has none. */
export function specialType(mode: number): TypeFlag | undefined {
  const kinds: Readonly<Record<number, TypeFlag>> = { 0o010000: '6', 0o020000: '3', 0o060000: '4' };
  return kinds[mode & 0o170000];
}

function statFields(stat: BigIntStats): Partial<ManifestItem> {
  return {
    mode: Number(stat.mode).toString(8),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    inode: String(stat.ino),
    links: Number(stat.nlink),
    mtime: decimalSeconds(stat.mtimeNs),
    atime: decimalSeconds(stat.atimeNs),
    ctime: decimalSeconds(stat.ctimeNs),
  };
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
