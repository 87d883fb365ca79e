import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test, type TestContext } from 'node:test';
import { processMemory } from '../../src/collect/process-memory.ts';
import type { Budget, Entry, CollectorContext } from '../../src/contracts/evidence.ts';
import { createPool, type BoundedPool } from '../../src/proc/bounded-pool.ts';
import { ProcessMemory, type Holes } from '../../src/proc/memory.ts';
import { parseStat } from '../../src/proc/stat.ts';
import { hasPeer, requirePeer } from '../peers.ts';
import { makeContext, makeTable } from './context.ts';

interface Stored {
  readonly entry: Entry;
  readonly start: bigint;
  readonly bytes: Buffer;
  readonly notes: Record<string, unknown>;
}

const MARKER = randomBytes(64);
const folder = mkdtempSync(join(tmpdir(), 'amber-memory-'));
let child: ChildProcess | undefined;
let at: Record<string, bigint> = {};
let page = 4096;

function contextOf(pid: number, budget: Partial<Budget> = {}, startTicks = startOf(pid)): CollectorContext {
  const table = { ...makeTable([{ pid, startTicks }]), self: 1 };
  return { ...makeContext({ budget }), processes: () => Promise.resolve(table) };
}

function startOf(pid: number): number {
  return parseStat(readFileSync(`/proc/${pid}/stat`))?.startTicks ?? 0;
}

/**
 * Drives the collector as the archive does: a stream is read before the next entry is asked for, its notes after it.
 */
async function collect(context: CollectorContext): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of processMemory.collect(context)) {
    entries.push(entry);
    if (entry.kind === 'stream') stored.push(await read(entry));
  }
  return entries;
}

let stored: Stored[] = [];

async function read(entry: Extract<Entry, { kind: 'stream' }>): Promise<Stored> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry.chunks()) {
    assert.ok(chunk.length <= 2 ** 20, 'buffers are bounded');
    chunks.push(Buffer.from(chunk));
  }
  const match = /\/0x([0-9a-f]+)-0x([0-9a-f]+)\.mem$/u.exec(entry.path);
  assert.ok(match, entry.path);
  const bytes = Buffer.concat(chunks);
  assert.equal(bytes.length, entry.size);
  assert.equal(BigInt(`0x${match[2]!}`) - BigInt(`0x${match[1]!}`), BigInt(entry.size));
  return { entry, start: BigInt(`0x${match[1]!}`), bytes, notes: { ...entry.notes?.() } };
}

/** The stored bytes at an address, with the piece that holds them. */
function bytesAt(address: bigint, length: number): { text: string; piece: Stored } | undefined {
  const piece = stored.find(({ start, bytes }) => start <= address && address < start + BigInt(bytes.length));
  if (piece === undefined) return undefined;
  const from = Number(address - piece.start);
  return { text: piece.bytes.toString('latin1', from, from + length), piece };
}

