/** The records of a trail's file, `{"Records":[{…},{…}]}` in gzip, one at a time: a file may be larger than memory. */
import { createGunzip } from 'node:zlib';
import { AmberError } from '../errors.ts';

/** A record is at most 256 KiB ("CloudTrail quotas"); more is no record. */
const MAX_RECORD = 4 * 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * Gives the text of each object of depth two, as it stands in the file.
 *
 * @throws AmberError ACQUIRE_FAILED for a file that is not gzip, ends early or has a record beyond all bounds.
 */
export async function* trailRecords(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const splitter = new Splitter();
  for await (const chunk of unzipped(source)) yield* splitter.push(chunk);
  if (splitter.open) throw new AmberError('ACQUIRE_FAILED', 'the file ends in the middle of a record');
}

async function* unzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const feeding = feed(source, gunzip).catch(
    (error: unknown) => void gunzip.destroy(error instanceof Error ? error : undefined),
  );
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
    await feeding;
  } catch (cause) {
    throw new AmberError(
      'ACQUIRE_FAILED',
      `the file is not whole gzip: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  } finally {
    gunzip.destroy();
  }
}

async function feed(source: AsyncIterable<Uint8Array>, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  for await (const chunk of source) {
    if (gunzip.destroyed) return;
    if (!gunzip.write(chunk))
      await new Promise<void>((resolve) => void gunzip.once('drain', resolve).once('close', resolve));
  }
  gunzip.end();
}

class Splitter {
  #depth = 0;
  #quoted = false;
  #escaped = false;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** True inside of a record. */
  get open(): boolean {
    return this.#depth > 1;
  }

  *push(chunk: Buffer): Generator<string> {
    let start = this.#depth > 1 ? 0 : -1;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index];
      if (this.#quoted) this.#inText(byte);
      else if (byte === QUOTE) this.#quoted = true;
      else if (byte === OPEN) {
        this.#depth += 1;
        if (this.#depth === 2) start = index;
      } else if (byte === CLOSE) {
        this.#depth -= 1;
        if (this.#depth === 1) {
          yield this.#take(chunk.subarray(start, index + 1));
          start = -1;
        }
      }
    }
    if (start >= 0) this.#keep(chunk.subarray(start));
  }

  #inText(byte: number | undefined): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#quoted = false;
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_RECORD) throw new AmberError('ACQUIRE_FAILED', `a record is larger than ${MAX_RECORD} bytes`);
    this.#pieces.push(Buffer.from(piece));
  }

  #take(last: Buffer): string {
    const text = Buffer.concat([...this.#pieces, last]).toString('utf8');
    this.#pieces = [];
    this.#bytes = 0;
    return text;
  }
}
