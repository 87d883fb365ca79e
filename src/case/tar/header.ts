/**
 * Tar headers read back, byte-exact: names stay latin1 byte paths, because what a reader decodes as UTF-8 is lost where
 * an attacker chose other bytes (tar-stream decodes pax records so). ustar and pax: POSIX.1-2001, "pax interchange
 * format".
 */
import { BLOCK } from '../../archive/header.ts';
import type { BytePath } from '../../contracts/evidence.ts';

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
  readonly atime: string | undefined;
  readonly ctime: string | undefined;
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
const NO_KEYS = new Set<string>();
/** Pax headers of our own are smaller: a path, a target, the times. */
const LARGE_PAX = 4096;
const MAX_TIME = 32;
const MAX_NAMED = 4;
const MAX_NAME = 100;

/** The fields of a header block, or why it is none. `at` + 512 bytes must be there. */
export function readUstar(block: Buffer, at: number): Ustar | string {
  if (octal(block, at + 148, 8) !== checksum(block, at)) return 'its checksum is wrong';
  // Ten thousands of these are read: each call into native code that is spared counts.
  const posix = block.readUInt32BE(at + 257) === USTAR && block.readUInt32BE(at + 261) === VERSION;
  const prefix = text(block, at + 345, 155);
  const name = text(block, at, 100);
  const size = octal(block, at + 124, 12);
  const mode = octal(block, at + 100, 8);
  const uid = octal(block, at + 108, 8);
  const gid = octal(block, at + 116, 8);
  const mtime = octal(block, at + 136, 12);
  if (size < 0 || mode < 0 || uid < 0 || gid < 0 || mtime < 0) return 'a number in it is not octal';
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    type: typeOf(block[at + 156] ?? 0),
    target: text(block, at + 157, 100),
    size,
    mode,
    uid,
    gid,
    mtime,
    oddities:
      posix && prefix === ''
        ? NONE
        : [
            ...(posix ? NONE : ['it is not POSIX ustar']),
            ...(prefix === '' ? NONE : ['it splits its name in two fields']),
          ],
  };
}

/** NUL stands for a file, too. */
function typeOf(byte: number): string {
  return byte === 0 ? '0' : String.fromCharCode(byte);
}

/** `usta` and `r`, NUL, `00`: POSIX.1-2001, "ustar Interchange Format". */
const USTAR = 0x75737461;
const VERSION = 0x72003030;

/** True if the 512 bytes at `at` are a ustar header with a right checksum. */
export function isHeader(block: Buffer, at: number): boolean {
  return block.toString('latin1', at + 257, at + 262) === 'ustar' && octal(block, at + 148, 8) === checksum(block, at);
}

/** The records of a pax header. */
export interface Pax {
  readonly known: Readonly<Record<PaxKey, string | undefined>>;
  readonly unknown: ReadonlySet<string>;
}

type PaxKey = 'hdrcharset' | 'path' | 'linkpath' | 'size' | 'mtime' | 'atime' | 'ctime' | 'uid' | 'gid';

function isKnown(key: string): key is PaxKey {
  switch (key) {
    case 'hdrcharset':
    case 'path':
    case 'linkpath':
    case 'size':
    case 'mtime':
    case 'atime':
    case 'ctime':
    case 'uid':
    case 'gid':
      return true;
    default:
      return false;
  }
}

/** The records in a pax header body of `size` bytes at `at`, or why it has none. */
export function readPax(block: Buffer, at: number, size: number): Pax | string {
  const body = block.toString('latin1', at, at + size);
  const known: Record<PaxKey, string | undefined> = {
    hdrcharset: undefined,
    path: undefined,
    linkpath: undefined,
    size: undefined,
    mtime: undefined,
    atime: undefined,
    ctime: undefined,
    uid: undefined,
    gid: undefined,
  };
  let unknown = NO_KEYS;
  for (let from = 0; from < size; ) {
    const space = digitsEnd(body, from);
    const end = space < 0 ? 0 : from + Number(body.slice(from, space));
    const equals = body.indexOf('=', space);
    if (space < 0 || end > size || body.charCodeAt(end - 1) !== 0x0a || equals < 0 || equals >= end)
      return 'a pax record is malformed';
    const key = body.slice(space + 1, equals);
    if (isKnown(key) ? known[key] !== undefined : unknown.has(key))
      return `it has two pax records ${JSON.stringify(key)}`;
    if (isKnown(key)) known[key] = valueOf(block, body, at, { from: equals + 1, to: end - 1 });
    else unknown = unknown === NO_KEYS ? new Set([key]) : unknown.add(key);
    from = end;
  }
  return { known, unknown };
}

/**
 * A part of a string keeps all of it: of a large header, which thirty thousand entries may have, the value is read
 * again.
 */
function valueOf(
  block: Buffer,
  body: string,
  at: number,
  { from, to }: { readonly from: number; readonly to: number },
): string {
  return body.length < LARGE_PAX ? body.slice(from, to) : block.toString('latin1', at + from, at + to);
}

/** Index of the space behind at most ten digits, of which the first is no zero; -1 where that does not stand there. */
function digitsEnd(body: string, from: number): number {
  if (body.charCodeAt(from) === 0x30) return -1;
  for (let index = from; index <= from + 10; index += 1) {
    const code = body.charCodeAt(index);
    if (code === 0x20) return index > from ? index : -1;
    if (!(code >= 0x30 && code <= 0x39)) return -1;
  }
  return -1;
}

/** One entry from its header and the pax records before it, or why that cannot be. */
export function joinHeaders(ustar: Ustar, pax: Pax | undefined, offset: number, bodyOffset: number): TarEntry | string {
  const { type } = ustar;
  const known = pax?.known;
  const size = countRecord(known?.size, ustar.size);
  const uid = countRecord(known?.uid, ustar.uid);
  const gid = countRecord(known?.gid, ustar.gid);
  if (size < 0 || uid < 0 || gid < 0) return 'a number in its pax records is malformed';
  if (isLong(known?.mtime) || isLong(known?.atime) || isLong(known?.ctime))
    return 'a time in its pax records is malformed';
  let { oddities } = ustar;
  if (type !== '0' && ustar.size !== 0) oddities = [...oddities, 'it has a size though its type has no body'];
  if (pax !== undefined && pax.unknown.size > 0) oddities = [...oddities, ...unknownRecords(pax.unknown)];
  return {
    path: known?.path ?? ustar.path,
    type,
    size,
    mode: ustar.mode,
    uid,
    gid,
    mtime: known?.mtime ?? String(ustar.mtime),
    atime: known?.atime,
    ctime: known?.ctime,
    target: known?.linkpath ?? ustar.target,
    offset,
    bodyOffset,
    oddities,
  };
}

/** Seconds with nine decimals have 21 characters. */
function isLong(time: string | undefined): boolean {
  return time !== undefined && time.length > MAX_TIME;
}

function unknownRecords(keys: ReadonlySet<string>): readonly string[] {
  const named = [...keys]
    .slice(0, MAX_NAMED)
    .map((key) => `it has a pax record ${JSON.stringify(key.slice(0, MAX_NAME))}`);
  return keys.size <= MAX_NAMED
    ? named
    : [...named, `it has ${keys.size - MAX_NAMED} further pax records that Amber does not write`];
}

/** A decimal number of the pax records, `otherwise` where there is none, -1 where it is not one. */
function countRecord(value: string | undefined, otherwise: number): number {
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
  let end = at;
  while (end < at + length && block[end] !== 0) end += 1;
  return end === at ? '' : block.toString('latin1', at, end);
}
