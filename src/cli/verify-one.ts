/** One verification for a command: with a meter, and the log that was named. */
import type { LogIndex } from '../case/log/lines.ts';
import type { OpenCapture } from '../case/store/open.ts';
import type { TrailObjects } from '../case/verify/trail-objects.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import { AmberError } from '../errors.ts';
import type { S3ReadOptions } from '../ship/s3-read.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import type { Output } from './output.ts';
import { many } from '../many.ts';

export interface VerifyMeans {
  readonly identity: AgeIdentity | undefined;
  readonly log: LogIndex | undefined;
  readonly trail?: TrailObjects | undefined;
}

/** @throws AmberError USAGE where several captures would be held against standard input. */
export function demandFile(logPath: string | undefined): void {
  if (logPath === '-')
    throw new AmberError(
      'USAGE',
      'The log of several captures is a file or a folder: give --log FILE, not standard input.',
    );
}

/**
 * The log that --log names, read once: a file in any form, a folder of an export, or `-`. `wanted` are kept whatever
 * else is in it.
 *
 * @throws AmberError CASE_* where it is not there or may not be read.
 */
export async function logOption(
  path: string | undefined,
  wanted: Iterable<string>,
  out: Output,
): Promise<LogIndex | undefined> {
  if (path === undefined) return undefined;
  const { readLogIndex } = await import('../case/log/lines.ts');
  const { malformedText } = await import('../case/log/malformed.ts');
  const { logFiles } = await import('../case/log/source.ts');
  const index = await readLogIndex(logFiles(path), wanted);
  for (const reason of index.notRead) out.note(`${path}: not read: ${reason}`);
  if (index.malformed > 0) out.note(`PROBLEM: ${path}: ${malformedText(index.malformed)}`);
  return index;
}

export interface Collected {
  readonly location: string;
  readonly s3: S3ReadOptions;
}

/**
 * What the collection tells of the objects of these captures: those that are stored, and those that the log names. One
 * that is damaged keeps nothing from being verified.
 *
 * @throws AmberError CASE_*, IDENTITY_INVALID where it cannot be reached or opened.
 */
export async function trailOption(
  collected: Collected | undefined,
  { stored, log }: { readonly stored: Iterable<string>; readonly log: LogIndex | undefined },
  identity: AgeIdentity | undefined,
  out: Output,
): Promise<TrailObjects | undefined> {
  if (collected === undefined) return undefined;
  const { openPlace } = await import('../case/store/locate.ts');
  const { readTrailObjects } = await import('../case/verify/trail-objects.ts');
  const { noCollection } = await import('../case/verify/no-collection.ts');
  const place = await openPlace(collected.location, collected.s3);
  try {
    const asked = { stored: new Set(stored), others: new Set(log?.ids()) };
    const read = await readTrailObjects(place, identity, asked);
    const trail = read.calls > 0 || read.notRead !== undefined ? read : { ...read, notRead: await noCollection(place) };
    const { location } = collected;
    if (trail.notRead !== undefined) out.note(`${location}: not read: ${trail.notRead}`);
    else if (trail.calls === 0) {
      out.note(
        `${location}: there are no data events of S3 on objects of these captures: the trail logs none, or ` +
          '`amber collect` ran without --trail.',
      );
    }
    if (trail.leftOut > 0)
      out.note(
        `PROBLEM: ${many(trail.leftOut, 'data event of S3 was', 'data events of S3 were')} too many to keep: an ` +
          `intruder may have flooded the bucket.`,
      );
    return trail;
  } finally {
    place.close();
  }
}

/** @throws AmberError CASE_* where the capture cannot be reached. */
export async function verifyOne(
  capture: OpenCapture,
  { identity, log, trail }: VerifyMeans,
  out: Output,
): Promise<VerifyResult> {
  const { verifyCapture } = await import('../case/verify/verify.ts');
  const meter = out.meter('verifying');
  try {
    return await verifyCapture(capture, {
      identity,
      trail,
      onProgress: meter.update,
      ...(log === undefined ? {} : { log: () => Promise.resolve(log) }),
    });
  } finally {
    meter.end();
  }
}
