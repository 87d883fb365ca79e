import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import tarStream from 'tar-stream';
import { encodeHeader, roundUp } from '../../../src/archive/header.ts';
import { TarReader } from '../../../src/case/tar/read-tar.ts';
import type { TarEntry } from '../../../src/case/tar/header.ts';
import { makeCapture, noise } from '../captures.ts';
import { unzstd } from '../forge.ts';
import { times } from '../../effort.ts';

interface Read {
  readonly entry: TarEntry;
  readonly sha256: string;
}

/** Reads a stream in chunks of the given sizes, in turn. */
function readAll(
  tar: Buffer,
  sizes: readonly number[] = [tar.length],
): { entries: Read[]; ended: boolean; border: boolean } {
  const entries: Read[] = [];
  let entry: TarEntry | undefined;
  let hash = createHash('sha256');
  const reader = new TarReader({
    entry: (next) => {
      entry = next;
      hash = createHash('sha256');
    },
    body: (piece) => void hash.update(piece),
    end: () => void entries.push({ entry: entry!, sha256: hash.digest('hex') }),
  });
  for (let at = 0, turn = 0; at < tar.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    reader.push(tar.subarray(at, at + size));
    at += size;
  }
  assert.equal(reader.offset, tar.length);
  return { entries, ended: reader.ended, border: reader.atBorder };
}

function header(over: Partial<Parameters<typeof encodeHeader>[0]> = {}): Buffer {
  return encodeHeader({ path: 'a', type: '0', mode: 0o644, size: 0, mtimeSeconds: 1, ...over });
}

