/**
 * Tar headers: ustar (POSIX.1-1988) with pax extended headers (POSIX.1-2001) where ustar would lose something:
 * nanosecond times, names over 100 bytes, names that are not UTF-8, ids and sizes that do not fit in octal.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13
 */
import type { BytePath, FileStat } from '../contracts/evidence.ts';

export const BLOCK = 512;

/** Tar type flags. Sockets have none. */
export type TypeFlag = '0' | '2' | '3' | '4' | '5' | '6';

export interface HeaderFields {
  readonly path: BytePath;
  readonly type: TypeFlag;
  readonly mode: number;
  readonly size: number;
  readonly target?: BytePath;
  readonly stat?: FileStat;
  /** Those of `stat` in writing, where they are known already. */
  readonly times?: Times;
  /** Seconds since the epoch, used when there is no `stat`. */
  readonly mtimeSeconds: number;
}

/** Decimal seconds since the epoch with nine places, as pax records and the manifest have them. */
export interface Times {
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
}

const MAX_OCTAL_ID = 0o7777777;
const MAX_OCTAL_SIZE = 0o77777777777;
const MAX_NAME = 100;
const ZEROS: Buffer = Buffer.alloc(BLOCK);

/** Header blocks of one entry in a buffer of their own. A multiple of 512 bytes. */
export function encodeHeader(fields: HeaderFields): Buffer {
  const records = paxRecords(fields);
  const buffer = Buffer.allocUnsafe(headerBytes(records));
  writeBlocks(buffer, 0, fields, records);
  return buffer;
}

/**
 * Writes the header blocks at `at` and gives their length: the pax header when it is needed, then the ustar header.
 * The caller has made sure that {@link HOT_HEADER} bytes are free there and that the path is shorter than a block.
 */
export function writeHeader(buffer: Buffer, at: number, fields: HeaderFields): number {
  const records = paxRecords(fields);
  writeBlocks(buffer, at, fields, records);
  return headerBytes(records);
}

/** Room for the header blocks of an entry whose path is shorter than one block. */
export const HOT_HEADER: number = 4 * BLOCK;

function headerBytes(records: string): number {
  return BLOCK + (records === '' ? 0 : BLOCK + roundUp(records.length));
}

function writeBlocks(buffer: Buffer, start: number, fields: HeaderFields, records: string): void {
  const { path, type, stat } = fields;
  const length = headerBytes(records);
  const at = start + length - BLOCK;
  // Copied zeros: filling checks its arguments for longer than it fills.
  for (let block = start; block <= at; block += BLOCK) buffer.set(ZEROS, block);
  if (records !== '') {
    buffer.set(paxHeader(records.length), start);
    buffer.write(records, start + BLOCK, 'latin1');
  }
  ustar(buffer, at, path, type, {
    mode: fields.mode & 0o7777,
    size: fields.size,
    mtime: stat === undefined ? fields.mtimeSeconds : wholeSeconds(stat.mtimeNs),
    uid: stat === undefined ? 0 : Number(stat.uid),
    gid: stat === undefined ? 0 : Number(stat.gid),
    target: fields.target,
    rdev: type === '3' || type === '4' ? Number(stat?.rdev ?? 0) : undefined,
  });
}

let lastPaxHeader: { readonly size: number; readonly block: Buffer } | undefined;

/** The header of pax records of `size` bytes: nearly all entries have records of one size. */
function paxHeader(size: number): Buffer {
  if (lastPaxHeader?.size !== size) {
    lastPaxHeader = { size, block: Buffer.alloc(BLOCK) };
    ustar(lastPaxHeader.block, 0, 'PaxHeader', 'x', { mode: 0o644, size, mtime: 0, uid: 0, gid: 0 });
  }
  return lastPaxHeader.block;
}

/** `size` rounded up to whole blocks. */
export function roundUp(size: number): number {
  return size + ((BLOCK - (size % BLOCK)) % BLOCK);
}

export function timesOf(stat: FileStat): Times {
  return {
    mtime: decimalSeconds(stat.mtimeNs),
    atime: decimalSeconds(stat.atimeNs),
    ctime: decimalSeconds(stat.ctimeNs),
  };
}

