/**
 * Tar headers: ustar (POSIX.1-1988) with pax extended headers (POSIX.1-2001) where ustar would lose something:
 * nanosecond times, names over 100 bytes, names that are not UTF-8, ids and sizes that do not fit in octal.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13
 */
import type { BigIntStats } from 'node:fs';
import type { BytePath } from '../contracts.ts';

export const BLOCK = 512;

/** Tar type flags. Sockets have none. */
export type TypeFlag = '0' | '2' | '3' | '4' | '5' | '6';

export interface HeaderFields {
  readonly path: BytePath;
  readonly type: TypeFlag;
  readonly mode: number;
  readonly size: number;
  readonly target?: BytePath;
  readonly stat?: BigIntStats;
  /** Seconds since the epoch, used when there is no `stat`. */
  readonly mtimeSeconds: number;
}

const MAX_OCTAL_ID = 0o7777777;
const MAX_OCTAL_SIZE = 0o77777777777;
const MAX_NAME = 100;

/** Header blocks of one entry in a buffer of their own. A multiple of 512 bytes. */
export function encodeHeader(fields: HeaderFields): Buffer {
  const records = paxRecords(fields);
  const buffer = Buffer.alloc(headerBytes(records));
  writeBlocks(buffer, 0, fields, records);
  return buffer;
}

/**
 * Writes the header blocks at `at` and gives their length: the pax header when it is needed, then the ustar header.
 * The caller has made sure that {@link HOT_HEADER} bytes are free there and that the path is shorter than a block.
 */
export function writeHeader(buffer: Buffer, at: number, fields: HeaderFields): number {
  const records = paxRecords(fields);
  const length = headerBytes(records);
  buffer.fill(0, at, at + length);
  writeBlocks(buffer, at, fields, records);
  return length;
}

/** Room for the header blocks of an entry whose path is shorter than one block. */
export const HOT_HEADER: number = 4 * BLOCK;

function headerBytes(records: string): number {
  return BLOCK + (records === '' ? 0 : BLOCK + roundUp(records.length));
}

function writeBlocks(buffer: Buffer, start: number, fields: HeaderFields, records: string): void {
  let at = start;
  if (records !== '') {
    writeUstar(buffer, at, { path: 'PaxHeader', type: 'x', mode: 0o644, size: records.length, mtime: 0, uid: 0, gid: 0 });
    buffer.write(records, at + BLOCK, 'latin1');
    at += BLOCK + roundUp(records.length);
  }
  writeUstar(buffer, at, {
    path: fields.path,
    type: fields.type,
    mode: fields.mode & 0o7777,
    size: fields.size,
    mtime: fields.stat === undefined ? fields.mtimeSeconds : wholeSeconds(fields.stat.mtimeNs),
    uid: Number(fields.stat?.uid ?? 0),
    gid: Number(fields.stat?.gid ?? 0),
    target: fields.target,
    rdev: fields.type === '3' || fields.type === '4' ? Number(fields.stat?.rdev ?? 0) : undefined,
  });
}

/** `size` rounded up to whole blocks. */
export function roundUp(size: number): number {
  return size + ((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Nanoseconds as the decimal seconds of a pax record; also what the manifest shows. */
export function decimalSeconds(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${decimalSeconds(-nanoseconds)}`;
  const digits = nanoseconds.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function wholeSeconds(nanoseconds: bigint): number {
  return nanoseconds < 0n ? 0 : Math.trunc(Number(nanoseconds / 1_000_000_000n));
}

function paxRecords(fields: HeaderFields): string {
  const { path, target, stat } = fields;
  let records = '';
  // Without this record a reader takes names as UTF-8 and a hostile name is lost (libarchive, Python's tarfile, pax).
  if (!isUtf8(path) || (target !== undefined && !isUtf8(target))) records += record('hdrcharset', 'BINARY');
  if (path.length > MAX_NAME) records += record('path', path);
  if (target !== undefined && target.length > MAX_NAME) records += record('linkpath', target);
  if (fields.size > MAX_OCTAL_SIZE) records += record('size', String(fields.size));
  if (stat === undefined) return records;
  records += record('mtime', decimalSeconds(stat.mtimeNs)) + record('atime', decimalSeconds(stat.atimeNs));
  records += record('ctime', decimalSeconds(stat.ctimeNs));
  if (stat.uid > MAX_OCTAL_ID) records += record('uid', String(stat.uid));
  if (stat.gid > MAX_OCTAL_ID) records += record('gid', String(stat.gid));
  return records;
}

/** `LENGTH key=value\n`, where LENGTH counts itself. */
function record(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length + rest > length) length += 1;
  return `${length} ${key}=${value}\n`;
}

function isUtf8(bytes: BytePath): boolean {
  return isAscii(bytes) || Buffer.from(Buffer.from(bytes, 'latin1').toString('utf8'), 'utf8').toString('latin1') === bytes;
}

/** True if no byte of the path is above 0x7f. */
export function isAscii(bytes: BytePath): boolean {
  for (let index = 0; index < bytes.length; index += 1) if (bytes.charCodeAt(index) > 0x7f) return false;
  return true;
}

interface Ustar {
  readonly path: BytePath;
  readonly type: TypeFlag | 'x';
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: BytePath | undefined;
  readonly rdev?: number | undefined;
}

function writeUstar(buffer: Buffer, at: number, fields: Ustar): void {
  buffer.write(fields.path.length > MAX_NAME ? fields.path.slice(0, MAX_NAME) : fields.path, at, 'latin1');
  octal(buffer, at + 100, 7, fields.mode);
  octal(buffer, at + 108, 7, Math.min(fields.uid, MAX_OCTAL_ID));
  octal(buffer, at + 116, 7, Math.min(fields.gid, MAX_OCTAL_ID));
  octal(buffer, at + 124, 11, Math.min(fields.size, MAX_OCTAL_SIZE));
  octal(buffer, at + 136, 11, Math.min(fields.mtime, MAX_OCTAL_SIZE));
  buffer[at + 156] = fields.type.charCodeAt(0);
  if (fields.target !== undefined) buffer.write(fields.target.slice(0, MAX_NAME), at + 157, 'latin1');
  buffer.write('ustar\u000000', at + 257, 'latin1');
  if (fields.rdev !== undefined) {
    // Linux dev_t of stat(2) as glibc's major()/minor() take it apart.
    octal(buffer, at + 329, 7, ((fields.rdev >>> 8) & 0xfff) >>> 0);
    octal(buffer, at + 337, 7, (fields.rdev & 0xff) | ((fields.rdev >>> 12) & 0xfff00));
  }
  buffer.fill(0x20, at + 148, at + 156);
  let sum = 0;
  for (let index = at; index < at + BLOCK; index += 1) sum += buffer[index] ?? 0;
  octal(buffer, at + 148, 6, sum);
  buffer[at + 154] = 0;
}

function octal(buffer: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let index = at + digits - 1; index >= at; index -= 1) {
    buffer[index] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}
