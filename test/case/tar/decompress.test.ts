import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import zlib, { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { createCompressor } from '../../../src/archive/compress.ts';
import { decompress, packingByName, packingOf, type Packing } from '../../../src/case/tar/decompress.ts';
import { requirePeer } from '../../peers.ts';
import { noise } from '../captures.ts';
import { times } from '../../effort.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function unpack(bytes: Buffer, packing: Packing, size = 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decompress(inPieces(bytes, size), packing)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

type HandBlock = readonly [kind: 0 | 1, content: Buffer];

const blocksByHand: fc.Arbitrary<readonly HandBlock[]> = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 30 }).map((bytes): HandBlock => [0, Buffer.from(bytes)]),
    fc
      .tuple(fc.integer({ min: 0, max: 131_072 }), fc.constantFrom(0, 0, 7))
      .map(([size, byte]): HandBlock => [1, Buffer.alloc(size, byte)]),
  ),
  { minLength: 1, maxLength: 6 },
);

/** A frame of raw and repeated blocks, RFC 8878 section 3.1.1. An empty repeated block has a byte as well. */
function frameByHand(window: number, blocks: readonly HandBlock[]): { content: Buffer; bytes: Buffer } {
  const pieces = blocks.map(([kind, content], index) => {
    const head = Buffer.alloc(3);
    head.writeUIntLE((index === blocks.length - 1 ? 1 : 0) | (kind << 1) | (content.length << 3), 0, 3);
    return Buffer.concat([head, kind === 1 ? Buffer.from([content[0] ?? 0]) : content]);
  });
  return {
    content: Buffer.concat(blocks.map(([, content]) => content)),
    bytes: Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window]), ...pieces]),
  };
}

const BODIES = [Buffer.from('one '.repeat(1000)), noise(200_000, 4), Buffer.alloc(0), Buffer.from('end')];

