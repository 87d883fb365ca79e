/** Segments whose memory serves again, and the digests that are made while they fill. */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { CompressionName } from '../../src/archive/compress.ts';
import { Tarball } from '../../src/archive/tarball.ts';
import type { Entry, Segment } from '../../src/contracts/evidence.ts';
import { openManifest } from '../../src/seal/manifest.ts';
import { passThrough } from '../../src/secrets/redactor.ts';
import { testBudget } from './scene.ts';

const KIB = 1024;
/** Parts that compress, parts that do not, and one that is longer than a segment. */
const bodies = [
  randomBytes(3 * KIB),
  Buffer.alloc(400 * KIB, 'text that compresses\n'),
  randomBytes(900 * KIB),
  randomBytes(70 * KIB),
  Buffer.alloc(0),
];

interface Kept {
  readonly segment: Segment;
  readonly copy: Buffer;
}

async function pack(compression: CompressionName, inFlight: number): Promise<{ kept: Kept[]; sha256: string }> {
  const kept: Kept[] = [];
  const flying: Segment[] = [];
  const tarball = new Tarball({
    compression,
    segmentBytes: 256 * KIB,
    segmentMs: 60_000,
    partBytes: 32 * KIB,
    startedMs: 0,
    redactor: passThrough(),
    budget: testBudget({ yieldIfDue: () => Promise.resolve() }),
    spend: () => undefined,
    manifest: openManifest('018f0000-0000-7000-8000-000000000000'),
    onSegment: (segment) => {
      kept.push({ segment, copy: Buffer.concat(segment.body) });
      flying.push(segment);
      // What comes next may write over the memory from here on.
      if (flying.length > inFlight) flying.shift()?.recycle?.();
      return Promise.resolve();
    },
  });
  for (let round = 0; round < 3; round += 1) {
    for (const [index, body] of bodies.entries()) {
      const entry: Entry = {
        kind: 'bytes',
        path: `${round}/${index}`,
        source: '',
        method: 'api',
        body,
        redaction: 'content',
      };
      await tarball.add(entry, 'test');
    }
  }
  const { sha256 } = await tarball.close();
  return { kept, sha256: sha256 ?? '' };
}

describe('segments in memory that serves again', () => {
  for (const compression of ['none', 'zstd', 'gzip'] as const) {
    for (const inFlight of [0, 2]) {
      test(`${compression}, ${inFlight} on their way: every digest is that of what was handed over`, async () => {
        const { kept, sha256 } = await pack(compression, inFlight);
        assert.ok(kept.length > 5);
        for (const { segment, copy } of kept) {
          assert.equal(segment.bytes, copy.length);
          assert.equal(segment.sha256, hash('sha256', copy));
        }
        assert.equal(sha256, hash('sha256', Buffer.concat(kept.map(({ copy }) => copy))));
      });
    }
  }

  test('hold the bytes that were given, in their order', async () => {
    const { kept } = await pack('none', 0);
    const plain = Buffer.concat(kept.map(({ copy }) => copy));
    let at = 0;
    for (let round = 0; round < 3; round += 1) {
      for (const body of bodies) {
        at = plain.indexOf(body, at);
        assert.ok(at >= 0);
      }
    }
  });
});

describe('the manifest', () => {
  test('keeps lines of any length and script as JSON.stringify writes them', () => {
    const manifest = openManifest('018f0000-0000-7000-8000-000000000000');
    const paths = ['a', 'ö'.repeat(70_000), '日本\u{1f600}', 'half a pair \ud800', '"\\\n\u0000'];
    const items = paths.map(
      (path) =>
        ({ path, source: path, collector: 'test', method: 'api', kind: 'bytes', outcome: 'collected' }) as const,
    );
    for (const round of [0, 1]) {
      items.forEach(manifest.add);
      const [head = '', ...lines] = Buffer.from(manifest.close(round).body).toString('utf8').split('\n');
      assert.equal((JSON.parse(head) as { items: number }).items, items.length);
      assert.deepEqual(lines, [...items.map((item) => JSON.stringify(item)), '']);
      assert.equal(manifest.pendingBytes(), 0);
    }
  });
});
