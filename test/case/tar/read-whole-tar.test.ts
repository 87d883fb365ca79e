/**
 * tar-stream behind our guards gives what the strict reader gives: entries, bodies, errors, and where a stream breaks
 * off.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeHeader, roundUp } from '../../../src/archive/header.ts';
import { readStrictly } from '../../../src/case/tar/read-tar.ts';
import { readWholeTar } from '../../../src/case/tar/read-whole-tar.ts';
import type { TarEntry } from '../../../src/case/tar/header.ts';
import { makeCapture, noise } from '../captures.ts';
import { unzstd } from '../forge.ts';
import { times } from '../../effort.ts';
import { END, entry, inChunks, type Read } from './forged-tar.ts';

interface Seen {
  readonly entries: readonly (readonly [entry: TarEntry, bytes: number, sha256: string, whole: boolean])[];
  readonly ended: boolean | undefined;
  readonly error: string | undefined;
  /** Bytes that tar-stream gave. */
  readonly strictFrom: number | undefined;
}

async function seenBy(read: Read, tar: Buffer, sizes: readonly number[] = [tar.length], broken?: Error): Promise<Seen> {
  const entries: [TarEntry, number, string, boolean][] = [];
  let open: { entry: TarEntry; hash: ReturnType<typeof createHash>; bytes: number } | undefined;
  const close = (whole: boolean): void => {
    if (open !== undefined) entries.push([open.entry, open.bytes, open.hash.digest('hex'), whole]);
    open = undefined;
  };
  let ended: boolean | undefined;
  let strictFrom: number | undefined;
  let error: string | undefined;
  try {
    ({ ended, strictFrom } = await read(inChunks(tar, sizes, broken), {
      entry: (entry) => {
        assert.equal(open, undefined, 'one entry at a time');
        open = { entry, hash: createHash('sha256'), bytes: 0 };
      },
      body: (piece) => {
        open!.hash.update(piece);
        open!.bytes += piece.length;
      },
      end: () => close(true),
    }));
  } catch (cause) {
    error = String(cause);
  }
  close(false);
  return { entries, ended, error, strictFrom };
}

/** Both readers see the same; gives what tar-stream saw. */
async function same(tar: Buffer, sizes?: readonly number[], broken?: Error): Promise<Seen> {
  const strict = await seenBy(readStrictly, tar, sizes, broken);
  const whole = await seenBy(readWholeTar, tar, sizes, broken);
  assert.deepEqual({ ...whole, strictFrom: undefined, error: undefined }, { ...strict, error: undefined });
  // Where in a chunk an offset is counted from depends on the chunks; the reason does not.
  assert.equal(whole.error?.replace(/byte \d+/u, ''), strict.error?.replace(/byte \d+/u, ''));
  return whole;
}

