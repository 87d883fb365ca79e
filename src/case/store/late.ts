/**
 * Segments that manifest.json calls lost and that were stored all the same, under a name that it does not know: the
 * plain name was taken, and the answer came after the commit marker had gone. Their digest tells, which the marker
 * names.
 */
import type { CaptureManifest, CommittedSegment } from '../../seal/commit.ts';
import { SEGMENT } from './object-names.ts';
import { digestOf } from './part.ts';
import type { CaseStore, StoredName } from './store.ts';

/**
 * Objects of one number that are hashed: who writes more of that size floods the folder, and what is beyond stays
 * foreign.
 */
const MAX_OF_NUMBER = 16;
/** Bytes that are hashed for one capture. */
const MAX_BYTES = 8 * 1024 * 1024 * 1024;

/** By number, the objects with a name of their own that have the digest of a lost segment. */
export async function findLate(
  store: CaseStore,
  manifest: CaptureManifest,
  objects: readonly StoredName[],
): Promise<ReadonlyMap<number, StoredName>> {
  const lost = manifest.segments.filter(({ state }) => state === 'lost');
  const late = new Map<number, StoredName>();
  const room = { bytes: MAX_BYTES };
  if (lost.length === 0) return late;
  const renamed = Map.groupBy(
    objects.filter(({ name }) => SEGMENT.exec(name)?.[2] !== undefined),
    ({ name }) => Number(SEGMENT.exec(name)?.[1]),
  );
  for (const segment of lost) {
    const found = await firstWithDigest(store, segment, renamed.get(segment.number) ?? [], room);
    if (found !== undefined) late.set(segment.number, found);
  }
  return late;
}

async function firstWithDigest(
  store: CaseStore,
  { name, bytes, sha256 }: CommittedSegment,
  objects: readonly StoredName[],
  room: { bytes: number },
): Promise<StoredName | undefined> {
  const form = SEGMENT.exec(name)?.[3];
  const alike = objects.filter((object) => object.bytes === bytes && SEGMENT.exec(object.name)?.[3] === form);
  for (const object of alike.slice(0, MAX_OF_NUMBER)) {
    if (bytes > room.bytes) return undefined;
    room.bytes -= bytes;
    if ((await digestOf(store, object.name)) === sha256) return object;
  }
  return undefined;
}
