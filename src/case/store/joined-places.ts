/**
 * Which segments stand in the joined file. Nobody who writes into the folder can make bytes of another digest, so the
 * digests decide where the names allow both.
 */
import type { CommittedSegment } from '../../seal/commit.ts';
import { digestOf } from './part.ts';
import type { CaseStore, Range, StoredName } from './store.ts';

export interface JoinedFile {
  readonly store: CaseStore;
  readonly joined: StoredName;
  /** Those that were stored, in order. */
  readonly segments: readonly CommittedSegment[];
  /** Objects under names of their own, by number. */
  readonly apart: ReadonlyMap<number, StoredName>;
}

/** Ranges of the joined file, by number of the segment. */
export async function placesInJoined(file: JoinedFile): Promise<ReadonlyMap<number, Range>> {
  const { segments, apart } = file;
  if (segments.every(({ number }) => !apart.has(number))) return inARow(file);
  return (await allApart(file)) ? new Map() : walk(file);
}

/** Nothing else claims to be a segment: the file is what is there of them. */
function inARow({ joined, segments }: JoinedFile): ReadonlyMap<number, Range> {
  const places = new Map<number, Range>();
  let start = 0;
  for (const { number, bytes } of segments) {
    if (start < joined.bytes) places.set(number, { start, bytes: Math.min(bytes, joined.bytes - start) });
    start += bytes;
  }
  return places;
}

async function allApart({ store, segments, apart }: JoinedFile): Promise<boolean> {
  for (const { number, bytes } of segments) if (apart.get(number)?.bytes !== bytes) return false;
  for (const { number, sha256 } of segments)
    if ((await digestOf(store, apart.get(number)?.name ?? '')) !== sha256) return false;
  return true;
}

/** A directory appends segments in order, and keeps apart what came too late for its place. */
async function walk({ store, joined, segments, apart }: JoinedFile): Promise<ReadonlyMap<number, Range>> {
  const places = new Map<number, Range>();
  let start = 0;
  let known = false;
  for (const [index, segment] of segments.entries()) {
    const { number, bytes, sha256 } = segment;
    const left = joined.bytes - start;
    if (left <= 0) break;
    const object = apart.get(number);
    const range = { start, bytes: Math.min(bytes, left) };
    const same = range.bytes === bytes && (await digestOf(store, joined.name, range)) === sha256;
    known ||= same;
    const isHere =
      same || (await isChanged({ store, segment, object, known, fits: fits(segments.slice(index), apart, left) }));
    if (!isHere) continue;
    places.set(number, range);
    start += bytes;
  }
  return places;
}

/** The rest of the file has the size of all segments that are left, or of those that are nowhere else. */
function fits(rest: readonly CommittedSegment[], apart: ReadonlyMap<number, StoredName>, left: number): boolean {
  const sum = (segments: readonly CommittedSegment[]): number =>
    segments.reduce((total, { bytes }) => total + bytes, 0);
  return sum(rest) === left || sum(rest.filter(({ number }, index) => index === 0 || !apart.has(number))) === left;
}

interface Changed {
  readonly store: CaseStore;
  readonly segment: CommittedSegment;
  readonly object: StoredName | undefined;
  /** A segment before it was found in the file. */
  readonly known: boolean;
  readonly fits: boolean;
}

/** The bytes at its place have another digest: whether they are what became of it, or it never stood there. */
async function isChanged({ store, segment, object, known, fits }: Changed): Promise<boolean> {
  if (object === undefined) return known || fits;
  if (object.bytes !== segment.bytes) return known || fits;
  return fits && (await digestOf(store, object.name)) !== segment.sha256;
}
