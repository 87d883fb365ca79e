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
const BLOCK_MAX = 128 * 1024;

/** One frame, in memory of its own: the chunks of the source may be used again. Drain `pieces` before you ask for the next frame. */
export type ZstdFrame =
  /** All of its bytes: it is small in both forms. The buffer is nobody else's. */
  | { readonly whole: Buffer }
  /** Its bytes, read on demand. */
  | { readonly pieces: AsyncIterable<Buffer> }
  /** It stands for so many zeros: what the archive writes for the holes of a file. */
  | { readonly zeros: number };

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
  let likely = LEAST_ROOM;
  try {
    while (await queue.more()) {
      place.start = queue.position;
      const frame: Walk = { zeros: 0, blocks: 0, likely };
      yield* oneFrame(frame, walkFrame(queue, frame));
      likely = frame.likely;
    }
  } finally {
    await queue.close();
  }
}

interface Walk {
  /** Zeros in all blocks so far; NaN once anything else was seen. */
  zeros: number;
  blocks: number;
  /** Bytes that a frame is expected to have: those of the one before. */
  likely: number;
}

/** Nothing for a skippable frame. */
async function* oneFrame(frame: Walk, walk: AsyncGenerator<Buffer, void>): AsyncGenerator<ZstdFrame> {
  const held = new Gathered(frame.likely);
  let step = await walk.next();
  for (; step.done !== true && held.size <= SMALL_BYTES && (frame.blocks <= SMALL_BLOCKS || frame.zeros > 0); step = await walk.next()) held.add(step.value);
  if (step.done !== true) {
    yield { pieces: rest(held.bytes, step.value, walk) };
    while ((await walk.next()).done !== true); // what the reader left
  } else if (frame.zeros > 0) yield { zeros: frame.zeros };
  else if (held.size > 0) {
    frame.likely = held.size;
    yield { whole: held.bytes };
  }
}

const LEAST_ROOM = 64 * 1024;

/** Bytes put together, in a buffer of about the right size. */
class Gathered {
  #buffer: Buffer;
  size = 0;

  constructor(likely: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(LEAST_ROOM, likely + likely / 8));
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.size);
  }

  add(piece: Buffer): void {
    const end = this.size + piece.length;
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.size);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.size);
    this.size = end;
  }
}

async function* rest(held: Buffer, next: Buffer, walk: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer> {
  yield held;
  yield Buffer.from(next);
  for await (const piece of walk) yield Buffer.from(piece);
}

/** The bytes of one frame; nothing for a skippable one. */
async function* walkFrame(queue: ByteQueue, frame: Walk): AsyncGenerator<Buffer, void> {
  const magic = await queue.take(4);
  const word = magic.readUInt32LE(0);
  if ((word & 0xfffffff0) >>> 0 === SKIPPABLE) {
    await queue.skip((await queue.take(4)).readUInt32LE(0));
    return;
  }
  if (word !== MAGIC) throw new AmberError('ARCHIVE_CORRUPT', `There is no zstd frame at byte ${queue.position - 4}.`);
  yield magic;
  const descriptor = await queue.take(1);
  const flags = descriptor[0] ?? 0;
  yield descriptor;
  yield await queue.take(headerRest(flags));
  while (!(yield* walkBlock(queue, frame)));
  if ((flags & 4) === 0) return;
  frame.zeros = Number.NaN; // the checksum is for the decompressor to compare
  yield await queue.take(4);
}

/** True behind the last block. */
async function* walkBlock(queue: ByteQueue, frame: Walk): AsyncGenerator<Buffer, boolean> {
  const head = await queue.take(3);
  const word = head.readUIntLE(0, 3);
  const kind = (word >> 1) & 3;
  const size = word >> 3;
  if (kind === 3 || size > BLOCK_MAX) throw new AmberError('ARCHIVE_CORRUPT', `A zstd block before byte ${queue.position} is damaged.`);
  frame.blocks += 1;
  if (kind !== 1) frame.zeros = Number.NaN;
  yield head;
  for (let left = kind === 1 ? 1 : size; left > 0; ) {
    const bytes = await queue.some(left);
    if (kind === 1) frame.zeros += bytes[0] === 0 ? size : Number.NaN;
    left -= bytes.length;
    yield bytes;
  }
  return (word & 1) === 1;
}

/** Bytes of the frame header behind its descriptor, section 3.1.1.1. */
function headerRest(flags: number): number {
  const single = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const content = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  return (single ? 0 : 1) + dictionary + content;
}
