/** The objects of a capture that was committed: manifest.json tells their names, sizes and digests. */
import type { CaptureManifest, CommittedSegment } from '../../seal/commit.ts';
import { placesInJoined } from './joined-places.ts';
import { findLate } from './late.ts';
import { isPart, joinedName, SEGMENT } from './object-names.ts';
import { wholePart, type CapturePart, type ForeignPart, type Parts } from './part.ts';
import type { CaseStore, Range, StoredName } from './store.ts';

interface Committed {
  readonly store: CaseStore;
  readonly manifest: CaptureManifest;
  readonly objects: readonly StoredName[];
}

export async function committedParts({ store, manifest, objects }: Committed): Promise<Parts> {
  const late = await findLate(store, manifest, objects);
  // Amber writes no empty segment: somebody who emptied one has removed it.
  const filled = new Map(objects.flatMap((object) => (object.bytes === 0 ? [] : [[object.name, object] as const])));
  const apart = new Map(
    manifest.segments.flatMap(({ number, name }) => {
      const object = late.get(number) ?? filled.get(name);
      return object === undefined ? [] : [[number, object] as const];
    }),
  );
  const joined = manifest.recipient === null ? filled.get(joinedName(manifest.compression)) : undefined;
  const stored = manifest.segments.filter(({ state }) => state !== 'lost');
  const places: ReadonlyMap<number, Range> =
    joined === undefined ? new Map() : await placesInJoined({ store, joined, segments: stored, apart });
  const parts: CapturePart[] = [];
  const missing: number[] = [];
  for (const committed of manifest.segments) {
    const part = partOf(committed, manifest, { joined, range: places.get(committed.number), apart });
    if (part === undefined) missing.push(committed.number);
    else parts.push(part);
  }
  return { parts, missing, unexpectedObjects: await foreign(store, manifest, { objects, parts, late }) };
}

interface Where {
  readonly joined: StoredName | undefined;
  readonly range: Range | undefined;
  readonly apart: ReadonlyMap<number, StoredName>;
}

function partOf(
  committed: CommittedSegment,
  { compression, recipient }: CaptureManifest,
  { joined, range, apart }: Where,
): CapturePart | undefined {
  const { number } = committed;
  const facts = { number, packing: compression, sealed: recipient !== null, committed };
  if (range !== undefined && joined !== undefined) return { ...facts, object: joined.name, range, bytes: range.bytes };
  const object = apart.get(number);
  return object === undefined ? undefined : { ...facts, object: object.name, range: undefined, bytes: object.bytes };
}

interface Beside {
  readonly objects: readonly StoredName[];
  readonly parts: readonly CapturePart[];
  readonly late: ReadonlyMap<number, StoredName>;
}

async function foreign(
  store: CaseStore,
  manifest: CaptureManifest,
  { objects, parts, late }: Beside,
): Promise<readonly ForeignPart[]> {
  const used = new Set(parts.map(({ object }) => object));
  const opened = manifest.recipient === null ? undefined : joinedName(manifest.compression);
  const lost = manifest.segments.some(({ state }) => state === 'lost');
  const found: ForeignPart[] = [];
  for (const object of objects) {
    const { name, bytes } = object;
    if (!isPart(name) || used.has(name) || name === opened) continue;
    // A directory that failed to append the first segment leaves the file empty.
    if (bytes === 0 && lost && name === joinedName(manifest.compression)) continue;
    found.push({ ...(await wholePart(store, object)), why: whyForeign(object, manifest, late) });
  }
  return found.sort((one, other) => Number(one.bytes === 0) - Number(other.bytes === 0));
}

function whyForeign(
  { name, bytes }: StoredName,
  manifest: CaptureManifest,
  late: ReadonlyMap<number, StoredName>,
): string {
  if (bytes === 0) return 'it is empty';
  if (!SEGMENT.test(name)) return 'the bytes that manifest.json names stand in other objects';
  const segment = manifest.segments.find((one) => one.name === name);
  if (segment === undefined || late.has(segment.number)) return 'manifest.json does not name it';
  return `what manifest.json names so stands in ${joinedName(manifest.compression)}`;
}
