/** What a list of mappings comes to, and what in it is unusual. */
import { toText } from '../proc/bytes.ts';
import type { VmaText } from '../proc/maps.ts';

export interface MapsSummary {
  readonly regions?: number;
  /** Bytes of address space, by kind. */
  readonly bytes?: Readonly<Record<'file' | 'anonymous' | 'heap' | 'stack' | 'shared', number>>;
  /** Files mapped executable, in order of address. */
  readonly code: readonly string[];
  /** Data files mapped beside them, without those of `code`. */
  readonly data?: readonly string[];
  /** Regions that ordinary programs do not have; JIT compilers have some of the anonymous ones. */
  readonly moreUnusual?: number;
  readonly unusual: readonly {
    readonly range: string;
    readonly perms: string;
    readonly path: string;
    readonly why: string;
  }[];
}

const MAX_LISTED = 512;
const TEMPORARY = /^\/(?:tmp|dev\/shm|var\/tmp|run|mnt)\//u;

export interface Summary {
  readonly add: (region: VmaText) => void;
  readonly finish: () => MapsSummary;
}

/**
 * Adds region after region, so that the caller can yieldIfDue between them. `whole`: all of them, not only the
 * executable ones.
 */
export function startSummary({ whole }: { readonly whole: boolean }): Summary {
  const bytes = { file: 0, anonymous: 0, heap: 0, stack: 0, shared: 0 };
  const code = new Set<string>();
  const data = new Set<string>();
  const unusual: { range: string; perms: string; path: string; why: string }[] = [];
  let regions = 0;
  let found = 0;
  return {
    add: (region) => {
      regions += 1;
      if (whole) bytes[kindOf(region)] += sizeOf(region.range);
      if (region.path.startsWith('/')) (region.perms[2] === 'x' ? code : data).add(region.path);
      const why = whyUnusual(region);
      if (why !== undefined) found += 1;
      if (why !== undefined && unusual.length < MAX_LISTED)
        unusual.push({ range: region.range, perms: region.perms, path: toText(region.path), why });
    },
    finish: () => {
      const more = found > unusual.length ? { moreUnusual: found - unusual.length } : {};
      if (!whole) return { code: listed(code), unusual, ...more };
      return {
        regions,
        ...more,
        bytes,
        code: listed(code),
        data: listed(new Set([...data].filter((path) => !code.has(path)))),
        unusual,
      };
    },
  };
}

function listed(paths: ReadonlySet<string>): string[] {
  const all = [...paths];
  return all.length <= MAX_LISTED
    ? all.map(toText)
    : [...all.slice(0, MAX_LISTED).map(toText), `and ${all.length - MAX_LISTED} more`];
}

function kindOf({ path, perms }: VmaText): keyof NonNullable<MapsSummary['bytes']> {
  if (perms[3] === 's') return 'shared';
  if (path === '[heap]') return 'heap';
  if (path === '[stack]') return 'stack';
  return path.startsWith('/') ? 'file' : 'anonymous';
}

/** Both ends are multiples of 4096, so a double holds them and their difference exactly. */
function sizeOf(range: string): number {
  const dash = range.indexOf('-');
  return Number.parseInt(range.slice(dash + 1), 16) - Number.parseInt(range.slice(0, dash), 16);
}

function whyUnusual({ perms, path }: VmaText): string | undefined {
  const executable = perms[2] === 'x';
  if (executable && perms[1] === 'w') return 'writable and executable';
  if (executable && path.startsWith('/memfd:')) return 'executable from a memfd';
  if (executable && path.endsWith(' (deleted)')) return 'executable from a deleted file';
  if (executable && TEMPORARY.test(path)) return 'executable from a writable folder';
  if (executable && (path === '[heap]' || path === '[stack]')) return `executable ${path.slice(1, -1)}`;
  return executable && (path === '' || path.startsWith('[anon')) ? 'executable and anonymous' : undefined;
}
