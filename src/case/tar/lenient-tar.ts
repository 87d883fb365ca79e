/** The tar stream of a damaged part: all that can be decompressed, and marks where something is missing. */
import { isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { streamFrame, unpackFrame, unzstdStream } from './decompress.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';
import { openAge, storedBytes, tarBytes } from './segment-bytes.ts';
import { zstdFrames, type ZstdFrame } from './zstd-frames.ts';

/** Bytes of unknown number are missing here. */
export class Gap {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Times that the next frame is looked for in one part. */
const MAX_RESYNCS = 1000;
/**
 * Bytes that are read for it, as a multiple of the part: frames nested in frames would have it read without end.
 */
const MAX_READ_AGAIN = 4;
const LEAST_READ_AGAIN = 16 * 1024 * 1024;
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** @throws AmberError only where the part cannot be read, or no identity opens it. */
export async function* lenientTar(
  capture: OpenCapture,
  part: CapturePart,
  identity: AgeIdentity | undefined,
): AsyncGenerator<Buffer | Gap> {
  if (part.packing === 'zstd' && !part.sealed) {
    yield* plainFrames(capture, part);
    return;
  }
  const stored = storedBytes(capture, part);
  try {
    if (part.packing === 'zstd') yield* frames(zstdFrames(openAge(stored, part, identity)));
    else yield* tarBytes(stored, part, identity);
  } catch (cause) {
    yield gap(cause);
  }
}

/** Behind a frame whose length is not to be trusted, the next one is looked for by its magic number. */
async function* plainFrames(capture: OpenCapture, part: CapturePart): AsyncGenerator<Buffer | Gap> {
  const start = part.range?.start ?? 0;
  const end = start + part.bytes;
  const spent = { bytes: 0 };
  const stored = (at: number): AsyncIterable<Uint8Array> =>
    counted(capture.store.read(part.object, { start: at, bytes: end - at }), spent);
  let from = start;
  for (let resyncs = 0; ; resyncs += 1) {
    const place = { start: 0 };
    try {
      yield* frames(zstdFrames(stored(from), place));
      return;
    } catch (cause) {
      const broken = from + place.start;
      const mark = gap(cause);
      yield* whatComes(stored(broken));
      yield mark;
      if (resyncs === MAX_RESYNCS || spent.bytes > MAX_READ_AGAIN * part.bytes + LEAST_READ_AGAIN) {
        yield new Gap(
          `It is damaged in ${resyncs + 1} places; what comes behind byte ${broken} of ${part.object} is not ` +
            'looked through any further.',
        );
        return;
      }
      const next = await findMagic(stored(broken + 1), broken + 1);
      if (next === undefined) return;
      from = next;
    }
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, spent: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    spent.bytes += chunk.length;
    yield chunk;
  }
}

async function* frames(source: AsyncIterable<ZstdFrame>): AsyncGenerator<Buffer | Gap> {
  for await (const frame of source) {
    try {
      const unpacked = 'whole' in frame ? await unpackFrame(frame).catch(() => streamFrame(frame)) : streamFrame(frame);
      if (Buffer.isBuffer(unpacked)) yield unpacked;
      else yield* unpacked;
    } catch (cause) {
      yield gap(cause);
    }
  }
}

/** The beginning of a frame that is cut. The decompressor stops by itself at the end of the frame, or with an error. */
async function* whatComes(stored: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    yield* unzstdStream(stored);
  } catch (cause) {
    gap(cause); // only damage is expected here, and it is told by the caller
  }
}

async function findMagic(stored: AsyncIterable<Uint8Array>, from: number): Promise<number | undefined> {
  let at = from;
  let carry = Buffer.alloc(0);
  for await (const chunk of stored) {
    const window = Buffer.concat([carry, chunk]);
    const found = window.indexOf(MAGIC);
    if (found >= 0) return at - carry.length + found;
    at += chunk.length;
    carry = window.subarray(-(MAGIC.length - 1));
  }
  return undefined;
}

/** @throws what is no damage. */
function gap(cause: unknown): Gap {
  if (!isAmberError(cause) || cause.code !== 'ARCHIVE_CORRUPT') throw cause;
  return new Gap(cause.message);
}
