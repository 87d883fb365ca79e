/**
 * Compression in whole frames: each part of the tar stream becomes one zstd frame (RFC 8878) or one gzip member (RFC
 * 1952). So a segment cut between parts opens on its own, and segments join with `cat`.
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';

export type CompressionName = 'zstd' | 'gzip' | 'none';

export interface Compressor {
  readonly extension: string;
  /**
   * One frame for `part`. Calls must not overlap. Copy the result before `part` is written to again: it may be `part`.
   */
  readonly frame: (part: Buffer) => Promise<readonly Uint8Array[]>;
  /** Takes back what `frame` gave, after it was copied: the memory is free at once, and not when it is collected. */
  readonly release: (pieces: readonly Uint8Array[]) => void;
  /** Frames for `count` zero bytes, made without reading any; undefined where that cannot be small. */
  readonly zeros: (count: number) => readonly Uint8Array[] | undefined;
  readonly close: () => void;
}

/** `partBytes`: the size of most parts, which should be compressed in one go. */
export function createCompressor(name: CompressionName, partBytes: number = 1024 * 1024): Compressor {
  if (name === 'zstd') return createZstd(2 * partBytes);
  if (name === 'gzip') return createGzip();
  return {
    extension: '',
    frame: (part) => Promise.resolve([part]),
    release: () => undefined,
    zeros: () => undefined,
    close: () => undefined,
  };
}

/**
 * Frees the memory of a buffer that has it for itself; other views of it are empty afterwards. Of the dead buffers that
 * a compressor leaves behind V8 would let 64 MB pile up.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.length === buffer.byteLength) buffer.transfer(0);
}

/**
 * One context for the whole capture; every write ends a frame (`flush: ZSTD_e_end`) and the next one begins another.
 * zstd finds out by itself what does not compress and stores it (1.9 GB/s on random bytes), so no sample is taken. At
 * the end of a chunk it waits until the main thread gives it another one. So a chunk takes two parts that do not
 * compress.
 */
function createZstd(chunkSize: number): Compressor {
  const { ZSTD_c_compressionLevel, ZSTD_e_end } = zlib.constants;
  const stream = zlib.createZstdCompress({ params: { [ZSTD_c_compressionLevel]: 1 }, chunkSize, flush: ZSTD_e_end });
  let chunks: Buffer[] = [];
  let reject: ((cause: unknown) => void) | undefined;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', (cause) => reject?.(cause));
  return {
    extension: '.zst',
    frame: (part) =>
      new Promise((resolve, fail) => {
        reject = fail;
        stream.write(part, () => {
          const done = chunks;
          chunks = [];
          resolve(done);
        });
      }),
    // The stream cuts its chunks out of one buffer after the other, and has done with one when it is cut to its end.
    release: (pieces) => {
      for (const { buffer, byteOffset, length } of pieces) {
        if (buffer instanceof ArrayBuffer && byteOffset + length === buffer.byteLength) buffer.transfer(0);
      }
    },
    zeros: zstdZeros,
    close: () => stream.destroy(),
  };
}

const ZERO_RUN = 128 * 1024; // Block_Maximum_Size of RFC 8878 section 3.1.1.2.4
const RUNS_A_FRAME = 512;

/** Frames of RLE blocks: four bytes for each 128 KiB of zeros. */
function zstdZeros(count: number): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let left = count; left > 0; ) {
    const size = Math.min(left, ZERO_RUN * RUNS_A_FRAME);
    frames.push(zstdZeroFrame(size));
    left -= size;
  }
  return frames;
}

function zstdZeroFrame(size: number): Uint8Array {
  const blocks = Math.ceil(size / ZERO_RUN);
  const frame = Buffer.alloc(4 + 1 + 1 + 4 + blocks * 4);
  frame.writeUInt32LE(0xfd2fb528, 0);
  frame[4] = 0x80; // Frame_Content_Size in 4 bytes, no single segment, no checksum, no dictionary
  frame[5] = 0x38; // Window_Descriptor: 2^(10+7) = 128 KiB, so that a reader needs no larger window
  frame.writeUInt32LE(size, 6);
  for (let block = 0; block < blocks; block += 1) {
    const run = Math.min(ZERO_RUN, size - block * ZERO_RUN);
    const last = block === blocks - 1 ? 1 : 0;
    frame.writeUIntLE(last | (1 << 1) | (run << 3), 10 + block * 4, 3); // Block_Type 1: RLE; its one byte is zero
  }
  return frame;
}

const SAMPLE = 16 * 1024;
/** Larger than the pool from which Node cuts small buffers: a chunk above it has its memory for itself. */
const LONE_CHUNK = 64 * 1024;

/** gzip -1, or level 0 (stored) when a sample from the middle of the part does not shrink by a twentieth. */
function createGzip(): Compressor {
  const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);
  const zeroMember = (size: number): Uint8Array => zlib.gzipSync(Buffer.alloc(size), { level: 9 });
  const run = 16 * 1024 * 1024;
  let fullRun: Uint8Array | undefined;
  return {
    extension: '.gz',
    frame: async (part) => {
      const middle = Math.max(0, (part.length - SAMPLE) >> 1);
      const sample = part.subarray(middle, middle + SAMPLE);
      const shrinks = zlib.deflateRawSync(sample, { level: 1 }).length < sample.length * 0.95;
      // In one chunk: else it comes back to the main thread for each 16 KiB.
      return [await gzip(part, { level: shrinks ? 1 : 0, chunkSize: LONE_CHUNK + part.length + 4096 })];
    },
    release: (pieces) => {
      for (const { buffer } of pieces)
        if (buffer instanceof ArrayBuffer && buffer.byteLength > LONE_CHUNK) buffer.transfer(0);
    },
    zeros: (count) => {
      fullRun ??= zeroMember(run);
      const frames = new Array<Uint8Array>(Math.floor(count / run)).fill(fullRun);
      return count % run === 0 ? frames : [...frames, zeroMember(count % run)];
    },
    close: () => undefined,
  };
}
