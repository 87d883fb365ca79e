/** Memory of every process that lets us read it, by its mappings: what is in it, at which address. */
import type { AbsentEntry, BytePath, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { describeError, isAmberError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import { toText } from '../proc/bytes.ts';
import { ownerOf, sharedPool } from '../proc/bounded-pool.ts';
import { parseMaps, type Vma } from '../proc/maps.ts';
import { ProcessMemory, type Holes } from '../proc/memory.ts';
import { failure, readInPool, readNow } from '../proc/read.ts';
import { parseStat } from '../proc/stat.ts';
import {
  inOrderOfValue,
  pagesWanted,
  piecesOf,
  rangeOf,
  refusedRegion,
  runsWithin,
  sizeOf,
  type Piece,
} from './memory-regions.ts';
import { skippedRegions } from './memory-skipped.ts';
import type { ProcessRecord, ProcessTable, ProcRead } from '../contracts/process-table.ts';

const SLICE_BYTES = 2 ** 20;
const MAPS_RULE = { cap: 16 * 2 ** 20, whole: false };
const SLOW_MS = 500;

export const processMemory: Collector = {
  name: 'process-memory',
  description: 'Memory of each process, one file a mapping, with addresses; holes and short reads are stated.',
  tier: 'memory',
  optIn: true,
  needsRecipient: true,
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const table = await context.processes();
    for (const record of bySuspicion(table, context.roots.writable)) {
      if (context.budget.signal.aborted) return;
      yield* memoryOf(record, context);
    }
  },
};

/** Processes whose program is deleted or was dropped come first, then our own, then the rest. */
export function bySuspicion(table: ProcessTable, writable: readonly string[]): readonly ProcessRecord[] {
  const rank = ({ pid, exe }: ProcessRecord): number => {
    if (
      exe !== undefined &&
      (exe.deleted || exe.target.startsWith('/memfd:') || writable.some((root) => exe.target.startsWith(`${root}/`)))
    )
      return 0;
    return pid === table.self ? 1 : 2;
  };
  return table.processes.toSorted((left, right) => rank(left) - rank(right));
}

async function* memoryOf(record: ProcessRecord, context: CollectorContext): AsyncGenerator<Entry> {
  const directory = `${context.roots.proc}/${record.pid}`;
  const folder = `memory/${record.pid}`;
  const owner = ownerOf(record.pid, record.startTicks);
  const known = record.files.get('maps');
  if (known?.ok === false && known.outcome === 'timed-out') {
    yield absent(folder, `${directory}/mem`, 'timed-out', `not tried: its maps did not answer (${known.reason})`);
    return;
  }
  const read = await mapsOf(directory, owner);
  if (!read.ok) {
    yield absent(`${folder}/maps.txt`, `${directory}/maps`, read.outcome, read.reason);
    return;
  }
  if (read.body.length === 0) {
    yield absent(
      folder,
      `${directory}/mem`,
      'missing',
      'no address space: a kernel thread, or a process that has ended',
    );
    return;
  }
  yield {
    kind: 'bytes',
    path: `${folder}/maps.txt`,
    source: `${directory}/maps`,
    method: 'procfs',
    redaction: 'text',
    body: read.body,
    ...(read.truncated ? { outcome: 'truncated' as const } : {}),
  };
  let memory: ProcessMemory;
  try {
    memory = await ProcessMemory.open(directory, { owner });
  } catch (error) {
    const { outcome, reason } = isAmberError(error)
      ? { outcome: 'timed-out' as const, reason: error.message }
      : failure(error);
    yield absent(folder, `${directory}/mem`, outcome, reason);
    return;
  }
  try {
    if (isSame(record, directory)) yield* regionsOf(memory, parseMaps(read.body), folder, directory, context);
    else yield absent(folder, `${directory}/mem`, 'missing', 'the process ended, and another one has its pid');
  } finally {
    memory.close();
  }
}

async function mapsOf(directory: string, owner: string): Promise<ProcRead> {
  const maps = await sharedPool.run(
    (ticket) => readInPool(`${directory}/maps`, MAPS_RULE, { left: MAPS_RULE.cap }, ticket),
    SLOW_MS,
    owner,
  );
  if (maps.state === 'done') return maps.value;
  return maps.state === 'failed' ? failure(maps.error) : { ok: false, outcome: 'timed-out', reason: maps.reason };
}

/** The descriptor of `mem` stays with the address space it was opened for; so whose it is can be asked afterwards. */
function isSame(record: ProcessRecord, directory: string): boolean {
  const stat = readNow(`${directory}/stat`, { cap: 4096, whole: true }, { left: 4096 });
  return stat.ok && parseStat(stat.body)?.startTicks === record.startTicks;
}

async function* regionsOf(
  memory: ProcessMemory,
  regions: readonly Vma[],
  folder: BytePath,
  directory: string,
  context: CollectorContext,
): AsyncGenerator<Entry> {
  const skipped = skippedRegions(folder, `${directory}/mem`);
  for (const vma of inOrderOfValue(regions)) {
    const pieces = context.budget.signal.aborted ? endOf(context.budget.signal) : await plan(memory, vma);
    if (typeof pieces === 'string') {
      skipped.add(pieces, rangeOf(vma.start, sizeOf(vma)), sizeOf(vma));
      continue;
    }
    for (const piece of pieces) {
      if (piece.size > context.budget.remainingBytes())
        skipped.add('limit on the bytes of a capture', rangeOf(piece.start, piece.size), piece.size);
      else yield entryOf(memory, vma, piece, folder, `${directory}/mem`);
    }
  }
  yield* skipped.entries();
}

async function plan(memory: ProcessMemory, vma: Vma): Promise<readonly Piece[] | string> {
  const refusal = refusedRegion(vma);
  if (refusal !== undefined) return refusal;
  try {
    const filter = pagesWanted(vma);
    return piecesOf(vma, filter, await memory.extents(vma, filter));
  } catch (error) {
    return isAmberError(error) ? error.message : describeError(error);
  }
}

function entryOf(memory: ProcessMemory, vma: Vma, piece: Piece, folder: BytePath, source: BytePath): Entry {
  const holes: Holes = { bytes: 0, ranges: [], more: 0 };
  const resident = piece.runs.reduce((sum, run) => sum + run.to - run.from, 0);
  return {
    kind: 'stream',
    path: `${folder}/${rangeOf(piece.start, piece.size)}.mem`,
    source,
    method: 'proc-mem',
    size: piece.size,
    chunks: () => slices(memory, piece, holes),
    notes: () => ({
      mapping: rangeOf(vma.start, sizeOf(vma)),
      perms: vma.perms,
      name: toText(vma.path),
      // Pages that do not exist, or are still the file's own: zero here.
      notRead: piece.size - resident,
      ...(holes.bytes === 0 ? {} : { unreadable: { ...holes } }),
    }),
  };
}

/** The archive has done with a slice when it asks for the next, so that one buffer serves them all. */
async function* slices(memory: ProcessMemory, piece: Piece, holes: Holes): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(SLICE_BYTES, piece.size));
  for (let at = 0; at < piece.size; at += SLICE_BYTES) {
    const slice = buffer.subarray(0, Math.min(SLICE_BYTES, piece.size - at));
    slice.fill(0);
    const runs = runsWithin(piece.runs, at, at + slice.length);
    if (runs.length > 0) await memory.fill(slice, piece.start + BigInt(at), runs, holes);
    yield slice;
  }
}

function absent(path: BytePath, source: BytePath, outcome: AbsentEntry['outcome'], reason: string): AbsentEntry {
  return { kind: 'absent', path, source, method: 'proc-mem', outcome, reason };
}
