/**
 * Which pages of a mapping are there, from /proc/PID/pagemap. Source: the kernel's
 * Documentation/admin-guide/mm/pagemap.rst.
 *
 * Reading memory that a process never touched would fault it in: page tables at the least, pages of a sparse memfd at
 * the worst, charged to the function's memory limit. And a page behind a FUSE file may never come. So only pages that
 * are present are read. The flags need no privilege; page frame numbers do, and read as 0.
 */
import { readFileSync } from 'node:fs';

/** A run of pages, in bytes from the start of its mapping. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/**
 * `present`: in memory or in swap. `own`: present and not the page of a file: written by the process (copy on write).
 */
export type PageFilter = 'present' | 'own';

// Bits 63, 62, 61 of an entry are bits 31, 30, 29 of its upper half.
const PRESENT = 0x8000_0000;
const SWAPPED = 0x4000_0000;
const OF_FILE = 0x2000_0000;

/** Adds the wanted pages of a piece of pagemap to `extents`, joining neighbours. `base`: offset of its first page. */
export function addExtents(extents: Extent[], pagemap: Buffer, base: number, filter: PageFilter, page: number): void {
  let last = extents.at(-1);
  for (let at = 0; at + 8 <= pagemap.length; at += 8) {
    // Little endian on both architectures of Lambda: the flags are in the last byte.
    const flags = pagemap.readUInt32LE(at + 4);
    if (!isWanted(flags, filter)) continue;
    const from = base + (at / 8) * page;
    if (last?.to === from) extents.pop();
    else last = undefined;
    last = { from: last?.from ?? from, to: from + page };
    extents.push(last);
  }
}

function isWanted(flags: number, filter: PageFilter): boolean {
  if ((flags & (PRESENT | SWAPPED)) === 0) return false;
  return filter === 'present' || (flags & OF_FILE) === 0;
}

let pageSize: number | undefined;

/** Bytes of a page: AT_PAGESZ of the auxiliary vector (getauxval(3)), 4096 where it cannot be read. */
export function pageBytes(): number {
  pageSize ??= readPageSize();
  return pageSize;
}

const AT_PAGESZ = 6n;

function readPageSize(): number {
  try {
    const vector = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Every Linux of Lambda has 4 KiB pages.
  }
  return 4096;
}
