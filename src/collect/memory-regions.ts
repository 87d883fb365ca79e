/** Which mappings of a process are stored, in which order and in which pieces. */
import type { ByDesign, BytePath } from '../contracts/evidence.ts';
import type { Vma } from '../proc/maps.ts';
import type { Extent, PageFilter } from '../proc/pagemap.ts';

/** A run of addresses that becomes one entry. `runs` are the pages to read, relative to `start`. */
export interface Piece {
  readonly start: bigint;
  readonly size: number;
  readonly runs: readonly Extent[];
}

const MIB = 2 ** 20;
/** Mappings up to this size are stored whole, larger ones by the parts of them that are in memory. */
const WHOLE_BYTES = 64 * MIB;
/** Parts that lie closer than this are one piece, so that a mapping ends in at most this many. */
const JOIN_BYTES = MIB;
const MAX_PIECES = 1024;
/** Reserved address space beyond this is not searched for pages: 64 GiB cost 128 MB of pagemap. */
const SEARCH_BYTES = 64 * 1024 * MIB;
/** Without a pagemap every page would be touched: more than this is not read. */
const BLIND_BYTES = 256 * MIB;

export function sizeOf(vma: Vma): number {
  return Number(vma.end - vma.start);
}

export function rangeOf(start: bigint, size: number): string {
  return `0x${start.toString(16)}-0x${(start + BigInt(size)).toString(16)}`;
}

const KERNEL = 'mapping of the kernel';
const DEVICE = 'mapping of a device';
const UNCHANGED = 'read-only mapping of a file, not changed in memory';
const UNTOUCHED = 'no page of it is in memory';

/** Reasons that are no shortfall: nothing of such a mapping would be evidence of its own. */
export const BY_DESIGN: ReadonlyMap<string, ByDesign> = new Map([
  [KERNEL, 'kernel-view'],
  [DEVICE, 'no-content'],
  [UNCHANGED, 'stored-elsewhere'],
  [UNTOUCHED, 'no-content'],
]);

/** Why a mapping is not looked at, or undefined. */
export function refusedRegion(vma: Vma): string | undefined {
  // Pages of the kernel: reading vvar gives EIO, vsyscall lies outside of every process.
  if (vma.path.startsWith('[vvar') || vma.path === '[vsyscall]') return KERNEL;
  if (isDevice(vma.path)) return DEVICE;
  return sizeOf(vma) > SEARCH_BYTES ? 'reserved address space of more than 64 GiB' : undefined;
}

function isDevice(path: BytePath): boolean {
  return path.startsWith('/dev/') && !path.startsWith('/dev/shm/') && !path.startsWith('/dev/zero');
}

/**
 * Which pages of a mapping are evidence. What is mapped read-only from a file that still has its name stands in that
 * file; only pages that were changed in memory are taken (relocated tables, and code that somebody patched).
 */
export function pagesWanted(vma: Vma): PageFilter {
  const named = vma.path.startsWith('/') && !vma.path.endsWith(' (deleted)');
  return named && !vma.perms.includes('w') ? 'own' : 'present';
}

/**
 * Mappings in order of value: code without a file, heap and stack, then the rest; smallest first, so that one huge
 * mapping starves none.
 */
export function inOrderOfValue(regions: readonly Vma[]): readonly Vma[] {
  return regions.toSorted((left, right) => rank(left) - rank(right) || sizeOf(left) - sizeOf(right));
}

function rank(vma: Vma): number {
  const file = vma.path.startsWith('/') && !vma.path.endsWith(' (deleted)');
  if (vma.perms.includes('x') && !file && vma.path !== '[vdso]') return 0;
  return vma.path === '[heap]' || vma.path === '[stack]' ? 1 : 2;
}

/** Cuts a mapping into pieces. No piece: nothing of it is in memory. `extents` undefined: the kernel does not tell. */
export function piecesOf(
  vma: Vma,
  filter: PageFilter,
  extents: readonly Extent[] | undefined,
): readonly Piece[] | string {
  const size = sizeOf(vma);
  if (extents === undefined) {
    if (filter === 'own') return 'read-only mapping of a file; whether it was changed in memory is not known';
    if (size > BLIND_BYTES) return 'larger than 256 MiB, and which pages of it exist is not known';
    return [{ start: vma.start, size, runs: [{ from: 0, to: size }] }];
  }
  if (extents.length === 0) return filter === 'own' ? UNCHANGED : UNTOUCHED;
  if (filter === 'present' && size <= WHOLE_BYTES) return [{ start: vma.start, size, runs: extents }];
  return joined(vma, extents);
}

function joined(vma: Vma, extents: readonly Extent[]): readonly Piece[] {
  let gap = JOIN_BYTES;
  let groups = grouped(extents, gap);
  for (; groups.length > MAX_PIECES; groups = grouped(extents, gap)) gap *= 4;
  return groups.map((group) => {
    const from = group[0]?.from ?? 0;
    const runs = group.map((run) => ({ from: run.from - from, to: run.to - from }));
    return { start: vma.start + BigInt(from), size: runs.at(-1)?.to ?? 0, runs };
  });
}

function grouped(extents: readonly Extent[], gap: number): readonly Extent[][] {
  const groups: Extent[][] = [];
  for (const extent of extents) {
    const group = groups.at(-1);
    const end = group?.at(-1)?.to;
    if (group !== undefined && end !== undefined && extent.from - end < gap) group.push(extent);
    else groups.push([extent]);
  }
  return groups;
}

/** The runs that fall into a slice of a piece, relative to the slice. */
export function runsWithin(runs: readonly Extent[], from: number, to: number): Extent[] {
  const within: Extent[] = [];
  // Binary search: a piece may have thousands of runs, and thousands of slices.
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[middle]?.to ?? Infinity) <= from) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < runs.length; at += 1) {
    const run = runs[at];
    if (run === undefined || run.from >= to) break;
    within.push({ from: Math.max(run.from, from) - from, to: Math.min(run.to, to) - from });
  }
  return within;
}