/** A header block whose fields are changed and whose checksum fits. */
function forged(change: (block: Buffer) => void): Buffer {
  const block = Buffer.from(encodeHeader({ path: 'a', type: '0', mode: 0o644, size: 0, mtimeSeconds: 1 }));
  change(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A header of another type, with a body. */
function special(type: string, body: Buffer | string, name = 'a'): Buffer {
  const bytes = Buffer.from(body);
  const padded = Buffer.alloc(roundUp(bytes.length));
  bytes.copy(padded);
  return Buffer.concat([
    forged((block) => {
      block.write(name, 0, 'latin1');
      block.write(type, 156, 'latin1');
      block.write(bytes.length.toString(8).padStart(11, '0'), 124, 'latin1');
    }),
    padded,
  ]);
}
const ALL_BYTES = Buffer.from(Array.from({ length: 255 }, (_, byte) => byte + 1)).toString('latin1');

describe('tar-stream behind guards', () => {
  test('reads a capture to its end, in chunks of any size', async () => {
    const made = await makeCapture();
    const tar = await unzstd(Buffer.concat(made.segments.flatMap(({ body }) => body)));
    const whole = await same(tar);
    assert.ok(whole.entries.length > 25 && whole.ended === true);
    const last = whole.entries.at(-1)![0];
    assert.equal(whole.strictFrom, last.bodyOffset + last.size, 'the strict reader had only the end to read');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 6 }), async (sizes) => {
        assert.deepEqual((await seenBy(readWholeTar, tar, sizes)).entries, whole.entries);
      }),
      { numRuns: times(20), seed: 7 },
    );
  });

  test('keeps names and targets of all bytes, short and long', async () => {
    const names = [
      ALL_BYTES,
      ALL_BYTES.replaceAll('/', ''),
      '\xff',
      '\xc3\xa9',
      '\xef\xbf\xbd',
      '\xff\xfe',
      `${'\xff'.repeat(90)}/${'x'.repeat(120)}`,
      '99 path=injected\n',
      '__proto__',
      'a=b',
      ' ',
    ];
    const tar = Buffer.concat([
      ...names.flatMap((name, index) => [
        entry(name, noise(index * 501, index)),
        entry(`l/${name}`, '', { type: '2', target: name }),
      ]),
      END,
    ]);
    const whole = await same(tar);
    assert.deepEqual(
      whole.entries.map(([{ path }]) => path),
      names.flatMap((name) => [name, `l/${name}`]),
    );
    assert.deepEqual(
      whole.entries.filter(([{ type }]) => type === '2').map(([{ target }]) => target),
      names,
    );
    const last = whole.entries.at(-1)![0];
    assert.equal(whole.strictFrom, last.bodyOffset, 'no name made the strict reader take over');
  });

  test('keeps any name: two that differ in bytes stay two', async () => {
    const bytePath = fc
      .uint8Array({ minLength: 1, maxLength: 400 })
      .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 ? 1 : byte))).toString('latin1'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(bytePath, bytePath), { minLength: 1, maxLength: 8 }), async (pairs) => {
        const whole = await same(
          Buffer.concat([...pairs.map(([path, target]) => entry(path, '', { type: '2', target })), END]),
        );
        assert.deepEqual(
          whole.entries.map(([{ path, target }]) => [path, target]),
          pairs,
        );
      }),
      { numRuns: times(60), seed: 3 },
    );
  });

  test('a header block with raw bytes and a split name is read byte for byte', async () => {
    const raw = forged((block) => {
      block.write('\xff\xfe\x80', 0, 'latin1');
      block.write('pre\xfffix', 345, 'latin1');
    });
    const { entries } = await same(Buffer.concat([raw, END]));
    assert.equal(entries[0]?.[0].path, 'pre\xfffix/\xff\xfe\x80');
  });

  test('a body beyond 8 GiB is announced as the strict reader does, and cut', async () => {
    const tar = Buffer.concat([
      encodeHeader({ path: 'huge', type: '0', mode: 0o644, size: 9 * 1024 ** 3, mtimeSeconds: 1 }),
      noise(300_000, 2),
    ]);
    const { entries, ended } = await same(tar);
    assert.deepEqual(
      [entries[0]?.[0].size, entries[0]?.[1], entries[0]?.[3], ended],
      [9 * 1024 ** 3, 300_000, false, false],
    );
  });

  test('gives all that came before a cut, wherever that is', async () => {
    const tar = Buffer.concat([entry('a', noise(3000, 1)), entry('\xff'.repeat(150), noise(700, 2)), entry('c'), END]);
    for (let length = 0; length <= tar.length; length += 97) await same(tar.subarray(0, length), [1000]);
    await same(tar.subarray(0, 2000), [7]);
  });

  test('gives all that came before the source failed, and then what it failed with', async () => {
    const tar = Buffer.concat([entry('a', noise(3000, 1)), entry('b', noise(200_000, 2)), END]);
    for (const length of [100, 700, 3584, 5000, 100_000, tar.length]) {
      const { error } = await same(tar.subarray(0, length), [4000], new Error('the disk is gone'));
      assert.equal(error, 'Error: the disk is gone');
    }
  });

  const pax = (records: string): Buffer =>
    Buffer.concat([special('x', Buffer.from(records, 'latin1')), entry('real', 'body')]);
  const cases: Readonly<Record<string, readonly Buffer[]>> = {
    'a folder with a body': [special('5', noise(1000, 1), 'folder'), entry('b')],
    'GNU long names': [
      special('L', 'n'.repeat(200)),
      entry('short'),
      special('K', 'k'.repeat(200)),
      entry('link', '', { type: '2', target: 'x' }),
    ],
    'a global pax header': [special('g', '12 path=all\n'), entry('b', 'x')],
    'an empty path in a pax record': [pax('8 path=\n')],
    'a path with a NUL': [pax('12 path=a\0bc\n')],
    'a pax record of an unknown key': [pax('18 comment=hidden\n')],
    'a pax size that says more': [pax('12 size=512\n'), entry('c')],
    'a pax size with a tail': [pax('12 size=4xx\n')],
    'two pax headers': [special('x', '10 path=a\n'), pax('10 path=b\n')],
    'two paths in a pax header': [pax('10 path=a\n10 path=b\n')],
    'a pax header too large': [special('x', Buffer.alloc(100_000, 'x')), entry('c')],
    'a contiguous file': [special('7', 'contiguous'), entry('b')],
    'an unknown type': [special('S', 'sparse'), entry('b', 'x')],
    'a character device, a FIFO and a hard link': [special('3', ''), special('6', ''), special('1', ''), entry('b')],
    'a number that is not octal': [forged((block) => block.write('9', 124))],
    'a size in base 256': [forged((block) => block.writeUInt8(0x80, 124))],
    'a wrong checksum': [
      entry('a', 'x'),
      Buffer.from(encodeHeader({ path: 'b', type: '0', mode: 0, size: 0, mtimeSeconds: 1 })).fill(0x78, 0, 1),
    ],
    noise: [entry('a', 'x'), noise(4096, 3)],
    'padding that is not zero': [entry('a', 'x').fill(1, 1023), entry('b')],
    'a zero block between entries': [entry('a'), Buffer.alloc(512), entry('b')],
    'an archive behind the end of another': [entry('a'), END, entry('b'), END],
    'zeros without end': [entry('a'), Buffer.alloc(2_000_000)],
    'a header in front of a million zeros': [Buffer.alloc(1_000_000), entry('a')],
  };
  for (const [name, pieces] of Object.entries(cases)) {
    test(`reads as the strict reader does: ${name}`, async () => {
      const tar = Buffer.concat([...pieces, END]);
      for (const sizes of [[tar.length], [512], [777, 3]]) await same(tar, sizes);
    });
  }

  test('damage at any place is never read in another way', async () => {
    const good = Buffer.concat([
      entry('first', noise(900, 1)),
      entry('\xff\xfe', 'x'),
      entry('l', '', { type: '2', target: '\xff' }),
      entry('last', noise(10, 4)),
      END,
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const tar = Buffer.from(good);
          for (const [at, value] of changes) tar[at] = value;
          await same(tar, [1500]);
        },
      ),
      { numRuns: times(150), seed: 11 },
    );
  });

  test('ends at what the visitor refuses, and closes the source', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        for (let index = 0; index < 100; index += 1)
          yield await Promise.resolve(entry(`f${index}`, noise(100_000, index)));
      } finally {
        closed = true;
      }
    }
    let entries = 0;
    await assert.rejects(
      readWholeTar(source(), {
        entry: () => {
          entries += 1;
          if (entries === 3) throw new RangeError('enough');
        },
        body: () => undefined,
        end: () => undefined,
      }),
      RangeError,
    );
    assert.deepEqual([entries, closed], [3, true]);
  });
});
