/**
 * One joined file of which no manifest.json tells the segments. The lines of the log have the size and the digest of
 * each. So the file is cut at these sizes, and every piece is compared.
 */
import { many } from '../../many.ts';
import type { LogDigests, LoggedSegment } from '../log/lines.ts';
import { saidIn } from '../log/statement.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';
import { digestOf } from '../store/part.ts';
import { ABSENT } from './given-log.ts';

export interface JoinedInLog {
  /** Segments that have the digest of the log. */
  readonly anchored: number;
  readonly problems: readonly string[];
  /** What of the file was not compared, and why; empty where nothing was left. */
  readonly rest: string;
}

type Segments = readonly (readonly [number, LoggedSegment])[];

/** Undefined where the segments of the capture are known by manifest.json or by their names. */
export async function joinedInLog(capture: OpenCapture, log: LogDigests | undefined): Promise<JoinedInLog | undefined> {
  const [part, ...others] = capture.parts;
  if (log === undefined || part === undefined || part.number !== undefined || others.length > 0) return undefined;
  const segments: Segments = [...log.segments].sort(([one], [other]) => one - other);
  if (segments.length === 0) return undefined;
  const isSealed = segments.every(([, { objects }]) => [...objects].every((name) => name.endsWith('.age')));
  if (isSealed && !part.sealed)
    return { anchored: 0, problems: [], rest: `the log has the digests of age files, and ${part.object} is none` };
  return walk(capture, part, segments);
}

async function walk(capture: OpenCapture, part: CapturePart, segments: Segments): Promise<JoinedInLog> {
  const problems: string[] = [];
  let [anchored, start, next] = [0, 0, 0];
  for (const [number, logged] of segments) {
    if (number !== next)
      return { anchored, problems, rest: `segment ${number} has no known place: the log has no line of ${next}` };
    const bytes = sizeOf(logged);
    if (bytes === undefined)
      return { anchored, problems, rest: `segment ${number} has no known place: the log has no one size of it` };
    next += 1;
    const found = await compareAt(capture, part, { number, logged, start, bytes });
    if (found.state === 'same') anchored += 1;
    else if (found.state === 'differs') problems.push(found.text);
    if (found.state !== 'elsewhere') start += bytes;
  }
  const left = part.bytes - start;
  return { anchored, problems, rest: left > 0 ? `the log has no line of the last ${many(left, 'byte')}` : '' };
}

function sizeOf({ says }: LoggedSegment): number | undefined {
  const sizes = new Set([...says].map((line) => saidIn('segment', line, 'bytes')));
  const [text = ''] = sizes;
  const bytes = Number(text);
  return sizes.size === 1 && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

interface Place {
  readonly number: number;
  readonly logged: LoggedSegment;
  readonly start: number;
  readonly bytes: number;
}

type Compared = { readonly state: 'same' | 'elsewhere' } | { readonly state: 'differs'; readonly text: string };

async function compareAt(
  { store, unexpectedObjects }: OpenCapture,
  { object, bytes: size }: CapturePart,
  { number, logged, start, bytes }: Place,
): Promise<Compared> {
  const said = [...logged.sha256].join(' or ');
  const end = start + bytes;
  const sha256 = end > size ? undefined : await digestOf(store, object, { start, bytes });
  if (sha256 !== undefined && logged.sha256.has(sha256)) return { state: 'same' };
  // A directory does not append what was lost, and keeps apart what came too late for its place.
  if (!logged.stored || unexpectedObjects.some((one) => logged.objects.has(one.object))) return { state: 'elsewhere' };
  const [name = 'no name'] = logged.objects;
  const text =
    start >= size
      ? `segment ${number} (${name}, SHA-256 ${said}) ${ABSENT}`
      : sha256 === undefined
        ? `segment ${number} is cut: ${object} ends at byte ${size}, the log says that the segment ends at ${end}`
        : `segment ${number}, bytes ${start} to ${end} of ${object}, is ${sha256}, the log says ${said}`;
  return { state: 'differs', text };
}