/** A ustar block whose fields are changed and whose checksum fits. */
function forged(change: (block: Buffer) => void): Buffer {
  const block = Buffer.from(header());
  change(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

const END = Buffer.alloc(1024);

describe('the tar reader', () => {
  test('reads what the archive writes as tar-stream does, in chunks of any size', async () => {
    const made = await makeCapture();
    const tar = await unzstd(Buffer.concat(made.segments.flatMap(({ body }) => body)));
    const expected: { name: string; size: number; mode: number; sha256: string; type: string }[] = [];
    const extract = tarStream.extract();
    extract.end(tar);
    for await (const stream of extract) {
      const hash = createHash('sha256');
      for await (const chunk of stream) hash.update(chunk as Buffer);
      const { name, size, mode, type } = stream.header;
      expected.push({ name, size, mode, type, sha256: hash.digest('hex') });
    }
    assert.ok(expected.length > 25);
    const types: Record<string, string> = { '0': 'file', '2': 'symlink', '5': 'directory' };
    const whole = readAll(tar);
    assert.deepEqual(
      whole.entries.map(({ entry: { path, size, mode, type }, sha256 }) => ({
        name: path,
        size,
        mode,
        type: types[type],
        sha256,
      })),
      expected,
    );
    assert.ok(whole.ended);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        assert.deepEqual(readAll(tar, sizes).entries, whole.entries);
      }),
      { numRuns: times(30), seed: 7 },
    );
    assert.deepEqual(
      readAll(tar.subarray(0, 40_000), [1]).entries,
      whole.entries.slice(0, readAll(tar.subarray(0, 40_000)).entries.length),
    );
  });

  test('keeps every byte of a name', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        (path, target) => {
          const name = Buffer.from(path.map((byte) => (byte === 0 ? 1 : byte))).toString('latin1');
          const link = Buffer.from(target.map((byte) => (byte === 0 ? 1 : byte))).toString('latin1');
          const { entries } = readAll(Buffer.concat([header({ path: name, type: '2', target: link }), END]));
          assert.equal(entries[0]?.entry.path, name);
          assert.equal(entries[0].entry.target, link);
          assert.deepEqual(entries[0].entry.oddities, []);
        },
      ),
      { numRuns: times(300), seed: 1 },
    );
  });

  test('reads sizes beyond 8 GiB, owners and times beyond octal', () => {
    const stat = {
      mtimeNs: 1_700_000_000_123_456_789n,
      atimeNs: -5n,
      ctimeNs: 1n,
      uid: 4_000_000_000n,
      gid: 2_097_152n,
      rdev: 0n,
      mode: 0o100644n,
    };
    const reader = new TarReader({
      entry: (entry) => void (seen = entry),
      body: () => undefined,
      end: () => undefined,
    });
    let seen: TarEntry | undefined;
    reader.push(header({ size: 9 * 1024 ** 3, stat: stat as never }));
    assert.equal(seen?.size, 9 * 1024 ** 3);
    assert.deepEqual(
      [seen.mtime, seen.atime, seen.uid, seen.gid],
      ['1700000000.123456789', '-0.000000005', 4_000_000_000, 2_097_152],
    );
    assert.deepEqual(reader.open?.left, 9 * 1024 ** 3);
  });

  test('says where a stream that breaks off is', () => {
    const tar = Buffer.concat([header({ size: 600 }), noise(600, 1), Buffer.alloc(roundUp(600) - 600), END]);
    assert.equal(readAll(tar.subarray(0, 512 + 1024)).border, true);
    assert.equal(readAll(tar.subarray(0, 512 + 600)).border, false);
    assert.equal(readAll(tar.subarray(0, 300)).border, false);
    assert.equal(readAll(tar.subarray(0, 512 + 1024 + 512)).ended, false);
    assert.equal(readAll(tar).ended, true);
  });

  const corrupt: Record<string, [Buffer, RegExp]> = {
    'a wrong checksum': [Buffer.concat([header().fill(0x78, 0, 1)]), /checksum is wrong/u],
    noise: [noise(2048, 3), /there is no tar header/u],
    'a number that is not octal': [forged((block) => block.write('9', 124)), /not octal/u],
    'a size in base 256': [forged((block) => block.writeUInt8(0x80, 124)), /not octal/u],
    'padding that is not zero': [
      Buffer.concat([header({ size: 1 }), Buffer.from('xy'), Buffer.alloc(510)]),
      /padding behind a body is not zero/u,
    ],
    'one zero block between entries': [
      Buffer.concat([header(), Buffer.alloc(512), header()]),
      /a zero block stands between/u,
    ],
    'data behind the end': [Buffer.concat([header(), END, Buffer.from('x')]), /data behind the end/u],
    'a pax header of its own size': [
      forged((block) => {
        block.write('x', 156);
        block.write('77777777777', 124);
      }),
      /a pax header of 8589934591 bytes/u,
    ],
    'an empty pax header': [forged((block) => block.write('x', 156)), /a pax header of 0 bytes/u],
    'a malformed pax record': [pax('9 path=a'), /pax record is malformed/u],
    'a pax record longer than the header': [pax('99 path=a\n'), /pax record is malformed/u],
    'two pax records of one name': [pax('10 path=a\n10 path=b\n'), /two pax records "path"/u],
    'a size that is no number': [pax('12 size=-1x\n'), /a number in its pax records is malformed/u],
    'a size that no number holds': [pax('25 size=9999999999999999\n'), /a number in its pax records is malformed/u],
  };
  for (const [name, [bytes, reason]] of Object.entries(corrupt)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => readAll(bytes), { code: 'ARCHIVE_CORRUPT', message: reason });
    });
  }

  test('tells what Amber does not write', () => {
    const odd = (bytes: Buffer): readonly string[] => readAll(bytes).entries[0]?.entry.oddities ?? [];
    assert.match(odd(forged((block) => block.write('ustar  \0', 257, 'latin1')))[0] ?? '', /not POSIX ustar/u);
    assert.match(odd(forged((block) => block.write('prefix', 345, 'latin1')))[0] ?? '', /splits its name/u);
    assert.match(odd(Buffer.concat([pax('18 comment=hidden\n'), header()]))[0] ?? '', /pax record "comment"/u);
    assert.match(
      odd(
        Buffer.concat([
          forged((block) => {
            block.write('2', 156);
            block.write('00000000005', 124);
          }),
          Buffer.alloc(512),
        ]),
      )[0] ?? '',
      /a size though its type has no body/u,
    );
  });

  function pax(records: string): Buffer {
    const body = Buffer.alloc(roundUp(records.length));
    body.write(records, 'latin1');
    const block = forged((bytes) => {
      bytes.write('x', 156);
      bytes.write(records.length.toString(8).padStart(11, '0'), 124);
    });
    return Buffer.concat([block, body, header()]);
  }
});
