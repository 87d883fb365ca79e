import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  inOrderOfValue,
  pagesWanted,
  piecesOf,
  refusedRegion,
  runsWithin,
  type Piece,
} from '../../src/collect/memory-regions.ts';
import { skippedRegions } from '../../src/collect/memory-skipped.ts';
import { parseMaps, type Vma } from '../../src/proc/maps.ts';
import { addExtents, pageBytes, type Extent } from '../../src/proc/pagemap.ts';

const MAPS = `00400000-00500000 r-xp 00000000 fe:00 11 /var/lang/bin/node
00600000-00601000 r--p 00100000 fe:00 11 /var/lang/bin/node
00601000-00700000 rw-p 00101000 fe:00 11 /var/lang/bin/node
01000000-01100000 rw-p 00000000 00:00 0 [heap]
10000000-10001000 rwxp 00000000 00:00 0 
20000000-30000000 rw-p 00000000 00:00 0 
7f0000000000-7f0000010000 r-xp 00000000 fe:00 12 /tmp/payload.so (deleted)
7f0000020000-7f0000030000 rw-s 00000000 00:05 13 /dev/nvidia0
7f0000030000-7f0000040000 rw-s 00000000 00:05 14 /dev/shm/x
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]
7ffd00030000-7ffd00034000 r--p 00000000 00:00 0 [vvar]
7ffd00034000-7ffd00036000 r-xp 00000000 00:00 0 [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
100000000000-200000000000 ---p 00000000 00:00 0 
`;
const REGIONS = parseMaps(Buffer.from(MAPS));
const byPath = (path: string): Vma => REGIONS.find((vma) => vma.path === path)!;

test('code without a file comes first, then heap and stack, then the rest by size', () => {
  const order = inOrderOfValue(REGIONS.filter((vma) => refusedRegion(vma) === undefined)).map((vma) =>
    `${vma.start.toString(16)} ${vma.path}`.trim(),
  );
  assert.deepEqual(order, [
    '10000000',
    '7f0000000000 /tmp/payload.so (deleted)',
    '7ffd00000000 [stack]',
    '1000000 [heap]',
    '600000 /var/lang/bin/node',
    '7ffd00034000 [vdso]',
    '7f0000030000 /dev/shm/x',
    '601000 /var/lang/bin/node',
    '400000 /var/lang/bin/node',
    '20000000',
  ]);
});

test('kernel pages, devices and terabytes of reserved addresses are refused by name', () => {
  assert.match(refusedRegion(byPath('[vvar]')) ?? '', /kernel/u);
  assert.match(refusedRegion(byPath('[vsyscall]')) ?? '', /kernel/u);
  assert.match(refusedRegion(byPath('/dev/nvidia0')) ?? '', /device/u);
  assert.match(refusedRegion(REGIONS.at(-1)!) ?? '', /64 GiB/u);
  assert.equal(refusedRegion(byPath('/dev/shm/x')), undefined);
});

test('of read-only file mappings only what was changed is wanted', () => {
  assert.equal(pagesWanted(byPath('/var/lang/bin/node')), 'own');
  assert.equal(pagesWanted(byPath('/tmp/payload.so (deleted)')), 'present');
  assert.equal(pagesWanted(byPath('[heap]')), 'present');
});

test('a small mapping is one piece, a large one the islands that exist, however many there are', () => {
  const heap = byPath('[heap]');
  assert.deepEqual(piecesOf(heap, 'present', [{ from: 4096, to: 8192 }]), [
    { start: heap.start, size: 0x100000, runs: [{ from: 4096, to: 8192 }] },
  ]);
  const large = REGIONS.find((vma) => vma.start === 0x20000000n)!;
  const islands = piecesOf(large, 'present', [
    { from: 0, to: 4096 },
    { from: 8192, to: 12288 },
    { from: 2 ** 27, to: 2 ** 27 + 4096 },
  ]) as readonly Piece[];
  assert.deepEqual(
    islands.map(({ start, size, runs }) => [start, size, runs.length]),
    [
      [0x20000000n, 12288, 2],
      [0x28000000n, 4096, 1],
    ],
  );
  const terabyte: Vma = { ...large, end: large.start + 2n ** 36n };
  const scattered: Extent[] = Array.from({ length: 30_000 }, (_, n) => ({ from: n * 2 ** 21, to: n * 2 ** 21 + 4096 }));
  const pieces = piecesOf(terabyte, 'present', scattered) as readonly Piece[];
  assert.ok(pieces.length <= 1024);
  assert.equal(
    pieces.reduce((sum, piece) => sum + piece.runs.length, 0),
    30_000,
  );
  assert.equal(piecesOf(heap, 'present', []), 'no page of it is in memory');
  assert.equal(
    piecesOf(terabyte, 'present', undefined),
    'larger than 256 MiB, and which pages of it exist is not known',
  );
  assert.equal((piecesOf(heap, 'present', undefined) as readonly Piece[])[0]?.runs[0]?.to, 0x100000);
});

test('pagemap entries become runs', () => {
  const page = pageBytes();
  const entry = (flags: bigint): Buffer => {
    const eight = Buffer.alloc(8);
    eight.writeBigUInt64LE(flags);
    return eight;
  };
  const [present, swapped, ofFile] = [1n << 63n, 1n << 62n, (1n << 63n) | (1n << 61n)];
  const map = Buffer.concat([present, present, 0n, ofFile, swapped, 0n].map(entry));
  const all: Extent[] = [];
  addExtents(all, map, 0, 'present', page);
  addExtents(all, map.subarray(0, 8), 6 * page, 'present', page);
  assert.deepEqual(all, [
    { from: 0, to: 2 * page },
    { from: 3 * page, to: 5 * page },
    { from: 6 * page, to: 7 * page },
  ]);
  const own: Extent[] = [];
  addExtents(own, map, 0, 'own', page);
  assert.deepEqual(own, [
    { from: 0, to: 2 * page },
    { from: 4 * page, to: 5 * page },
  ]);
});

test('the runs of a slice', () => {
  const runs = [
    { from: 0, to: 10 },
    { from: 20, to: 30 },
    { from: 95, to: 205 },
  ];
  assert.deepEqual(runsWithin(runs, 0, 100), [
    { from: 0, to: 10 },
    { from: 20, to: 30 },
    { from: 95, to: 100 },
  ]);
  assert.deepEqual(runsWithin(runs, 100, 200), [{ from: 0, to: 100 }]);
  assert.deepEqual(runsWithin(runs, 200, 300), [{ from: 0, to: 5 }]);
  assert.deepEqual(runsWithin(runs, 300, 400), []);
});

test('what is not stored is one line a reason, bounded, with its outcome', () => {
  const skipped = skippedRegions('memory/7', '/proc/7/mem');
  for (let n = 0; n < 5_000; n += 1)
    skipped.add('no page of it is in memory', `0x${n.toString(16)}-0x${n.toString(16)}`, 10);
  skipped.add('no answer within 500 ms', '0x1-0x2', 1);
  skipped.add('the process ended while its memory was read', '0x1-0x2', 1);
  const lines = skipped.entries();
  assert.deepEqual(
    lines.map(({ outcome }) => outcome),
    ['skipped', 'timed-out', 'missing'],
  );
  assert.equal(new Set(lines.map(({ path }) => path)).size, 3);
  assert.match(lines[0]?.reason ?? '', /^5000 mappings, 50000 bytes/u);
  assert.equal((lines[0]?.notes?.()['ranges'] as string[]).length, 2000);
  assert.equal(lines[0]?.notes?.()['unlisted'], 3000);
});
