/**
 * Tar headers read back, byte-exact: names stay latin1 byte paths, because what a reader decodes as UTF-8 is lost where
 * an attacker chose other bytes (tar-stream decodes pax records so). ustar and pax: POSIX.1-2001, "pax interchange format".
 */
import { BLOCK } from '../archive/header.ts';
import type { BytePath } from '../contracts.ts';

/** One entry as its headers tell of it. Nothing in it is checked against anything. */
export interface TarEntry {
  readonly path: BytePath;
  /** Type flag: `0` file, `2` link, `3` `4` devices, `5` directory, `6` FIFO; others are not written by Amber. */
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds, decimal, from the pax records where they say so; `mtime` always. */
  readonly mtime: string;
  readonly atime?: string;
  readonly ctime?: string;
  readonly target: BytePath;
  /** Offset in the tar stream of the first header block of the entry. */
  readonly offset: number;
  /** Offset of the first byte of its body. */
  readonly bodyOffset: number;
  /** What a writer of Amber does not do, in words: two programs may read such an entry differently. */
  readonly oddities: readonly string[];
}

/** The fixed part of a header block. */
export interface Ustar {
  readonly path: BytePath;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly target: BytePath;
  readonly oddities: readonly string[];
}

/** Shared by all entries that have none. */
const NONE: readonly string[] = [];

/** The fields of a header block, or why it is none. `at` + 512 bytes must be there. */
export function readUstar(block: Buffer, at: number): Ustar | string {
  if (octal(block, at + 148, 8) !== checksum(block, at)) return 'its checksum is wrong';
  let oddities = NONE;
  const magic = block.toString('latin1', at + 257, at + 265);
  if (magic !== 'ustar\u000000') oddities = [...oddities, 'it is not POSIX ustar'];
  const prefix = text(block, at + 345, 155);
  if (prefix !== '') oddities = [...oddities, 'it splits its name in two fields'];
  const name = text(block, at, 100);
  const type = block.toString('latin1', at + 156, at + 157);
  const size = octal(block, at + 124, 12);
  const mode = octal(block, at + 100, 8);
  const uid = octal(block, at + 108, 8);
  const gid = octal(block, at + 116, 8);
  const mtime = octal(block, at + 136, 12);
  if (size < 0 || mode < 0 || uid < 0 || gid < 0 || mtime < 0) return 'a number in it is not octal';
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    type: type === '\u0000' ? '0' : type,
    target: text(block, at + 157, 100),
    size, mode, uid, gid, mtime, oddities,
  };
}

/** True if the 512 bytes at `at` are a ustar header with a right checksum. */
export function isHeader(block: Buffer, at: number): boolean {
  return block.toString('latin1', at + 257, at + 262) === 'ustar' && octal(block, at + 148, 8) === checksum(block, at);
}

/** The records of a pax header body, or why it has none. */
export function readPax(body: Buffer): ReadonlyMap<string, string> | string {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 || space - at > 10 ? '' : body.toString('latin1', at, space);
    const length = /^[1-9]\d*$/u.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(0x3d, space);
    if (length === 0 || end > body.length || body[end - 1] !== 0x0a || equals < 0 || equals >= end) return 'a pax record is malformed';
    const key = body.toString('latin1', space + 1, equals);
    if (records.has(key)) return `it has two pax records ${JSON.stringify(key)}`;
    records.set(key, body.toString('latin1', equals + 1, end - 1));
    at = end;
  }
  return records;
}

const KNOWN_RECORDS: ReadonlySet<string> = new Set(['hdrcharset', 'path', 'linkpath', 'size', 'mtime', 'atime', 'ctime', 'uid', 'gid']);

/** One entry from its header and the pax records before it, or why that cannot be. */
export function joinHeaders(
  ustar: Ustar, pax: ReadonlyMap<string, string> | undefined, place: { offset: number; bodyOffset: number },
): TarEntry | string {
  const { path, type, size, mode, uid, gid, target } = ustar;
  const bodiless = type !== '0' && size !== 0 ? ['it has a size though its type has no body'] : NONE;
  if (pax === undefined) {
    const oddities = bodiless === NONE ? ustar.oddities : [...ustar.oddities, ...bodiless];
    return { path, type, size, mode, uid, gid, target, mtime: String(ustar.mtime), ...place, oddities };
  }
  const numbers = { size: countRecord(pax, 'size', size), uid: countRecord(pax, 'uid', uid), gid: countRecord(pax, 'gid', gid) };
  if (Math.min(numbers.size, numbers.uid, numbers.gid) < 0) return 'a number in its pax records is malformed';
  const unknown = [...pax.keys()].filter((key) => !KNOWN_RECORDS.has(key)).map((key) => `it has a pax record ${JSON.stringify(key)}`);
  const atime = pax.get('atime');
  const ctime = pax.get('ctime');
  return {
    type, mode, ...numbers, ...place,
    path: pax.get('path') ?? path,
    target: pax.get('linkpath') ?? target,
    mtime: pax.get('mtime') ?? String(ustar.mtime),
    ...(atime === undefined ? {} : { atime }),
    ...(ctime === undefined ? {} : { ctime }),
    oddities: [ustar.oddities, bodiless, unknown].some((list) => list.length > 0) ? [...ustar.oddities, ...bodiless, ...unknown] : NONE,
  };
}

/** A decimal number of the pax records, `otherwise` where there is none, -1 where it is not one. */
function countRecord(pax: ReadonlyMap<string, string>, key: string, otherwise: number): number {
  const value = pax.get(key);
  if (value === undefined) return otherwise;
  return /^\d{1,16}$/u.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : -1;
}

/** Octal digits up to a NUL or space, -1 if there is anything else. */
function octal(block: Buffer, at: number, length: number): number {
  let value = 0;
  let index = at;
  while (index < at + length && block[index] === 0x20) index += 1;
  for (; index < at + length; index += 1) {
    const byte = block[index] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return -1;
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function checksum(block: Buffer, at: number): number {
  let sum = 8 * 0x20;
  for (let index = at; index < at + 148; index += 1) sum += block[index] ?? 0;
  for (let index = at + 156; index < at + BLOCK; index += 1) sum += block[index] ?? 0;
  return sum;
}

function text(block: Buffer, at: number, length: number): BytePath {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end < 0 || end > at + length ? at + length : end);
}
