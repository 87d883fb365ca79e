/** Captures that the log names and that are not stored where they should be. */
import type { LogDigests, LogIndex } from './lines.ts';
import type { TrailObjects } from '../verify/trail-objects.ts';

export interface AbsentCapture {
  readonly captureId: string;
  /** `not-found`: a part of the place was not read, or a link not followed, and it may lie there. */
  readonly state: 'not-stored' | 'not-found';
  /** Segments that were stored, as the log says. */
  readonly segments: number;
  /** SHA-256 of manifest.json, as the log says. */
  readonly manifest: readonly string[];
  readonly locations: readonly string[];
  /** What a trail tells of its objects, in words. */
  readonly trail?: string | undefined;
}

/** What the trail says of an object that was deleted; of others it says that they were stored. */
const DELETED = ' was deleted at ';

export interface Absent {
  /** Those of which the log tells most come first. */
  readonly captures: readonly AbsentCapture[];
  /** Stored in the same bucket outside of the place that was looked at. */
  readonly elsewhere: number;
  /** Lines of captures that were too many to keep. */
  readonly leftOut: number;
}

export interface Looked {
  readonly location: string;
  /** Ids that were found there. */
  readonly seen: ReadonlySet<string>;
  /** A part of it was not read, or a link not followed: nobody has seen what is in it. */
  readonly isPartial: boolean;
  readonly trail?: TrailObjects | undefined;
}

export function absentCaptures(index: LogIndex, { location, seen, isPartial, trail }: Looked): Absent {
  const captures: AbsentCapture[] = [];
  let elsewhere = 0;
  for (const captureId of index.ids()) {
    const log = seen.has(captureId) ? undefined : index.of(captureId);
    if (log?.stored !== true) continue;
    if (isElsewhere(log, location)) elsewhere += 1;
    else captures.push(absentCapture(captureId, log, { isPartial, trail }));
  }
  // A line is cheap to forge. A capture that is told of to its end costs a little more, and is what an operator asks
  // for.
  const rank = ({ manifest, segments }: AbsentCapture): number => (manifest.length > 0 ? 1_000_000 : 0) + segments;
  return { captures: captures.sort((one, other) => rank(other) - rank(one)), elsewhere, leftOut: index.leftOut };
}

export function absentCapture(
  captureId: string,
  { segments, manifest, locations }: LogDigests,
  { isPartial, trail }: Pick<Looked, 'isPartial' | 'trail'>,
): AbsentCapture {
  const fate = trail?.capture(captureId);
  const isGone = !isPartial || fate?.includes(DELETED) === true;
  const stored = [...segments.values()].filter((segment) => segment.stored).length;
  return {
    captureId,
    state: isGone ? 'not-stored' : 'not-found',
    segments: stored,
    manifest: [...manifest],
    locations: [...locations],
    trail: isGone ? fate : undefined,
  };
}

/** A part of the bucket was looked at, and the log says that it lies in another. */
function isElsewhere({ locations }: LogDigests, location: string): boolean {
  const [bucket] = /^s3:\/\/[^/]+\//u.exec(location) ?? [];
  if (bucket === undefined || locations.size === 0) return false;
  return [...locations].every((one) => one.startsWith(bucket) && !one.startsWith(location));
}
