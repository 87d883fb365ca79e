/** Where a tarball is cut into segments, and how they are chained. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { requirePeer } from '../peers.ts';
import { pack } from './scene.ts';
import { fileEntry, sha256, untar, unzstd, write } from './tarball-scene.ts';

describe('segments', () => {
  const limit = 256 * 1024;

  test('hold whole entries where an entry fits, open alone, and join to the tarball', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const names = Array.from({ length: 40 }, (_, index) => write(`seg-${index}`, randomBytes(30_000)));
    const { segments, joined } = await pack(
      names.map((name) => fileEntry(name)),
      { segmentBytes: limit, partBytes: 64 * 1024 },
    );
    assert.ok(segments.length > 3);
    const seen: string[] = [];
    for (const segment of segments) {
      assert.equal(segment.continues, false);
      assert.ok(segment.bytes <= limit + 64 * 1024, `segment of ${segment.bytes} bytes`);
      assert.equal(segment.sha256, sha256(Buffer.concat(segment.body)));
      const alone = execFileSync('tar', ['--zstd', '-tf', '-'], { input: Buffer.concat(segment.body) })
        .toString()
        .trim()
        .split('\n');
      assert.match(alone.at(-1) ?? '', /^manifest\/\d{4}\.jsonl$/u);
      seen.push(...alone);
    }
    assert.deepEqual(
      execFileSync('tar', ['--zstd', '-tf', '-'], { input: joined }).toString().trim().split('\n'),
      seen,
    );
    assert.equal(seen.filter((name) => name.startsWith('[root]/tmp/seg-')).length, 40);
  });

  test('go on inside an entry that is larger than a segment, and end right behind it', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const body = randomBytes(1_000_000);
    const { segments, joined } = await pack(
      [fileEntry(write('before', 'b')), fileEntry(write('large', body)), fileEntry(write('behind', 'a'))],
      { segmentBytes: limit, partBytes: 64 * 1024 },
    );
    assert.deepEqual(untar(joined, '[root]/tmp/large'), body);
    assert.ok(segments.some((segment) => segment.continues));
    const last = segments.at(-1)!;
    assert.equal(last.continues, false);
    const members = execFileSync('tar', ['--zstd', '-tf', '-'], { input: Buffer.concat(last.body) }).toString();
    assert.match(members, /behind/u);
  });

  test('are numbered, placed in the tar stream and chained', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const { segments, joined } = await pack(
      Array.from({ length: 20 }, (_, index) => fileEntry(write(`chain-${index}`, randomBytes(50_000)))),
      { segmentBytes: limit },
    );
    const tar = unzstd(joined);
    let previous: string | null = null;
    for (const [index, segment] of segments.entries()) {
      assert.equal(segment.number, index);
      assert.equal(segment.tarOffset, index === 0 ? 0 : segments[index - 1]!.tarOffset + segments[index - 1]!.tarBytes);
      const part = execFileSync('tar', ['-xO', '-f', '-', `manifest/${String(index).padStart(4, '0')}.jsonl`], {
        input: tar.subarray(segment.tarOffset),
      });
      const header = JSON.parse(part.toString().split('\n')[0] ?? '') as { previous: string | null; segment: number };
      assert.deepEqual([header.previous, header.segment], [previous, index]);
      previous = sha256(part);
      assert.equal(segment.chainHead, previous);
    }
    assert.equal(segments.at(-1)!.tarOffset + segments.at(-1)!.tarBytes, tar.length);
  });

  test('are closed when the manifest lines of absent items pile up', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const entries = Array.from(
      { length: 60_000 },
      (_, index) =>
        ({
          kind: 'absent',
          path: `[root]/tmp/none-${index}`,
          source: `/tmp/none-${index}`,
          method: 'openat',
          outcome: 'missing',
          reason: 'gone',
        }) as const,
    );
    const { segments, items } = await pack(entries);
    assert.equal(items.length, 60_000);
    assert.ok(segments.length > 2);
  });
});
