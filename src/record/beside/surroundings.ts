/** What has moved about a runtime: its output, a tracer, code that it has mapped from places where code is not kept. */
import type { BytePath } from '../../contracts/evidence.ts';
import { latin1 } from '../../proc/bytes.ts';
import { ownerOf, sharedPool } from '../../proc/bounded-pool.ts';
import { executableRows } from '../../proc/maps.ts';
import { readInPool, readNow, type ReadRule } from '../../proc/read.ts';
import { linkOf, meet } from './child.ts';
import type { Journal } from './journal.ts';

const STATUS: ReadRule = { cap: 4096, whole: true };
const MAPS: ReadRule = { cap: 512 * 1024, whole: false };
const MAPS_MS = 50;
/** Between two readings of the mappings. */
const MAPS_EVERY_MS = 1000;
const MAX_MAPPED = 64;

export interface Surroundings {
  /** Looks at these runtimes. Gives what runs aside takes of the CPU, milliseconds. */
  readonly look: (runtimes: readonly number[]) => number;
}

interface Seen {
  readonly stdio: Map<number, string>;
  tracer: string;
  mappedMs: number;
  readonly mapped: Set<string>;
}

interface State {
  readonly proc: string;
  readonly journal: Journal;
  readonly writable: readonly BytePath[];
  readonly seen: Map<string, Seen>;
}

export function watchSurroundings(
  journal: Journal,
  writable: readonly BytePath[],
  proc: string = '/proc',
): Surroundings {
  const state: State = { proc, journal, writable, seen: new Map() };
  return { look: (runtimes) => runtimes.reduce((sum, pid) => sum + lookAt(state, pid), 0) };
}

function lookAt(state: State, pid: number): number {
  const met = meet(state.proc, pid);
  if (met === undefined) return 0;
  const owner = ownerOf(pid, met.startTicks);
  const seen = state.seen.get(owner) ?? { stdio: new Map(), tracer: '0', mappedMs: -Infinity, mapped: new Set() };
  state.seen.set(owner, seen);
  lookAtOutput(state, pid, seen);
  lookAtTracer(state, pid, seen);
  const nowMs = performance.now();
  if (nowMs - seen.mappedMs < MAPS_EVERY_MS) return 0;
  seen.mappedMs = nowMs;
  void lookAtMaps(state, pid, owner, seen);
  return 0.2;
}

function lookAtOutput({ proc, journal }: State, pid: number, { stdio }: Seen): void {
  for (const fd of [1, 2]) {
    const now = linkOf(`${proc}/${pid}/fd/${fd}`) ?? 'closed';
    const before = stdio.get(fd);
    stdio.set(fd, now);
    if (before !== undefined && before !== now) journal.put('stdio', `fd ${fd}: ${before} -> ${now}`, { pid });
  }
}

function lookAtTracer({ proc, journal }: State, pid: number, seen: Seen): void {
  const read = readNow(`${proc}/${pid}/status`, STATUS, { left: STATUS.cap });
  const tracer = read.ok ? (/^TracerPid:\t(\d+)$/mu.exec(latin1(read.body))?.[1] ?? '0') : seen.tracer;
  if (tracer !== seen.tracer && tracer !== '0')
    journal.put('traced', `pid ${tracer} ${linkOf(`${proc}/${tracer}/exe`) ?? ''}`.trim(), { pid });
  seen.tracer = tracer;
}

/** Never rejects. The process can hold up this read. */
async function lookAtMaps({ proc, journal, writable }: State, pid: number, owner: string, seen: Seen): Promise<void> {
  const result = await sharedPool.run(
    (ticket) => readInPool(`${proc}/${pid}/maps`, MAPS, { left: MAPS.cap }, ticket),
    MAPS_MS,
    owner,
  );
  if (result.state !== 'done' || !result.value.ok) return;
  for (const { path } of executableRows(result.value.body)) {
    const isOdd = path.endsWith(' (deleted)') || writable.some((root) => path.startsWith(`${root}/`));
    if (!path.startsWith('/') || !isOdd || seen.mapped.has(path) || seen.mapped.size === MAX_MAPPED) continue;
    seen.mapped.add(path);
    journal.put('mapped', path, { pid });
  }
}
