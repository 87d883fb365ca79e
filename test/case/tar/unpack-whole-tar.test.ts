/** Unpacking with the lenient and the strict reader ends in the same files. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeHeader } from '../../../src/archive/header.ts';
import { Extractor, type ExtractLimits, type NotExtracted } from '../../../src/case/tar/extract.ts';
import { readStrictly } from '../../../src/case/tar/read-tar.ts';
import { readWholeTar } from '../../../src/case/tar/read-whole-tar.ts';
import { freshFolder, makeCapture } from '../captures.ts';
import { unzstd } from '../forge.ts';
import { END, entry, inChunks, type Read } from './forged-tar.ts';

interface Unpacked {
  readonly files: ReadonlyMap<string, string>;
  readonly told: readonly NotExtracted[];
  readonly error: string | undefined;
}

async function unpacked(read: Read, tar: Buffer, limits?: ExtractLimits): Promise<Unpacked> {
  const target = join(freshFolder(), 'deep', 'target');
  mkdirSync(target, { recursive: true });
  const told: NotExtracted[] = [];
  const extractor = new Extractor(target, (one) => told.push(one), limits);
  let error: string | undefined;
  try {
    await read(inChunks(tar, [30_000]), extractor);
  } catch (cause) {
    error = String(cause);
  } finally {
    extractor.finish();
  }
  const files = new Map<string, string>();
  // All below the folder above: a file that got out of the target would differ.
  const top = join(target, '..', '..', '/');
  for (const name of readdirSync(top, { recursive: true, encoding: 'latin1' }).sort()) {
    const path = Buffer.concat([Buffer.from(top), Buffer.from(name, 'latin1')]);
    const stat = lstatSync(path);
    const content = stat.isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : stat.isSymbolicLink()
        ? readlinkSync(path, 'latin1')
        : 'folder';
    files.set(
      name,
      `${stat.mode.toString(8)} ${stat.isDirectory() ? '' : stat.mtimeMs === 1000 || stat.isSymbolicLink() ? '1' : stat.mtimeMs} ${content}`,
    );
  }
  return { files, told, error };
}

describe('unpacking with tar-stream', () => {
  const hostile = Buffer.concat([
    ...['../evil', '/evil', 'a/../../evil', '..', '', `n\0b`].map((path) => entry(path, 'evil')),
    entry('out', '', { type: '2', target: '../..' }),
    entry('out/evil', 'evil'),
    entry('abs', '', { type: '2', target: '/etc' }),
    entry('ok', '', { type: '2', target: 'd/\xff' }),
    entry('hard', '', { type: '1' as '2', target: '/etc/passwd' }),
    entry('null', '', { type: '3' }),
    entry('fifo', '', { type: '6' }),
    entry('d/', '', { type: '5' }),
    ...['\xff', '\xfe', '\xef\xbf\xbd', '\u001b[31m', 'new\nline', '-rf'].map((name) => entry(`d/${name}`, name)),
    entry('same', 'first'),
    entry('same', 'second'),
    entry('same/below', 'x'),
    entry(
      'sparse',
      Buffer.concat([Buffer.from('head'), Buffer.alloc(3_000_000), Buffer.from('tail'), Buffer.alloc(200_000)]),
    ),
    END,
  ]);

  test('a hostile tarball ends in the same files and the same refusals as before', async () => {
    const strict = await unpacked(readStrictly, hostile);
    const whole = await unpacked(readWholeTar, hostile);
    assert.deepEqual(whole, strict);
    assert.ok(whole.told.some(({ unsafe }) => unsafe) && whole.files.size > 8);
    assert.deepEqual(
      [...whole.files.keys()].filter((name) => !name.startsWith('deep')),
      [],
    );
  });

  test('a capture ends in the same files', async () => {
    const made = await makeCapture();
    const tar = await unzstd(Buffer.concat(made.segments.flatMap(({ body }) => body)));
    const whole = await unpacked(readWholeTar, tar);
    assert.deepEqual(whole, await unpacked(readStrictly, tar));
    assert.deepEqual([whole.error, whole.files.size > 25], [undefined, true]);
  });

  test('a bomb ends at the same limit, by bytes and by entries', async () => {
    const bomb = encodeHeader({ path: 'bomb', type: '0', mode: 0o644, size: 30 * 1024 ** 3, mtimeSeconds: 1 });
    const many = Buffer.concat([...Array.from({ length: 11 }, (_, index) => entry(`f${index}`)), END]);
    for (const [tar, limits] of [
      [bomb, undefined],
      [many, { maxBytes: 1e9, maxEntries: 10 }],
    ] as const) {
      const whole = await unpacked(readWholeTar, tar, limits);
      assert.match(whole.error ?? '', /unpacks to more than/u);
      assert.deepEqual(whole, await unpacked(readStrictly, tar, limits));
    }
  });
});
