/** The tar stream out of its compression, with bounded memory, whatever the compressed bytes promise. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { AmberError, isAmberError } from '../../errors.ts';
import { WINDOW_LOG_MAX, zstdFrames, type ZstdFrame } from './zstd-frames.ts';

export type Packing = 'zstd' | 'gzip' | 'none';

/** A part of the archive is 1 MiB of tar; the rest is room, so that its frame comes out in one piece. */
const CHUNK_BYTES = 1024 * 1024 + 4096;

/** Compression by the first four bytes: RFC 8878 section 3.1.1 (and 3.1.2), RFC 1952 section 2.3.1; else plain. */
export function packingOf(start: Uint8Array): Packing {
  const [one, two, three, four] = start;
  if (one === 0x28 && two === 0xb5 && three === 0x2f && four === 0xfd) return 'zstd';
  if (one !== undefined && (one & 0xf0) === 0x50 && two === 0x2a && three === 0x4d && four === 0x18) return 'zstd';
  return one === 0x1f && two === 0x8b ? 'gzip' : 'none';
}

/** Compression by the name of a segment or a joined tarball; undefined for a name that says nothing. */
export function packingByName(name: string): Packing | undefined {
  const [, suffix] = /\.tar(\.zst|\.gz)?(?:\.age)?$/u.exec(name) ?? [];
  if (suffix === '.zst') return 'zstd';
  if (suffix === '.gz') return 'gzip';
  return /\.tar(?:\.age)?$/u.test(name) ? 'none' : undefined;
}

/**
 * Decompresses whole frames or members that follow each other. Yields pieces of at most about 8 MiB. `reuseBuffers`:
 * each is good until the next one is asked for; its memory is given back then, not when garbage is collected.
 *
 * @throws AmberError ARCHIVE_CORRUPT for damage and for an end in the middle; what was yielded before stays true.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  packing: Packing,
  { reuseBuffers = false }: { readonly reuseBuffers?: boolean } = {},
): AsyncGenerator<Buffer> {
  if (packing === 'zstd') yield* unpackZstd(source, { reuseBuffers });
  else if (packing === 'gzip') yield* streamThrough(source, zlib.createGunzip({ chunkSize: 256 * 1024 }));
  else for await (const chunk of source) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

const ZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX }, chunkSize: CHUNK_BYTES };
const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

export type Unpacked = Buffer | AsyncIterable<Buffer>;

/** Frame by frame; while the caller works on one, a thread of the pool decompresses the next. */
async function* unpackZstd(
  source: AsyncIterable<Uint8Array>,
  { reuseBuffers }: { readonly reuseBuffers: boolean },
): AsyncGenerator<Buffer> {
  const frames = zstdFrames(source);
  try {
    let ahead = next(frames);
    for (;;) {
      const unpacked = await ahead;
      if (unpacked === undefined) return;
      if (!Buffer.isBuffer(unpacked)) {
        yield* unpacked;
        ahead = next(frames);
        continue;
      }
      ahead = next(frames);
      ahead.catch(() => undefined); // thrown by the await above, once it is its turn
      yield unpacked;
      if (reuseBuffers) giveBack(unpacked);
    }
  } finally {
    await frames.return(undefined);
  }
}

async function next(frames: AsyncGenerator<ZstdFrame>): Promise<Unpacked | undefined> {
  const step = await frames.next();
  if (step.done === true) return undefined;
  const unpacked = await unpackFrame(step.value);
  if ('whole' in step.value) giveBack(step.value.whole);
  return unpacked;
}

/**
 * Frees the memory of a buffer that nobody else has, at once. The kernel clears every page of fresh memory, which takes
 * longer than to decompress into it; what was given back is used again.
 */
function giveBack({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}

/** The content of one frame, at once where it is small. @throws AmberError ARCHIVE_CORRUPT. */
export async function unpackFrame(frame: ZstdFrame): Promise<Unpacked> {
  if ('content' in frame) return frame.content;
  if (!('whole' in frame)) return streamFrame(frame);
  try {
    return await unzstd(frame.whole, ZSTD_OPTIONS);
  } catch (cause) {
    throw damaged(cause);
  }
}

const ZEROS = Buffer.alloc(1024 * 1024);

/** The content of one frame as it comes; of a damaged one what stands before the damage. */
export async function* streamFrame(frame: ZstdFrame): AsyncGenerator<Buffer> {
  if ('content' in frame) {
    yield frame.content;
    return;
  }
  if ('zeros' in frame) {
    for (let left = frame.zeros; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
    return;
  }
  yield* unzstdStream('whole' in frame ? once(frame.whole) : frame.pieces);
}

/** What a zstd decompressor makes of these bytes: the first frame, or its beginning. */
export function unzstdStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  return streamThrough(source, zlib.createZstdDecompress(ZSTD_OPTIONS));
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

/**
 * Own loop instead of pipe(): the source's own error has to come out, and nothing may be read after an early return.
 */
async function* streamThrough(
  source: AsyncIterable<Uint8Array>,
  engine: zlib.Gunzip | zlib.ZstdDecompress,
): AsyncGenerator<Buffer> {
  const feeding = feed(source, engine);
  try {
    for await (const chunk of engine) yield chunk as Buffer;
    await feeding.ended;
  } catch (cause) {
    throw damaged(feeding.fault() ?? cause);
  } finally {
    engine.destroy();
    await feeding.ended.catch(() => undefined);
  }
}

function feed(
  source: AsyncIterable<Uint8Array>,
  engine: zlib.Gunzip | zlib.ZstdDecompress,
): { ended: Promise<void>; fault: () => unknown } {
  let fault: unknown;
  let fed = 0;
  const pump = async (): Promise<void> => {
    for await (const chunk of source) {
      if (engine.destroyed) return;
      fed += chunk.length;
      if (!engine.write(chunk)) await drained(engine);
    }
    engine.end();
  };
  const ended = pump().then(
    () => checkEaten(engine, fed),
    (cause: unknown) => {
      fault = cause;
      engine.destroy(cause instanceof Error ? cause : undefined);
      throw cause;
    },
  );
  ended.catch(() => undefined); // awaited by the reader
  return { ended, fault: () => fault };
}

/** Node's gunzip ends in silence where a member is followed by anything else: compare what it ate with what it got. */
async function checkEaten(engine: zlib.Gunzip | zlib.ZstdDecompress, fed: number): Promise<void> {
  if (engine.destroyed) return;
  await new Promise<void>((resolve) => {
    if (engine.readableEnded || engine.destroyed) resolve();
    else engine.once('close', resolve).once('end', resolve);
  });
  if (engine.readableEnded && engine.bytesWritten < fed) {
    throw new AmberError(
      'ARCHIVE_CORRUPT',
      `Behind byte ${engine.bytesWritten} follow bytes that are not compressed data.`,
    );
  }
}

function drained(engine: zlib.Gunzip | zlib.ZstdDecompress): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      engine.off('drain', done).off('close', done).off('end', done);
      resolve();
    };
    engine.on('drain', done).on('close', done).on('end', done);
    if (engine.destroyed || engine.readableEnded) done();
  });
}

function damaged(cause: unknown): AmberError {
  if (isAmberError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AmberError('ARCHIVE_CORRUPT', `The compressed data is damaged: ${reason}.`, { cause });
}
