/** A tarball in memory for tests, with everything around it real. */
import type { Budget, Entry, ManifestItem, Segment } from '../../src/contracts/evidence.ts';
import type { TarballOptions } from '../../src/archive/contracts.ts';
import { Tarball } from '../../src/archive/tarball.ts';
import { openManifest } from '../../src/seal/manifest.ts';

/** Redacts nothing: the engine has its own tests. */
const plain = {
  json: (value: unknown) => ({ value, redactions: [] }),
  text: (text: string) => ({ value: text, redactions: [] }),
  bytes: (body: Uint8Array) => ({ value: body, redactions: [] }),
  learn: () => undefined,
};

export function testBudget(over: Partial<Budget> = {}): Budget {
  return {
    signal: new AbortController().signal,
    remainingMs: () => 60_000,
    remainingBytes: () => Number.MAX_SAFE_INTEGER,
    yieldIfDue: () => undefined,
    ...over,
  };
}

export interface Packed {
  readonly segments: readonly Segment[];
  readonly items: readonly ManifestItem[];
  readonly joined: Buffer;
  readonly sha256: string;
}

/** Packs entries in the given order; a string is a border to that tier. */
export async function pack(entries: Iterable<Entry>, over: Partial<TarballOptions> = {}): Promise<Packed> {
  const segments: Segment[] = [];
  const items: ManifestItem[] = [];
  const tarball = new Tarball({
    compression: 'zstd',
    segmentBytes: 8 * 1024 * 1024,
    segmentMs: 60_000,
    partBytes: 1024 * 1024,
    startedMs: 1_700_000_000_000,
    redactor: plain,
    budget: testBudget(),
    spend: () => undefined,
    manifest: openManifest('018f0000-0000-7000-8000-000000000000'),
    onSegment: (segment) => {
      segments.push(segment);
      return Promise.resolve();
    },
    ...over,
  });
  for (const entry of entries) items.push(await tarball.add(entry, 'test'));
  const { sha256 } = await tarball.close();
  return { segments, items, joined: Buffer.concat(segments.flatMap((segment) => segment.body)), sha256: sha256 ?? '' };
}
