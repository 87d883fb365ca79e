import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, fstatSync, ftruncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { FileEntry, StreamEntry } from '../../src/contracts/evidence.ts';
import { requirePeer } from '../peers.ts';
import { pack, testBudget } from './scene.ts';
import { fileEntry, folder, sha256, untar, unzstd, write } from './tarball-scene.ts';

describe('a tarball', () => {
  test('holds small and large files byte for byte, with their digests in the manifest', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const bodies = [0, 1, 511, 512, 513, 100_000, 3_000_000].map((size) => randomBytes(size));
    const entries = bodies.map((body, index) => fileEntry(write(`exact-${index}`, body)));
    const { items, joined, sha256: whole } = await pack(entries);
    assert.equal(whole, sha256(joined));
    for (const [index, body] of bodies.entries()) {
      assert.deepEqual(untar(joined, `[root]/tmp/exact-${index}`), body);
      const item = items[index]!;
      assert.equal(item.sha256, sha256(body));
      assert.equal(item.outcome, body.length === 0 ? 'empty' : 'collected');
    }
  });

  test('closes every descriptor it was given', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const entry = fileEntry(write('closed', 'x'));
    await pack([entry]);
    assert.throws(() => fstatSync(entry.fd), { code: 'EBADF' });
  });

  test('keeps nanosecond times, modes and owners in pax records', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const name = write('times', 'x');
    execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789 UTC', join(folder, name)]);
    execFileSync('chmod', ['4751', join(folder, name)]);
    const { joined } = await pack([fileEntry(name)]);
    const listing = execFileSync('tar', ['--zstd', '--full-time', '--utc', '-tvf', '-'], { input: joined }).toString();
    assert.match(listing, /-rwsr-x--x .* 2001-02-03 04:05:06\.123456789 \[root\]\/tmp\/times/u);
  });

  for (const size of [200_000, 3_000_000]) {
    test(`pads a file of ${size} bytes that shrinks while it is read, and says so`, async (t) => {
      if (!requirePeer(t, 'tar', 'zstd')) return;
      const body = randomBytes(size);
      const entry = fileEntry(write('shrinks', body));
      ftruncateSync(entry.fd, size / 2);
      const { items, joined } = await pack([entry, fileEntry(write('next', 'still here'))]);
      assert.equal(items[0]?.outcome, 'truncated');
      assert.match(items[0].reason ?? '', /shrank/u);
      assert.equal(items[0].stored, size);
      assert.equal(items[0].padded, size / 2);
      assert.equal(items[0].sha256, sha256(body.subarray(0, size / 2)));
      assert.deepEqual(
        untar(joined, '[root]/tmp/shrinks'),
        Buffer.concat([body.subarray(0, size / 2), Buffer.alloc(size / 2)]),
      );
      assert.equal(untar(joined, '[root]/tmp/next').toString(), 'still here');
    });
  }

  test('cuts a file that grows at the size that its header declares', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const entry = fileEntry(write('grows', 'first'));
    appendFileSync(join(folder, 'grows'), ' and more');
    const { items, joined } = await pack([entry]);
    assert.equal(items[0]?.outcome, 'changed');
    assert.match(items[0].reason ?? '', /from 5 to 14 bytes/u);
    assert.equal(untar(joined, '[root]/tmp/grows').toString(), 'first');
  });

  test('fills in gigabytes of zeros without writing them, when a sparse file is cut off by the clock', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const stop = new AbortController();
    const entry = fileEntry(write('sparse', ''));
    ftruncateSync(entry.fd, 10 * 1024 ** 3);
    const huge: FileEntry = { ...entry, stat: fstatSync(entry.fd, { bigint: true }) };
    setTimeout(() => {
      stop.abort();
    }, 50);
    const { items, joined } = await pack([huge, fileEntry(write('behind', 'after it'))], {
      budget: testBudget({ signal: stop.signal }),
    });
    assert.equal(items[0]?.outcome, 'truncated');
    assert.match(items[0].reason ?? '', /time budget/u);
    assert.equal(items[0].stored, 10 * 1024 ** 3);
    assert.ok(joined.length < 2_000_000, `${joined.length} bytes`);
  });

  test('without compression a file that lost too much ends the tar stream, and nobody is told that it is whole', async () => {
    const entry = fileEntry(write('plain-sparse', ''));
    ftruncateSync(entry.fd, 200 * 1024 ** 2);
    const shrunk: FileEntry = { ...entry, stat: fstatSync(entry.fd, { bigint: true }) };
    ftruncateSync(entry.fd, 0);
    await assert.rejects(pack([shrunk], { compression: 'none' }), { code: 'CAPTURE_ABORTED' });
  });

  test('a stream is cut or padded to its declared size', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const stream = (path: string, size: number, chunks: readonly string[]): StreamEntry => ({
      kind: 'stream',
      path,
      source: 'test',
      method: 'api',
      size,
      chunks: () => chunks.map((chunk) => Buffer.from(chunk)),
    });
    const { items, joined } = await pack([stream('long', 6, ['abcd', 'efgh']), stream('short', 6, ['ab'])]);
    assert.equal(untar(joined, 'long').toString(), 'abcdef');
    assert.deepEqual(untar(joined, 'short'), Buffer.from('ab\0\0\0\0'));
    assert.deepEqual(
      items.map((item) => [item.outcome, item.padded]),
      [
        ['collected', undefined],
        ['truncated', 4],
      ],
    );
  });

  test('keeps what the collector knew of a file, where the read went well', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const { items } = await pack([
      fileEntry(write('known', 'x'), { outcome: 'changed', reason: 'it was a directory when it was listed' }),
    ]);
    assert.deepEqual([items[0]?.outcome, items[0]?.reason], ['changed', 'it was a directory when it was listed']);
  });

  test('hashes without storing when told so', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const { items, joined } = await pack([
      fileEntry(write('hashed', 'secret recipe'), { store: false, reason: 'bytes by policy' }),
    ]);
    assert.equal(items[0]?.outcome, 'skipped');
    assert.equal(items[0].reason, 'bytes by policy');
    assert.equal(items[0].sha256, sha256(Buffer.from('secret recipe')));
    assert.ok(!execFileSync('tar', ['--zstd', '-tf', '-'], { input: joined }).toString().includes('hashed'));
  });

  test('spends the byte budget and names what it cut', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    let left = 7;
    const budget = testBudget({ remainingBytes: () => left });
    const spend = (bytes: number): void => {
      left -= bytes;
    };
    const { items } = await pack(
      [fileEntry(write('a', '12345')), fileEntry(write('b', '12345')), fileEntry(write('c', '1'))],
      { budget, spend },
    );
    assert.deepEqual(
      items.map((item) => [item.outcome, item.stored]),
      [
        ['collected', 5],
        ['truncated', 2],
        ['skipped', undefined],
      ],
    );
  });

  test('is written as gzip members or plain by choice', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const body = Buffer.concat([randomBytes(2_000_000), Buffer.alloc(2_000_000, 'text ')]);
    for (const [compression, open] of [
      ['gzip', gunzipSync],
      ['none', (bytes: Buffer) => bytes],
      ['zstd', unzstd],
    ] as const) {
      const { joined, segments } = await pack([fileEntry(write('choice', body))], { compression });
      assert.match(
        segments[0]?.name ?? '',
        { gzip: /\.tar\.gz$/u, none: /\.tar$/u, zstd: /\.tar\.zst$/u }[compression],
      );
      const tar = open(joined);
      assert.deepEqual(
        execFileSync('tar', ['-xO', '-f', '-', '[root]/tmp/choice'], { input: tar, maxBuffer: 1 << 30 }),
        body,
      );
    }
  });
});