describe('memory of another process', () => {
  let entries: Entry[] = [];
  let costBefore = 0;

  before(async () => {
    if (!hasPeer('python3')) return;
    const library = join(folder, 'code.bin');
    writeFileSync(library, Buffer.alloc(8 * 4096, 'original-code...'));
    child = spawn(
      'python3',
      [fileURLToPath(new URL('memory-target.py', import.meta.url)), MARKER.toString('hex'), library],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
    at = Object.fromEntries(
      Object.entries(JSON.parse(line) as Record<string, string>).map(([name, value]) => [name, BigInt(value)]),
    );
    page = Number(at['page']);
    costBefore = tablesOf(child.pid!);
    stored = [];
    entries = await collect(contextOf(child.pid!));
  });

  after(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const ready = (t: TestContext): boolean => requirePeer(t, 'python3');

  test('maps come first, and every mapping is stored or accounted for', (t) => {
    if (!ready(t)) return;
    const [maps] = entries;
    assert.ok(maps?.kind === 'bytes');
    assert.equal(maps.path, `memory/${child!.pid!}/maps.txt`);
    const wanted = Buffer.from(maps.body)
      .toString('latin1')
      .trimEnd()
      .split('\n')
      .map((line) => /^([0-9a-f]+)-([0-9a-f]+)/u.exec(line)!);
    const covered = new Set(stored.map(({ notes }) => String(notes['mapping'])));
    for (const entry of entries)
      if (entry.kind === 'absent') for (const range of entry.notes?.()['ranges'] as string[]) covered.add(range);
    for (const [, start, end] of wanted)
      assert.ok(covered.has(`0x${start!}-0x${end!}`), `${start!}-${end!} is accounted for`);
    assert.equal(covered.size, wanted.length);
  });

  test('a marker in the heap stands at its address', (t) => {
    if (!ready(t)) return;
    const found = bytesAt(at['heap']!, MARKER.length);
    assert.equal(found?.text, MARKER.toString('latin1'));
    assert.match(String(found.piece.notes['perms']), /^rw/u);
  });

  test('a hole without permission is read where the kernel allows, or named as not readable', (t) => {
    if (!ready(t)) return;
    assert.equal(bytesAt(at['hole']!, 16)?.text, 'around-the-hole.');
    assert.equal(bytesAt(at['hole']! + BigInt(8 * page), 16)?.text, 'around-the-hole.');
    const inside = bytesAt(at['hole']! + BigInt(4 * page), 16);
    const range = `0x${(at['hole']! + BigInt(4 * page)).toString(16)}-0x${(at['hole']! + BigInt(8 * page)).toString(16)}`;
    const unreadable = inside?.piece.notes['unreadable'] as Holes | undefined;
    if (unreadable === undefined) assert.equal(inside?.text, 'around-the-hole.');
    else assert.deepEqual([unreadable.ranges, unreadable.bytes], [[range], 4 * page]);
  });

  test('pages behind the end of a truncated file are zero and counted', (t) => {
    if (!ready(t)) return;
    const found = bytesAt(at['truncated']!, 16);
    assert.equal(found?.text, 'file-page-bytes.');
    assert.equal(found.piece.bytes.length, 8 * page);
    assert.equal(found.piece.notes['notRead'], 4 * page);
    assert.ok(found.piece.bytes.subarray(4 * page).every((byte) => byte === 0));
  });

  test('a gigabyte with three pages in it costs three pages, here and there', (t) => {
    if (!ready(t)) return;
    const islands = stored.filter(({ start }) => start >= at['sparse']! && start < at['sparse']! + 2n ** 30n);
    assert.deepEqual(
      islands.map(({ start, bytes }) => [start - at['sparse']!, bytes.length]),
      [
        [100n << 20n, page],
        [900n << 20n, 2 * page],
      ],
    );
    assert.equal(bytesAt(at['sparse']! + (900n << 20n), 16)?.text, 'second-island...');
    assert.ok(tablesOf(child!.pid!) - costBefore < 512, 'the target got no page tables for what it never touched');
  });

  test('injected code comes before all else, and a patched page of a file is stored without the rest', (t) => {
    if (!ready(t)) return;
    const executable = stored.filter(({ notes }) => String(notes['perms']).includes('x'));
    assert.equal(executable[0]?.start, at['injected']);
    assert.equal(stored[0]?.start, at['injected']);
    assert.equal(bytesAt(at['patched']! + BigInt(2 * page), 16)?.text, 'patched-in-place');
    assert.equal(bytesAt(at['patched']!, 16), undefined);
    assert.ok(entries.some((entry) => entry.kind === 'absent' && entry.reason.includes('not changed in memory')));
  });

  test('without a pagemap the holes of a truncated file are found page by page', async (t) => {
    if (!ready(t)) return;
    const memory = await ProcessMemory.open(`/proc/${child!.pid!}`);
    try {
      const target = Buffer.alloc(8 * page);
      const holes: Holes = { bytes: 0, ranges: [], more: 0 };
      await memory.fill(target, at['truncated']!, [{ from: 0, to: 8 * page }], holes);
      assert.equal(target.toString('latin1', 0, 16), 'file-page-bytes.');
      assert.equal(target.toString('latin1', 4 * page - 16, 4 * page), 'file-page-bytes.');
      assert.equal(holes.bytes, 4 * page);
      const from = at['truncated']! + BigInt(4 * page);
      assert.deepEqual(holes.ranges, [`0x${from.toString(16)}-0x${(from + BigInt(4 * page)).toString(16)}`]);
      assert.match(holes.code ?? '', /^E(IO|FAULT)$/u);
    } finally {
      memory.close();
    }
  });

  test('the byte budget leaves the rest out, and says so', async (t) => {
    if (!ready(t)) return;
    stored = [];
    const some = await collect(contextOf(child!.pid!, { remainingBytes: () => 2 * page }));
    assert.ok(stored.every(({ bytes }) => bytes.length <= 2 * page));
    assert.ok(
      some.some((entry) => entry.kind === 'absent' && entry.reason.endsWith('limit on the bytes of a capture')),
    );
  });

  test('another process under the same pid is not taken for it, an ended one is missing', async (t) => {
    if (!ready(t)) return;
    const other = await collect(contextOf(child!.pid!, {}, 1));
    assert.ok(
      other.some((entry) => entry.kind === 'absent' && entry.outcome === 'missing' && entry.reason.includes('another')),
    );
    assert.ok(other.every((entry) => entry.kind !== 'stream'));
    const memory = await ProcessMemory.open(`/proc/${child!.pid!}`);
    const context = contextOf(child!.pid!);
    child!.kill('SIGKILL');
    await once(child!, 'exit');
    const holes: Holes = { bytes: 0, ranges: [], more: 0 };
    await assert.rejects(memory.fill(Buffer.alloc(page), at['hole']!, [{ from: 0, to: page }], holes), {
      code: 'COLLECTOR_FAILED',
      message: /ended/u,
    });
    memory.close();
    const gone = await collect(context);
    assert.deepEqual(
      gone.map((entry) => [entry.kind, entry.outcome]),
      [['absent', 'missing']],
    );
  });
});

test('our own process is read without holding the main thread', async () => {
  const secret = Buffer.from(`own-${MARKER.toString('hex')}`);
  const turns: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    turns.push(performance.now() - last);
    last = performance.now();
  }, 5);
  let found = false;
  for await (const entry of processMemory.collect(contextOf(process.pid))) {
    if (entry.kind !== 'stream') continue;
    for await (const chunk of entry.chunks())
      found ||= Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).includes(secret);
  }
  clearInterval(timer);
  assert.ok(found);
  turns.sort((left, right) => left - right);
  assert.ok((turns[Math.floor(turns.length / 2)] ?? 0) < 20, 'the event loop went on');
});

