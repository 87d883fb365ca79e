/** Figures that two programs read from the same files, and where they differ by more than time explains. */
import { latin1 } from '../proc/bytes.ts';
import { sizesOf } from '../proc/fields.ts';
import { readNow } from '../proc/read.ts';

/** What systeminformation answered, as it came. */
export interface Reported {
  readonly mem: unknown;
  readonly fullLoad: unknown;
  readonly fsOpenFiles: unknown;
}

export interface Difference {
  readonly figure: string;
  readonly theirs: number;
  readonly ours: number;
  /** What was allowed, in the unit of the figure. */
  readonly tolerance: number;
}

/** Our own readings by the names of the figures. */
export type Figures = ReadonlyMap<string, number>;

/** Of `/proc/meminfo`, by the names that systeminformation has for them. */
const MEMORY: readonly (readonly [figure: string, key: string, steady: boolean])[] = [
  ['mem.total', 'MemTotal', true],
  ['mem.free', 'MemFree', false],
  ['mem.available', 'MemAvailable', false],
  ['mem.buffers', 'Buffers', false],
  ['mem.cached', 'Cached', false],
  ['mem.slab', 'Slab', false],
  ['mem.swaptotal', 'SwapTotal', true],
];
/** Of the memory that there is: what moves may move so far while both read. */
const MEMORY_SHARE = 0.02;
/** Points of the load since boot. */
const LOAD_POINTS = 1;
/** Open files that others may open or close meanwhile. */
const OPEN_FILES = 1024;

/** Reads the files once: proc(5), proc_sys_fs(5). What cannot be read is left out. */
export function ownFigures(proc: string): Figures {
  const figures = new Map<string, number>();
  const meminfo = sizesOf(textOf(`${proc}/meminfo`));
  for (const [figure, key] of MEMORY) {
    const bytes = meminfo[key];
    if (bytes !== undefined) figures.set(figure, bytes);
  }
  const load = loadOf(latin1(textOf(`${proc}/stat`)));
  if (load !== undefined) figures.set('fullLoad', load);
  const [allocated, , max] = latin1(textOf(`${proc}/sys/fs/file-nr`))
    .trim()
    .split(/\s+/u)
    .map(Number);
  if (allocated !== undefined && max !== undefined)
    figures.set('fsOpenFiles.allocated', allocated).set('fsOpenFiles.max', max);
  return figures;
}

/**
 * A figure that moves may lie anywhere between our reading before and our reading after, and a tolerance beyond; one
 * that is fixed has none. Figures that one side does not have are not compared.
 */
export function differencesOf(
  reported: Reported,
  before: Figures,
  after: Figures,
): { readonly differences: readonly Difference[]; readonly compared: readonly string[] } {
  const differences: Difference[] = [];
  const compared: string[] = [];
  for (const [figure, tolerance] of tolerancesOf(after)) {
    const theirs = numberAt(reported, figure);
    const [one, other] = [before.get(figure), after.get(figure)];
    if (theirs === undefined || one === undefined || other === undefined) continue;
    compared.push(figure);
    const off = Math.max(Math.min(one, other) - theirs, theirs - Math.max(one, other));
    if (off > tolerance) differences.push({ figure, theirs, ours: other, tolerance });
  }
  return { differences, compared };
}

function tolerancesOf(own: Figures): Map<string, number> {
  const moving = Math.round((own.get('mem.total') ?? 0) * MEMORY_SHARE);
  return new Map([
    ...MEMORY.map(([figure, , steady]): [string, number] => [figure, steady ? 0 : moving]),
    ['fullLoad', LOAD_POINTS],
    ['fsOpenFiles.allocated', OPEN_FILES],
    ['fsOpenFiles.max', 0],
  ]);
}

/** `mem.total` is `total` of `mem`; `fullLoad` stands alone. */
function numberAt(reported: Reported, figure: string): number | undefined {
  let value: unknown = reported;
  for (const key of figure.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function textOf(path: string): Uint8Array {
  const read = readNow(path, { cap: 1024 * 1024, whole: true }, { left: 1024 * 1024 });
  return read.ok ? read.body : new Uint8Array();
}

/**
 * Percent of the time since boot that was not idle, of user, nice, system, idle and irq as Node sums them (libuv,
 * uv_cpu_info).
 */
function loadOf(stat: string): number | undefined {
  const fields = /^cpu +(\d+) (\d+) (\d+) (\d+) \d+ (\d+)/u.exec(stat)?.slice(1).map(Number);
  if (fields === undefined) return undefined;
  const all = fields.reduce((sum, ticks) => sum + ticks, 0);
  return all === 0 ? undefined : ((all - (fields[3] ?? 0)) / all) * 100;
}
