/** Bytes of a stream, taken in the sizes that a parser needs. Holds one chunk, until it asks for the next one. */
import { AmberError } from '../errors.ts';

export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position;
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

  /**
   * At least one and at most `most` bytes, not copied: good until the next call.
   *
   * @throws AmberError ARCHIVE_CORRUPT at the end of the stream.
   */
  async some(most: number): Promise<Buffer> {
    if (this.#at === this.#chunk.length && !(await this.more())) throw cut(this.#position);
    const piece = this.#chunk.subarray(this.#at, this.#at + most);
    this.#at += piece.length;
    this.#position += piece.length;
    return piece;
  }

  /** Exactly `count` bytes, good until the next call; keep it small. */
  async take(count: number): Promise<Buffer> {
    const first = count === 0 ? Buffer.alloc(0) : await this.some(count);
    if (first.length === count) return first;
    const pieces = [Buffer.from(first)]; // the chunk that it lies in may be used again for the next
    for (let have = first.length; have < count; ) {
      const piece = await this.some(count - have);
      pieces.push(Buffer.from(piece));
      have += piece.length;
    }
    return Buffer.concat(pieces);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.some(left)).length;
  }

  /** Ends the source early. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

function cut(position: number): AmberError {
  return new AmberError('ARCHIVE_CORRUPT', `The compressed data ends in the middle of a frame, at byte ${position}.`, { details: { position } });
}