test('a read that hangs is given up, and the next ones are not tried', async () => {
  const real = createPool();
  let hanging = false;
  const pool: BoundedPool = {
    ...real,
    run: (job, ms) =>
      hanging ? Promise.resolve({ state: 'timed-out', reason: `no answer within ${ms} ms` }) : real.run(job, ms),
  };
  const memory = await ProcessMemory.open('/proc/self', { pool });
  hanging = true;
  const holes: Holes = { bytes: 0, ranges: [], more: 0 };
  const fill = (): Promise<void> => memory.fill(Buffer.alloc(16), 0n, [{ from: 0, to: 16 }], holes);
  await assert.rejects(fill(), { code: 'COLLECTOR_FAILED', message: /no answer/u });
  hanging = false;
  await assert.rejects(fill(), { code: 'COLLECTOR_FAILED', message: /not tried/u });
});

test('every call names the process that it may hang for', async () => {
  const real = createPool();
  const owners: (string | undefined)[] = [];
  const pool: BoundedPool = {
    ...real,
    run: (job, ms, owner) => real.run(job, ms, owners.push(owner) > 0 ? owner : undefined),
  };
  const memory = await ProcessMemory.open('/proc/self', { pool, owner: '7:4711' });
  await memory.fill(Buffer.alloc(16), 0n, [{ from: 0, to: 0 }], { bytes: 0, ranges: [], more: 0 });
  memory.close();
  assert.deepEqual(owners, ['7:4711', '7:4711']);
});

/** Kilobytes of page tables and resident memory. */
function tablesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const value = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(status)?.[1] ?? 0);
  return value('VmPTE') + value('VmRSS');
}