function decimalSeconds(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${decimalSeconds(-nanoseconds)}`;
  const digits = nanoseconds.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function wholeSeconds(nanoseconds: bigint): number {
  return nanoseconds < 0n ? 0 : Number(nanoseconds / 1_000_000_000n);
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
  const { mtime, atime, ctime } = fields.times ?? timesOf(stat);
  records += record('mtime', mtime) + record('atime', atime) + record('ctime', ctime);
  if (stat.uid > MAX_OCTAL_ID) records += record('uid', String(stat.uid));
  if (stat.gid > MAX_OCTAL_ID) records += record('gid', String(stat.gid));
  return records;
}

/** `LENGTH key=value\n`, where LENGTH counts itself. */
function record(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + digits(rest);
  if (digits(length) > digits(rest)) length += 1;
  return `${length} ${key}=${value}\n`;
}

function digits(count: number): number {
  let found = 1;
  for (let limit = 10; count >= limit; limit *= 10) found += 1;
  return found;
}

function isUtf8(bytes: BytePath): boolean {
  return (
    isAscii(bytes) || Buffer.from(Buffer.from(bytes, 'latin1').toString('utf8'), 'utf8').toString('latin1') === bytes
  );
}

/** True if no byte of the path is above 0x7f. */
export function isAscii(bytes: BytePath): boolean {
  for (let index = 0; index < bytes.length; index += 1) if (bytes.charCodeAt(index) > 0x7f) return false;
  return true;
}

interface Numbers {
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: BytePath | undefined;
  readonly rdev?: number | undefined;
}

/** Fills a block of zeros. The checksum is summed up on the way: most of the block stays zero. */
function ustar(buffer: Buffer, at: number, path: BytePath, type: TypeFlag | 'x', numbers: Numbers): void {
  let sum = text(buffer, at, path, MAX_NAME);
  sum += octal(buffer, at + 100, 7, numbers.mode);
  sum += octal(buffer, at + 108, 7, Math.min(numbers.uid, MAX_OCTAL_ID));
  sum += octal(buffer, at + 116, 7, Math.min(numbers.gid, MAX_OCTAL_ID));
  sum += octal(buffer, at + 124, 11, Math.min(numbers.size, MAX_OCTAL_SIZE));
  sum += octal(buffer, at + 136, 11, Math.min(numbers.mtime, MAX_OCTAL_SIZE));
  sum += text(buffer, at + 156, type, 1);
  if (numbers.target !== undefined) sum += text(buffer, at + 157, numbers.target, MAX_NAME);
  sum += text(buffer, at + 257, 'ustar\u000000', 8);
  if (numbers.rdev !== undefined) {
    // Linux dev_t of stat(2) as glibc's major()/minor() take it apart.
    sum += octal(buffer, at + 329, 7, ((numbers.rdev >>> 8) & 0xfff) >>> 0);
    sum += octal(buffer, at + 337, 7, (numbers.rdev & 0xff) | ((numbers.rdev >>> 12) & 0xfff00));
  }
  octal(buffer, at + 148, 6, sum + 8 * 0x20); // its own field counts as spaces
  buffer[at + 155] = 0x20;
}

/**
 * Writes up to `most` bytes and gives their sum. Names are short: a call out of JavaScript costs more than the loop.
 */
function text(buffer: Buffer, at: number, bytes: BytePath, most: number): number {
  const length = Math.min(bytes.length, most);
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const byte = bytes.charCodeAt(index) & 0xff;
    buffer[at + index] = byte;
    sum += byte;
  }
  return sum;
}

/** Writes the digits and gives their sum. */
function octal(buffer: Buffer, at: number, count: number, value: number): number {
  let rest = value;
  let sum = 0;
  for (let index = at + count - 1; index >= at; index -= 1) {
    const more = Math.floor(rest / 8);
    const digit = 0x30 + rest - more * 8;
    buffer[index] = digit;
    sum += digit;
    rest = more;
  }
  return sum;
}
