/**
 * A capture as far as a listing tells of it, without its bytes: names and sizes against manifest.json. `amber verify`
 * compares digests.
 */
import { many } from '../../many.ts';
import type { CaptureManifest, CommittedSegment } from '../../seal/commit.ts';
import { isPart, JOINED, joinedName, SEGMENT } from './object-names.ts';
import type { StoredName } from './store.ts';

export interface ListedParts {
  /** Segments that are not there, or are empty: named in manifest.json, or a gap in the numbers. */
  readonly missing: readonly number[];
  /** manifest.json calls them stored, and they are not there: somebody has removed them. */
  readonly removed: readonly number[];
  /** What contradicts manifest.json, one sentence each. */
  readonly problems: readonly string[];
}

const MAX_GAPS = 10_000;
const MAX_TOLD = 10;
type Segments = readonly CommittedSegment[];

export function listedParts(manifest: CaptureManifest, objects: readonly StoredName[]): ListedParts {
  const { segments, recipient, compression, state } = manifest;
  const filled = new Map(objects.flatMap((object) => (object.bytes === 0 ? [] : [[object.name, object] as const])));
  const lost = segments.filter((segment) => segment.state === 'lost');
  const kept = segments.filter((segment) => segment.state !== 'lost');
  const file = recipient === null ? filled.get(joinedName(compression)) : undefined;
  const joined = file === undefined ? [] : inJoined(file.bytes, kept, filled);
  const left = new Set(kept.filter((segment) => !joined.includes(segment)));
  const used = new Set(joined.length > 0 || recipient !== null ? [joinedName(compression)] : []);
  const problems: string[] = [];
  const missing: CommittedSegment[] = [];
  for (const segment of segments) {
    if (joined.includes(segment)) continue;
    const object = filled.get(segment.name) ?? (left.has(segment) ? undefined : late(segment, filled));
    if (object === undefined) missing.push(segment);
    else {
      used.add(object.name);
      if (object.bytes !== segment.bytes) problems.push(otherSize(object, segment.bytes));
    }
  }
  const size = sum(joined);
  if (file !== undefined && joined.length > 0 && file.bytes !== size) problems.push(otherSize(file, size));
  if (lost.length > 0 !== (state === 'cut'))
    problems.push(`manifest.json says ${state}, and that ${many(lost.length, 'segment was', 'segments were')} lost`);
  // A directory that failed to append the first segment leaves the file empty. One that is named is told as missing.
  const isExpectedEmpty = (name: string): boolean =>
    segments.some((segment) => segment.name === name) || (lost.length > 0 && name === joinedName(compression));
  for (const { name, bytes } of objects)
    if (isPart(name) && bytes > 0 && !used.has(name)) problems.push(`${name} does not belong`);
    else if (isPart(name) && bytes === 0 && !isExpectedEmpty(name)) problems.push(`${name} is empty`);
  return {
    missing: missing.map(({ number }) => number),
    removed: missing.filter((segment) => segment.state !== 'lost').map(({ number }) => number),
    problems: bounded(problems),
  };
}

/** Segments that the joined file holds: all, or those that are nowhere else in their size. */
function inJoined(size: number, kept: Segments, filled: ReadonlyMap<string, StoredName>): Segments {
  const elsewhere = kept.filter(({ name, bytes }) => filled.get(name)?.bytes !== bytes);
  if (elsewhere.length === 0) return [];
  for (const segments of [kept, elsewhere]) if (sum(segments) === size) return segments;
  return kept.filter(({ name }) => !filled.has(name));
}

/** Called lost, and stored after the commit under a name with digits. */
function late(
  { number, bytes, name }: CommittedSegment,
  filled: ReadonlyMap<string, StoredName>,
): StoredName | undefined {
  const form = SEGMENT.exec(name)?.[3];
  return [...filled.values()].find((object) => {
    const [, digits, second, suffix] = SEGMENT.exec(object.name) ?? [];
    return Number(digits) === number && second !== undefined && suffix === form && object.bytes === bytes;
  });
}

/** Without manifest.json: numbers that no object has, and objects that cannot all be of one capture. */
export function listedAlone(objects: readonly StoredName[]): ListedParts {
  const filled = objects.filter(({ name, bytes }) => isPart(name) && bytes > 0);
  const numbers = new Set(filled.map(({ name }) => numberOf(name)));
  const last = Math.max(-1, ...[...numbers].filter((number) => number !== undefined));
  const missing: number[] = [];
  for (let number = 0; number < last && missing.length < MAX_GAPS; number += 1)
    if (!numbers.has(number)) missing.push(number);
  const forms = new Set(filled.map(({ name }) => SEGMENT.exec(name)?.[3] ?? name));
  const problems =
    numbers.size < filled.length || forms.size > 1
      ? [`${many(filled.length, 'object has a name', 'objects have names')} of a segment, and not all are of one form`]
      : [];
  return { missing: filled.some(({ name }) => JOINED.test(name)) ? [] : missing, removed: [], problems };
}

function numberOf(name: string): number | undefined {
  const digits = SEGMENT.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const sum = (segments: Segments): number => segments.reduce((total, { bytes }) => total + bytes, 0);

function otherSize({ name, bytes }: StoredName, said: number): string {
  return `${name} has ${many(bytes, 'byte')}, manifest.json says ${said}`;
}

function bounded(problems: readonly string[]): readonly string[] {
  const more = problems.length - MAX_TOLD;
  return more > 0 ? [...problems.slice(0, MAX_TOLD), `and ${more} more`] : problems;
}
