/**
 * Parsers of /proc/PID/maps and the files that summarise it. Sources: proc_pid_maps(5), proc_pid_smaps(5), and
 * `show_map_vma` in the kernel's fs/proc/task_mmu.c.
 */
import type { BytePath } from '../contracts.ts';
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
   * File, `[heap]`, `[stack]`, `[anon:name]`, `/memfd:name (deleted)`, or empty. As printed: the kernel writes a newline in a name as
   * `\012` and leaves backslashes alone, so that the text cannot be turned back into the name for certain.
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

const BLANK = 0x20;

/**
 * Reads the lines of a maps file as text. A last line without its newline is left out: the file was cut there. A line
 * of another form ends in no row.
 */
export function parseMapsText(body: Uint8Array): VmaText[] {
  return [...mapsRows(body)];
}

/** The same one by one: a hostile process has 10,000 lines, and between them the caller may want to breathe. */
export function* mapsRows(body: Uint8Array): Generator<VmaText> {
  const text = latin1(body);
  for (let start = 0, end = text.indexOf('\n'); end !== -1; start = end + 1, end = text.indexOf('\n', start)) {
    const row = parseLine(text.slice(start, end));
    if (row !== undefined) yield row;
  }
}

const RANGE = /^[\da-f]+-[\da-f]+$/u;
const PERMS = /^[r-][w-][x-][ps]$/u;
const OFFSET = /^[\da-f]+$/u;

/**
 * `start-end perms offset dev inode   path`. Cut by hand: ten thousand lines of 500 processes are no place for one long
 * regular expression. The path is everything behind the padding and may hold any byte but a newline.
 */
function parseLine(line: string): VmaText | undefined {
  const afterRange = line.indexOf(' ');
  const afterPerms = line.indexOf(' ', afterRange + 1);
  const afterOffset = line.indexOf(' ', afterPerms + 1);
  const afterDev = line.indexOf(' ', afterOffset + 1);
  if (afterRange < 0 || afterPerms < 0 || afterOffset < 0 || afterDev < 0) return undefined;
  const range = line.slice(0, afterRange);
  const perms = line.slice(afterRange + 1, afterPerms);
  const offset = line.slice(afterPerms + 1, afterOffset);
  if (!RANGE.test(range) || !PERMS.test(perms) || !OFFSET.test(offset)) return undefined;
  const afterInode = line.indexOf(' ', afterDev + 1);
  const inode = line.slice(afterDev + 1, afterInode < 0 ? undefined : afterInode);
  let from = afterInode < 0 ? line.length : afterInode;
  while (line.charCodeAt(from) === BLANK) from += 1;
  return { range, perms, offset, dev: line.slice(afterOffset + 1, afterDev), inode, path: line.slice(from) };
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
