/**
 * Takes a zstd stream apart into frames (RFC 8878 section 3.1) by walking block headers, without decompressing anything.
 * Node's decompressor stops in silence after the first frame, and a capture is a run of frames.
 */
import { AmberError } from '../errors.ts';
import { ByteQueue } from './byte-queue.ts';

const MAGIC = 0xfd2fb528;
/** Skippable frames, section 3.1.2: sixteen magic numbers. */
const SKIPPABLE = 0x184d2a50;
/** Block_Maximum_Size, section 3.1.1.2.4. */
export const BLOCK_MAX: number = 128 * 1024;

/** One frame: its bytes piece by piece. Drain `pieces` before you ask for the next frame. */
export interface ZstdFrame {
  /** The whole frame, where it is small in both forms. */
  readonly whole?: Buffer;
  /** Otherwise its bytes, read on demand. */
  readonly pieces?: AsyncIterable<Buffer>;
}

/** Compressed bytes and blocks up to which a frame is handed over in one piece: at most 8 MiB of content. */
const SMALL_BYTES = 8 * 1024 * 1024;
const SMALL_BLOCKS = 64;

/**
 * Yields frame after frame; `place.start` is where in the source the frame in hand begins.
 *
 * @throws AmberError ARCHIVE_CORRUPT where the bytes are no frame, or end inside of one.
 */
export async function* zstdFrames(source: AsyncIterable<Uint8Array>, place: { start: number } = { start: 0 }): AsyncGenerator<ZstdFrame> {
  const queue = new ByteQueue(source);
  try {
    while (await queue.more()) {
      place.start = queue.position;
      yield* oneFrame(walkFrame(queue));
    }
  } finally {
    await queue.close();
  }
}

/** Nothing for a skippable frame. */
async function* oneFrame(walk: AsyncGenerator<Piece, void>): AsyncGenerator<ZstdFrame> {
  const held: Buffer[] = [];
  let bytes = 0;
  let step = await walk.next();
  for (let blocks = 0; step.done !== true && bytes <= SMALL_BYTES && blocks <= SMALL_BLOCKS; step = await walk.next()) {
    held.push(step.value.bytes);
    bytes += step.value.bytes.length;
    blocks += step.value.startsBlock ? 1 : 0;
  }
  if (step.done === true) {
    if (bytes > 0) yield { whole: held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held) };
    return;
  }
  yield { pieces: rest(held, step.value.bytes, walk) };
  while ((await walk.next()).done !== true); // what the reader left
}

async function* rest(held: readonly Buffer[], next: Buffer, walk: AsyncGenerator<Piece, void>): AsyncGenerator<Buffer> {
  yield* held;
  yield next;
  for await (const piece of walk) yield piece.bytes;
}

interface Piece {
  readonly bytes: Buffer;
  readonly startsBlock: boolean;
}

/** The bytes of one frame; nothing for a skippable one. */
async function* walkFrame(queue: ByteQueue): AsyncGenerator<Piece, void> {
  const magic = (await queue.take(4)).readUInt32LE(0);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    await queue.skip((await queue.take(4)).readUInt32LE(0));
    return;
  }
  if (magic !== MAGIC) throw new AmberError('ARCHIVE_CORRUPT', `There is no zstd frame at byte ${queue.position - 4}.`);
  const descriptor = await queue.take(1);
  const flags = descriptor[0] ?? 0;
  const header = Buffer.alloc(4);
  header.writeUInt32LE(MAGIC, 0);
  yield { bytes: Buffer.concat([header, descriptor, await queue.take(headerRest(flags))]), startsBlock: false };
  for (let last = false; !last; ) {
    const head = await queue.take(3);
    const word = head.readUIntLE(0, 3);
    last = (word & 1) === 1;
    const kind = (word >> 1) & 3;
    const size = word >> 3;
    if (kind === 3 || size > BLOCK_MAX) throw new AmberError('ARCHIVE_CORRUPT', `A zstd block before byte ${queue.position} is damaged.`);
    yield { bytes: head, startsBlock: true };
    for (let left = kind === 1 ? 1 : size; left > 0; ) {
      const bytes = await queue.some(left);
      left -= bytes.length;
      yield { bytes, startsBlock: false };
    }
  }
  if ((flags & 4) !== 0) yield { bytes: await queue.take(4), startsBlock: false };
}

/** Bytes of the frame header behind its descriptor, section 3.1.1.1. */
function headerRest(flags: number): number {
  const single = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const content = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  return (single ? 0 : 1) + dictionary + content;
}
