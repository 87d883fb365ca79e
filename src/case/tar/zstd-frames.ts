/**
 * Takes a zstd stream apart into frames (RFC 8878 section 3.1), because Node's decompressor stops in silence after the
 * first one, and a capture is a run of frames. Small frames come out decompressed, many in a piece: a call of the
 * decompressor for each of a million empty ones would take minutes.
 */
import zlib from 'node:zlib';
import { AmberError } from '../../errors.ts';
import { BLOCK_MAX, FrameWalk, isUsualHeader, plainContent } from './zstd-walk.ts';

/**
 * One frame, in memory of its own: the chunks of the source may be used again. Drain `pieces` before you ask for the
 * next frame.
 */
export type ZstdFrame =
  /** The content of one small frame, or of several that follow each other. */
  | { readonly content: Buffer }
  /** All of its bytes: it is small in both forms. The buffer is nobody else's. */
  | { readonly whole: Buffer }
  /** Its bytes, read on demand. */
  | { readonly pieces: AsyncIterable<Buffer> }
  /** It stands for a run of zeros: what the archive writes for the holes of a file. */
  | { readonly zeros: number };

/** Compressed bytes and blocks up to which a frame is handed over in one piece: at most 8 MiB of content. */
const SMALL_BYTES = 8 * 1024 * 1024;
const SMALL_BLOCKS = 64;
/** Compressed bytes and content up to which a frame is decompressed at once: less work than to hand it to a thread. */
const TINY_BYTES = 8 * 1024;
const TINY_CONTENT = 2 * BLOCK_MAX;
/** Zeros from which on it is less work to say how many they are. */
const LEAST_ZEROS = 64 * 1024;
/** Content of tiny frames that is gathered. */
const GATHERED = 512 * 1024;
/** A frame may ask for a window of 32 MiB and no more (our own ask for 1): memory that a hostile header costs us. */
export const WINDOW_LOG_MAX = 25;

/**
 * Yields frame after frame; `place.start` is where in the source the frame in hand begins.
 *
 * @throws AmberError ARCHIVE_CORRUPT where the bytes are no frame, or end inside of one.
 */
export async function* zstdFrames(
  source: AsyncIterable<Uint8Array>,
  place: { start: number } = { start: 0 },
): AsyncGenerator<ZstdFrame> {
  const at = new Cursor(source[Symbol.asyncIterator]());
  const tiny = new Tiny();
  let likely = LEAST_ROOM;
  try {
    while (at.has || (await at.more())) {
      place.start = at.position;
      const walk = new FrameWalk(at.position);
      const first = walkOrKeep(at, walk);
      if (first instanceof AmberError) {
        yield* tiny.flush();
        throw first;
      }
      if (walk.ended && tiny.take(first, walk)) {
        if (tiny.isFull) yield* tiny.flush();
        continue;
      }
      yield* tiny.flush();
      likely = yield* oneFrame(at, walk, first, likely);
    }
    yield* tiny.flush();
  } finally {
    await at.close();
  }
}

/**
 * The bytes of the frame in the chunk in hand; an error is kept, because content of frames before it may still wait.
 */
function walkOrKeep(at: Cursor, walk: FrameWalk): Buffer | AmberError {
  try {
    return at.take(walk);
  } catch (cause) {
    if (cause instanceof AmberError) return cause;
    throw cause;
  }
}

/** Bytes of a stream, a chunk at a time. */
class Cursor {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bytes taken so far. */
  position = 0;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  /** True if there is a byte in the chunk in hand. */
  get has(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** True if there is at least one byte more. */
  async more(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      this.#at = 0;
    }
    return true;
  }

  /** Bytes of the frame in this chunk, not copied: good until `more`. */
  take(walk: FrameWalk): Buffer {
    const end = walk.take(this.#chunk, this.#at);
    const piece = this.#chunk.subarray(this.#at, end);
    this.position += piece.length;
    this.#at = end;
    return piece;
  }

  /** The next bytes of a frame that has not ended. @throws AmberError ARCHIVE_CORRUPT where there are none. */
  async next(walk: FrameWalk): Promise<Buffer> {
    if (await this.more()) return this.take(walk);
    throw new AmberError(
      'ARCHIVE_CORRUPT',
      `The compressed data ends in the middle of a frame, at byte ${this.position}.`,
      { details: { position: this.position } },
    );
  }

  /** Ends the source early. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

/** Gives the size of the frame, where it was kept in one piece. */
async function* oneFrame(
  at: Cursor,
  walk: FrameWalk,
  first: Buffer,
  likely: number,
): AsyncGenerator<ZstdFrame, number> {
  const held = new Gathered(walk.ended ? first.length : Math.max(first.length, likely));
  held.add(first);
  while (!walk.ended && isSmall(held, walk)) held.add(await at.next(walk));
  if (walk.skippable) {
    while (!walk.ended) await at.next(walk);
    return likely;
  }
  if (walk.ended && walk.zeros > 0) yield { zeros: walk.zeros };
  else if (walk.ended && isSmall(held, walk)) {
    yield { whole: held.bytes };
    return held.size;
  } else {
    yield { pieces: rest(held.bytes, at, walk) };
    while (!walk.ended) await at.next(walk); // what the reader left
  }
  return likely;
}

function isSmall(held: Gathered, walk: FrameWalk): boolean {
  return !walk.skippable && held.size <= SMALL_BYTES && (walk.blocks <= SMALL_BLOCKS || walk.zeros > 0);
}

async function* rest(held: Buffer, at: Cursor, walk: FrameWalk): AsyncGenerator<Buffer> {
  yield held;
  while (!walk.ended) yield Buffer.from(await at.next(walk));
}

const LEAST_ROOM = 64 * 1024;

/** Bytes put together, in a buffer of about the right size. */
class Gathered {
  #buffer: Buffer;
  size = 0;

  constructor(likely: number) {
    this.#buffer = Buffer.allocUnsafeSlow(likely + (likely >> 3));
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

/** Content of tiny frames that follow each other. */
class Tiny {
  #buffer: Buffer | undefined;
  #size = 0;

  get isFull(): boolean {
    return this.#size + TINY_CONTENT > GATHERED;
  }

  /** False: the frame is not tiny, or damaged. A skippable one is gone with this. */
  take(frame: Buffer, walk: FrameWalk): boolean {
    if (walk.skippable) return true;
    if (frame.length > TINY_BYTES || (walk.plain && walk.most > TINY_CONTENT)) return false;
    if (walk.zeros >= LEAST_ZEROS) return false;
    const plain = walk.plain && isUsualHeader(frame, walk.most);
    if (plain && walk.most === 0) return true;
    this.#buffer ??= Buffer.allocUnsafeSlow(GATHERED);
    if (plain) {
      this.#size = plainContent(frame, this.#buffer, this.#size);
      return true;
    }
    const content = unpackTiny(frame, walk.most);
    if (content === undefined) return false;
    this.#size += content.copy(this.#buffer, this.#size);
    return true;
  }

  *flush(): Generator<ZstdFrame> {
    const content = this.#buffer?.subarray(0, this.#size);
    this.#buffer = undefined;
    this.#size = 0;
    if (content !== undefined && content.length > 0) yield { content };
  }
}

/** Undefined where it is damaged, or has more content than that: then it goes the way of all others. */
function unpackTiny(frame: Buffer, most: number): Buffer | undefined {
  try {
    const options = {
      params: { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
      chunkSize: Math.min(Math.max(most, 64), 4096),
      maxOutputLength: TINY_CONTENT,
    };
    return zlib.zstdDecompressSync(frame, options);
  } catch {
    return undefined;
  }
}
