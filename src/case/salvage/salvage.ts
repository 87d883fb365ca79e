/**
 * Reads what is left of a capture that was cut: past missing segments, damaged frames and a truncated end. It says of
 * every entry whether a manifest part confirms it, and of every path of the inventory that nothing is there of.
 */
import { many } from '../../many.ts';
import { hash } from 'node:crypto';
import { isAmberError, type AmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import type { Extractor } from '../tar/extract.ts';
import { Gap, lenientTar } from '../tar/lenient-tar.ts';
import { idInPath } from '../store/place.ts';
import { partNumber, readPart } from '../verify/manifest-part.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';
import { besideText } from '../store/run.ts';
import { TarReader } from '../tar/read-tar.ts';
import { SalvageContents, type SalvageRecord, type SalvageState } from './contents.ts';
import { SalvageStream } from './stream.ts';
import { isOurKey, storedBytes, tarBytes, wholeBytes } from '../tar/segment-bytes.ts';

export interface SalvageOptions {
  readonly identity?: AgeIdentity | undefined;
  /** Gets every entry that is found. */
  readonly extractor?: Extractor | undefined;
  /** Gets the bytes of segments that go on with a file whose beginning is not there. */
  readonly onFragment?: ((segment: number | undefined, bytes: Buffer) => void) | undefined;
  readonly onRecord: (record: SalvageRecord) => void;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A place where bytes are missing. */
export interface Hole {
  readonly segment: number | undefined;
  readonly reason: string;
}

export interface SalvageResult {
  readonly location: string;
  readonly captureId: string | undefined;
  readonly segments: number;
  /**
   * Segments that are not there; at the end there may be more, which nobody can know without manifest.json or the log.
   */
  readonly missing: readonly number[];
  /** What lies there and does not belong, or is not where its name says, in words. */
  readonly problem: string | undefined;
  readonly holes: readonly Hole[];
  readonly states: Readonly<Partial<Record<SalvageState, number>>>;
  /** Bytes of bodies whose beginning is not there. */
  readonly fragmentBytes: number;
  readonly manifestParts: readonly number[];
  /** Paths of the inventory, and how many of them nothing else tells of; `beyond` were too many to compare. */
  readonly inventory: { readonly listed: number; readonly unseen: number; readonly beyond: number };
  readonly notThere: () => Iterable<string>;
}

const MAX_HOLES = 1000;
/** Objects that do not belong and are read all the same: manifest.json may be forged to hide some of ours. */
const MAX_UNEXPECTED = 1000;

/** Rejects only where nothing of the capture can be read, no identity opens any of it, or the extractor fails. */
export async function salvage(capture: OpenCapture, options: SalvageOptions): Promise<SalvageResult> {
  const states: Partial<Record<SalvageState, number>> = {};
  const onRecord = (record: SalvageRecord): void => {
    states[record.state] = (states[record.state] ?? 0) + 1;
    options.onRecord(record);
  };
  const contents = new SalvageContents(
    onRecord,
    options.extractor,
    capture.manifest?.captureId ?? idInPath(capture.location),
  );
  let fragmentBytes = 0;
  const stream = new SalvageStream(contents, {
    fragment: (bytes) => {
      fragmentBytes += bytes.length;
      options.onFragment?.(contents.segment, bytes);
    },
  });
  const { own, doubles } = await partsOf(capture, options);
  const { holes, closed } = await readParts(capture, own, { stream, contents }, options);
  stream.finish();
  const beside = await readDoubles(capture, doubles, contents, { ...options, onRecord });
  const parts = [...own, ...doubles];
  closed.push(...beside.closed);
  if (closed[0] !== undefined && closed.length === parts.length && !isOurKey(capture, options.identity))
    throw closed[0];
  const { inventory } = contents;
  return {
    location: capture.location,
    captureId: capture.manifest?.captureId ?? contents.captureId,
    segments: own.length,
    missing: capture.missing,
    problem: besideText(capture),
    holes: [...holes, ...beside.holes, ...notLookedAt(capture), ...emptied(capture)],
    states,
    fragmentBytes,
    manifestParts: contents.parts,
    inventory: { listed: inventory.listed, unseen: inventory.unseen, beyond: inventory.beyond },
    notThere: () => inventory.missing(),
  };
}

interface Readers {
  readonly stream: SalvageStream;
  readonly contents: SalvageContents;
}

/** Puts every part through the stream. Gives the places where bytes are missing, and why parts could not be opened. */
async function readParts(
  capture: OpenCapture,
  parts: readonly CapturePart[],
  { stream, contents }: Readers,
  options: SalvageOptions,
): Promise<{ holes: readonly Hole[]; closed: AmberError[] }> {
  const holes: Hole[] = [];
  const progress = progressOf(parts, options);
  const closed: AmberError[] = [];
  let previous: CapturePart | undefined;
  let holed = false;
  for (const part of parts) {
    const follows = previous === undefined ? (part.number ?? 0) === 0 : part.number === (previous.number ?? -2) + 1;
    if (!follows) holed = true;
    stream.begin(part.number, {
      follows,
      continues: part.committed?.continues ?? (holed && (await isClosed(capture, part, options)) ? false : undefined),
      isPart: partTest(part, contents),
    });
    for await (const piece of oneOfMany(lenientTar(capture, part, options.identity), closed)) {
      if (!(piece instanceof Gap)) {
        stream.push(piece);
        continue;
      }
      if (holes.length < MAX_HOLES) holes.push({ segment: part.number, reason: piece.reason });
      holed = true;
      stream.gap();
    }
    stream.endSegment();
    progress(part);
    previous = part;
  }
  return { holes, closed };
}

function notLookedAt({ unexpectedObjects }: OpenCapture): readonly Hole[] {
  const more = unexpectedObjects.length - MAX_UNEXPECTED;
  return more > 0
    ? [
        {
          segment: undefined,
          reason: `${many(more, 'more foreign object was', 'more foreign objects were')} not looked at`,
        },
      ]
    : [];
}

/** Empty files in the place of a segment; beside an intact joined file they stand for nothing. */
function emptied({ parts, unexpectedObjects }: OpenCapture): readonly Hole[] {
  const empty = unexpectedObjects.filter(
    ({ bytes, number }) => bytes === 0 && !parts.some((part) => part.number === undefined || part.number === number),
  );
  return empty.slice(0, MAX_HOLES).map(({ number, object }) => ({ segment: number, reason: `${object} is empty` }));
}

interface OwnAndDoubles {
  readonly own: readonly CapturePart[];
  /** A second object for what another one holds. */
  readonly doubles: readonly CapturePart[];
}

/**
 * Segments that manifest.json does not name go on with the capture, for it may be forged to hide them. Where those that
 * it names close the tar stream, nothing can go on, and they are doubles.
 */
async function partsOf(capture: OpenCapture, options: SalvageOptions): Promise<OwnAndDoubles> {
  const { parts, unexpectedObjects, opened } = capture;
  const numbers = new Set(parts.map(({ number }) => number));
  const joined = numbers.has(undefined);
  const looked = unexpectedObjects.filter(({ bytes }) => bytes > 0).slice(0, MAX_UNEXPECTED);
  const unnamed: CapturePart[] = [];
  for (const part of looked) {
    if (joined || part.number === undefined || numbers.has(part.number)) continue;
    numbers.add(part.number);
    unnamed.push(part);
  }
  if (unnamed.length > 0 && (await isEnded(capture, options))) return { own: parts, doubles: looked };
  const own = [...parts, ...unnamed].sort((one, other) => (one.number ?? 0) - (other.number ?? 0));
  const taken = new Set(unnamed);
  const doubles = looked.filter((part) => !taken.has(part));
  return { own: own.length === 0 && opened !== undefined ? [opened] : own, doubles };
}

/** True if the parts read from the first one to the blocks that close the tar stream. */
async function isEnded(capture: OpenCapture, { identity }: SalvageOptions): Promise<boolean> {
  const reader = new TarReader({ entry: () => undefined, body: () => undefined, end: () => undefined });
  if (capture.parts.some(({ number }, index) => number !== index)) return false;
  return (await readOn(reader, wholeBytes(capture, identity))) && reader.ended;
}

/** False for what is damaged, or cannot be opened or read; anything else that is thrown goes on. */
async function readOn(reader: TarReader, chunks: AsyncIterable<Buffer>): Promise<boolean> {
  try {
    for await (const chunk of chunks) reader.push(chunk);
  } catch (cause) {
    if (!isAmberError(cause) || (cause.code !== 'ARCHIVE_CORRUPT' && !OF_ONE_PART.has(cause.code))) throw cause;
    return false;
  }
  return true;
}

/**
 * Every double alone, behind what belongs. Its manifest part confirms nothing: the maker of the object made
 * that as well. It is not unpacked.
 */
async function readDoubles(
  capture: OpenCapture,
  doubles: readonly CapturePart[],
  { captureId }: SalvageContents,
  options: SalvageOptions,
): Promise<{ holes: readonly Hole[]; closed: readonly AmberError[] }> {
  const holes: Hole[] = [];
  const closed: AmberError[] = [];
  for (const part of doubles) {
    const told = (record: SalvageRecord): void => {
      if (record.state !== 'lost')
        options.onRecord({ ...record, state: 'unlisted', detail: `in ${part.object}, which does not belong` });
    };
    const contents = new SalvageContents(told, undefined, captureId);
    const stream = new SalvageStream(contents, { fragment: () => undefined });
    const read = await readParts(capture, [part], { stream, contents }, { ...options, onProgress: undefined });
    stream.finish();
    holes.push(...read.holes);
    closed.push(...read.closed);
  }
  return { holes, closed };
}

/** What stops one part alone: it is an age file of somebody else, or nobody may read it. */
const OF_ONE_PART: ReadonlySet<string> = new Set(['IDENTITY_INVALID', 'CASE_DENIED', 'CASE_MISSING']);

/** A part that cannot be opened or read is a hole; `closed` hears of it. */
async function* oneOfMany(pieces: AsyncIterable<Buffer | Gap>, closed: AmberError[]): AsyncGenerator<Buffer | Gap> {
  try {
    yield* pieces;
  } catch (cause) {
    if (!isAmberError(cause) || !OF_ONE_PART.has(cause.code)) throw cause;
    closed.push(cause);
    yield new Gap(cause.message);
  }
}

/** True if the segment reads from its first byte to the manifest part that closes it. */
async function isClosed(capture: OpenCapture, part: CapturePart, { identity }: SalvageOptions): Promise<boolean> {
  let last: string | undefined;
  const reader = new TarReader({ entry: ({ path }) => (last = path), body: () => undefined, end: () => undefined });
  if (!(await readOn(reader, tarBytes(storedBytes(capture, part), part, identity)))) return false;
  return reader.atBorder && last !== undefined && partNumber(last) === part.number;
}

/** By the digest that manifest.json has; without it, by the id of the capture, which was not known before it began. */
function partTest({ committed, number }: CapturePart, contents: SalvageContents): (body: Buffer) => boolean {
  if (committed !== undefined) return (body) => hash('sha256', body, 'hex') === committed.chainHead;
  return (body) => {
    let ours = false;
    readPart({
      header: ({ capture, segment }) =>
        (ours = segment === number && (contents.captureId === undefined || capture === contents.captureId)),
      item: () => undefined,
      problem: () => undefined,
    }).push(body.subarray(0, body.indexOf(0x0a) + 1));
    return ours;
  };
}

function progressOf(parts: readonly CapturePart[], { onProgress }: SalvageOptions): (part: CapturePart) => void {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  return (part) => {
    done += part.bytes;
    onProgress?.(done, total);
  };
}