describe('decompressing', () => {
  for (const [packing, compress] of [
    ['zstd', (body: Buffer) => zstdCompressSync(body)],
    ['gzip', (body: Buffer) => gzipSync(body)],
  ] as const) {
    test(`${packing} joins frames that follow each other, whatever the chunks`, async () => {
      const joined = Buffer.concat(BODIES.map(compress));
      assert.equal(packingOf(joined), packing);
      for (const size of [1, 7, 4096, 1024 * 1024]) {
        if (size === 1 && packing === 'gzip') continue;
        assert.deepEqual(
          await unpack(size === 1 ? joined.subarray(0, compress(BODIES[0]!).length) : joined, packing, size),
          size === 1 ? BODIES[0] : Buffer.concat(BODIES),
        );
      }
    });

    test(`${packing} that is cut or damaged is an error, after what could be read`, async () => {
      const frames = BODIES.map(compress);
      const joined = Buffer.concat(frames);
      for (const cut of [1, 3, frames[3]!.length + 5, joined.length - 2]) {
        await assert.rejects(
          unpack(joined.subarray(0, joined.length - cut), packing),
          { code: 'ARCHIVE_CORRUPT' },
          `cut ${cut}`,
        );
      }
      await assert.rejects(unpack(Buffer.concat([joined, Buffer.from('trailing garbage')]), packing), {
        code: 'ARCHIVE_CORRUPT',
      });
      await assert.rejects(unpack(Buffer.concat([frames[0]!, Buffer.alloc(600), frames[1]!]), packing), {
        code: 'ARCHIVE_CORRUPT',
      });
      let got = 0;
      await assert.rejects(async () => {
        for await (const chunk of decompress(inPieces(joined.subarray(0, -3), 100_000), packing)) got += chunk.length;
      });
      assert.ok(got >= BODIES[0]!.length);
    });

    test(`${packing} is not read on when the reader has had enough`, async () => {
      const joined = Buffer.concat(Array.from({ length: 200 }, () => compress(noise(100_000, 2))));
      let read = 0;
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const piece of inPieces(joined, 100_000)) {
          read += piece.length;
          yield piece;
        }
      }
      for await (const chunk of decompress(counted(), packing)) if (chunk.length > 0) break;
      assert.ok(read < joined.length / 2, `${read} of ${joined.length} bytes`);
    });

    test(`${packing}: the error of the source comes out`, async () => {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(compress(noise(300_000, 1)).subarray(0, 1000));
        throw new RangeError('the disk is gone');
      }
      await assert.rejects(async () => {
        for await (const chunk of decompress(failing(), packing)) assert.ok(chunk.length >= 0);
      }, /the disk is gone/u);
    });
  }

  test('zstd frames of the archive for gigabytes of zeros come out with flat memory', async () => {
    const frames = createCompressor('zstd').zeros(3 * 1024 ** 3)!;
    const before = process.memoryUsage.rss();
    let bytes = 0;
    let largest = 0;
    for await (const chunk of decompress(inPieces(Buffer.concat(frames), 65_536), 'zstd')) {
      bytes += chunk.length;
      largest = Math.max(largest, chunk.length);
    }
    assert.equal(bytes, 3 * 1024 ** 3);
    assert.ok(largest <= 16 * 1024 * 1024);
    assert.ok(process.memoryUsage.rss() - before < 150 * 1024 * 1024);
  });

  test('one frame of the zstd command, checksum, skippable frame and long window included', async (t) => {
    if (!requirePeer(t, 'zstd')) return;
    const body = Buffer.concat([noise(3_000_000, 9), Buffer.alloc(40_000_000), noise(3_000_000, 10)]);
    const made = execFileSync('zstd', ['-3', '--check', '-c'], { input: body, maxBuffer: 1 << 28 });
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    assert.deepEqual(await unpack(Buffer.concat([skippable, made, skippable]), 'zstd', 65_536), body);
    assert.equal(packingOf(skippable), 'zstd');
    const damaged = Buffer.from(made);
    damaged[damaged.length - 2]! ^= 1;
    await assert.rejects(unpack(damaged, 'zstd'), { code: 'ARCHIVE_CORRUPT' });
  });

  test('a frame that asks for a gigabyte of window is refused', async () => {
    const descriptor = Buffer.from([0x00, 20 << 3]); // no single segment; window of 2^(10+20)
    const rest = zstdCompressSync(noise(1000, 1));
    const blocks = rest.subarray(4 + 1 + ((rest[4]! & 0x20) === 0 ? 1 : 0) + [1, 2, 4, 8][rest[4]! >> 6]!);
    const forged = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), descriptor, blocks]);
    await assert.rejects(unpack(forged, 'zstd'), { code: 'ARCHIVE_CORRUPT' });
  });

  test('frames of all kinds, mixed and in chunks of any size, give what each of them gives alone', async () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 0, max: 300_000 }).map((size) => noise(size, 3)),
      fc
        .tuple(fc.integer({ min: 0, max: 400_000 }), fc.constantFrom(0, 65))
        .map(([size, byte]) => Buffer.alloc(size, byte)),
    );
    const packed = fc
      .tuple(body, fc.constantFrom(0, 1), fc.constantFrom(1, 9), fc.boolean())
      .map(([content, checksum, level, sized]) => {
        const params = {
          [zlib.constants.ZSTD_c_checksumFlag]: checksum,
          [zlib.constants.ZSTD_c_compressionLevel]: level,
          [zlib.constants.ZSTD_c_contentSizeFlag]: sized ? 1 : 0,
        };
        return { content: Buffer.from(content), bytes: zstdCompressSync(content, { params }) };
      });
    const byHand = fc
      .tuple(blocksByHand, fc.constantFrom(0x38, 0x70))
      .map(([blocks, window]) => frameByHand(window, blocks));
    const skippable = fc.uint8Array({ maxLength: 300 }).map((junk) => ({
      content: Buffer.alloc(0),
      bytes: Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, junk.length & 255, junk.length >> 8, 0, 0]), junk]),
    }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 3, arbitrary: packed }, { weight: 2, arbitrary: byHand }, skippable), {
          maxLength: 12,
        }),
        fc.constantFrom(1, 5, 1000, 65_536, 1 << 24),
        async (frames, size) => {
          const joined = Buffer.concat(frames.map(({ bytes }) => bytes));
          assert.ok(
            (await unpack(joined, 'zstd', joined.length > 50_000 ? Math.max(size, 1000) : size)).equals(
              Buffer.concat(frames.map(({ content }) => content)),
            ),
          );
        },
      ),
      { numRuns: times(150) },
    );
  });

  test('a changed byte of a frame is taken by nothing that the decompressor itself would refuse', async () => {
    const frames = [
      zstdCompressSync(Buffer.from('x')),
      zstdCompressSync(Buffer.from('ab'.repeat(300))),
      zstdCompressSync(noise(300, 1), { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }),
      frameByHand(0x38, [
        [0, Buffer.from('raw')],
        [1, Buffer.alloc(9, 7)],
      ]).bytes,
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...frames),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (frame, where, change) => {
          const changed = Buffer.from(frame);
          changed[where % changed.length]! ^= change;
          const ours = await unpack(changed, 'zstd').catch(() => undefined);
          if (ours === undefined || /^[\x50-\x5f]\x2a\x4d\x18/u.test(changed.toString('latin1'))) return;
          assert.ok(
            zlib.zstdDecompressSync(changed, { params: { [zlib.constants.ZSTD_d_windowLogMax]: 25 } }).equals(ours),
          );
        },
      ),
      { numRuns: times(2000) },
    );
  });

  test('a million frames that hold next to nothing are few pieces', async () => {
    for (const [unit, content] of [
      [zstdCompressSync(Buffer.alloc(0)), 0],
      [zstdCompressSync(Buffer.from('x')), 1],
      [
        frameByHand(
          0x38,
          Array.from({ length: 40 }, () => [0, Buffer.alloc(0)] as const),
        ).bytes,
        0,
      ],
    ] as const) {
      const count = Math.floor(10_000_000 / unit.length);
      const joined = Buffer.alloc(count * unit.length, unit);
      let [pieces, bytes] = [0, 0];
      for await (const piece of decompress(inPieces(joined, 256 * 1024), 'zstd')) {
        pieces += 1;
        bytes += piece.length;
      }
      assert.equal(bytes, count * content);
      assert.ok(pieces <= 3 * Math.ceil(joined.length / (256 * 1024)), `${pieces} pieces of ${count} frames`);
    }
  });

  test('names tell the compression', () => {
    assert.deepEqual(
      ['capture.tar.zst', 'capture-0001.tar.gz', 'capture-0001.tar.zst.age', 'capture.tar', 'x.tar.age', 'odd'].map(
        packingByName,
      ),
      ['zstd', 'gzip', 'zstd', 'none', 'none', undefined],
    );
  });
});
