/**
 * SHA-256 of a body that may be padded. How many of the zeros at its end are padding stands in the manifest part that
 * comes after it, so zeros are held back: only their number is kept until a byte that is not zero follows.
 */
import { createHash, hash, type Hash } from 'node:crypto';

const ZEROS = Buffer.alloc(256 * 1024);

/** Ten thousands of these wait for their manifest part: a class, because closures would take five times the memory. */
export class BodyDigest {
  readonly #size: number;
  /** The digest, where the body came in one piece that does not end with a zero; else its state before the zeros. */
  #digest: string | Hash | undefined;
  #zeros = 0;

  /** For a body of `size` bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  update(piece: Buffer): void {
    const end = lastByte(piece);
    if (end === piece.length && piece.length === this.#size) {
      this.#digest = hash('sha256', piece, 'hex');
      return;
    }
    if (end > 0) {
      const digest = this.#state();
      feedZeros(digest, this.#zeros);
      this.#zeros = 0;
      digest.update(piece.subarray(0, end));
    }
    this.#zeros += piece.length - end;
  }

  /**
   * Lower-case hex SHA-256 of the body without its last `padded` bytes; undefined if these are not all zero. Call it
   * once, after the last piece.
   */
  without(padded: number): string | undefined {
    if (padded > this.#zeros) return undefined;
    if (typeof this.#digest === 'string') return this.#digest;
    const digest = this.#state();
    feedZeros(digest, this.#zeros - padded);
    return digest.digest('hex');
  }

  #state(): Hash {
    if (typeof this.#digest === 'object') return this.#digest;
    const state = createHash('sha256');
    this.#digest = state;
    return state;
  }
}

/** Index behind the last byte that is not zero. */
function lastByte(piece: Buffer): number {
  let end = piece.length;
  if (piece[end - 1] !== 0) return end;
  while (end >= ZEROS.length && piece.subarray(end - ZEROS.length, end).equals(ZEROS)) end -= ZEROS.length;
  while (end >= 512 && piece.subarray(end - 512, end).equals(ZEROS.subarray(0, 512))) end -= 512;
  while (end > 0 && piece[end - 1] === 0) end -= 1;
  return end;
}

function feedZeros(digest: Hash, count: number): void {
  for (let left = count; left > 0; left -= ZEROS.length)
    digest.update(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
}
