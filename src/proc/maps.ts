/**
 * Parsers of /proc/PID/maps and the files that summarise it. Sources: proc_pid_maps(5), proc_pid_smaps(5), and
 * `show_map_vma` in the kernel's fs/proc/task_mmu.c.
 */
import type { BigIntStats } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { latin1 } from './bytes.ts';

/** One mapping (VMA). Addresses are BigInt: with 5-level paging they pass 2^53. */
export interface Vma {
  /** First address. */
  readonly start: bigint;
  /** First address behind the mapping. */
  readonly end: bigint;
  /** `rwxp`, `r--s`, …: four characters. */
  readonly perms: string;
  /** Offset into the file, in bytes. */
  readonly offset: bigint;
  /** `major:minor`, hexadecimal, as the kernel prints it. */
  readonly dev: string;
  /** Inode number, decimal; `0` for anonymous memory. */
  readonly inode: string;
  /**
   * File, `[heap]`, `[stack]`, `[anon:name]`, `/memfd:name (deleted)`, or empty. As printed: the kernel writes a
   * newline in a name as `\012` and leaves backslashes alone. So the text cannot be turned back into the name for
   * certain.
   */
  readonly path: BytePath;
}

/** The same line as text, for output that needs no arithmetic. */
export interface VmaText {
  /** `start-end`, hexadecimal, as printed. */
  readonly range: string;
  readonly perms: string;
  /** Hexadecimal, as printed. */
  readonly offset: string;
  readonly dev: string;
  readonly inode: string;
  readonly path: BytePath;
}

// `start-end perms offset dev inode   path`. The path is everything behind the padding: any byte but a newline.
const LINE = /([\da-f]+-[\da-f]+) ([r-][w-][x-][ps]) ([\da-f]+) ([\da-f]+:[\da-f]+) (\d+) *([^\n]*)\n/y;

/**
 * Reads the lines of a maps file as text. A last line without its newline is left out: the file was cut there. A line
 * of another form ends in no row.
 */
export function parseMapsText(body: Uint8Array): VmaText[] {
  return [...mapsRows(body)];
}

/** The same one by one: a hostile process has 10,000 lines, and between them the caller may want to yieldIfDue. */
export function* mapsRows(body: Uint8Array): Generator<VmaText> {
  const text = latin1(body);
  for (let at = 0; at < text.length; ) {
    // Others may read other files between two of our rows: the place is kept here, not in the expression.
    LINE.lastIndex = at;
    const match = LINE.exec(text);
    at = match === null ? text.indexOf('\n', at) + 1 : LINE.lastIndex;
    if (match !== null) {
      const [, range = '', perms = '', offset = '', dev = '', inode = '', path = ''] = match;
      yield { range, perms, offset, dev, inode, path };
    } else if (at === 0) return;
  }
}

/** Only the executable ones, private before shared: a fifth of the lines, for when there are a thousand processes. */
export function* executableRows(body: Uint8Array): Generator<VmaText> {
  const text = latin1(body);
  for (const mark of ['xp ', 'xs ']) {
    for (let found = text.indexOf(mark); found !== -1; found = text.indexOf(mark, found + 1)) {
      LINE.lastIndex = text.lastIndexOf('\n', found) + 1;
      const match = LINE.exec(text);
      const [, range = '', perms = '', offset = '', dev = '', inode = '', path = ''] = match ?? [];
      // The mark may also stand in a path.
      if (match !== null && match.index + range.length + 3 === found) yield { range, perms, offset, dev, inode, path };
    }
  }
}

/** Reads a maps file, in the order of addresses. See {@link parseMapsText} for lines that are cut or strange. */
export function parseMaps(body: Uint8Array): Vma[] {
  return parseMapsText(body).map((row) => {
    const dash = row.range.indexOf('-');
    return {
      start: BigInt(`0x${row.range.slice(0, dash)}`),
      end: BigInt(`0x${row.range.slice(dash + 1)}`),
      perms: row.perms,
      offset: BigInt(`0x${row.offset}`),
      dev: row.dev,
      inode: row.inode,
      path: row.path,
    };
  });
}

/** Device and inode as maps prints them: `fe:00:4242`. The split of a device number is that of makedev(3). */
export function identityOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}:${ino}`;
}
