/**
 * SHA-256 of a body that may be padded. How many of the zeros at its end are padding stands in the manifest part that
 * comes after it, so zeros are held back: only their number is kept until a byte that is not zero follows.
 */
import { createHash, hash, type Hash } from 'node:crypto';

/** A finished body. */
export interface BodyDigest {
  /**
   * Lower-case hex SHA-256 of the body without its last `padded` bytes; undefined if these are not all zero. Call it once.
   */
  readonly without: (padded: number) => string | undefined;
}

export interface BodyHasher {
  readonly update: (piece: Buffer) => void;
  readonly finish: () => BodyDigest;
}

const ZEROS = Buffer.alloc(256 * 1024);

/** For a body of `size` bytes. Bodies that come in one piece and do not end with a zero cost one call. */
export function hashBody(size: number): BodyHasher {
  let digest: Hash | undefined;
  let zeros = 0;
  let single: string | undefined;
  return {
    update: (piece) => {
      const end = lastByte(piece);
      if (end === piece.length && piece.length === size) {
        single = hash('sha256', piece, 'hex');
        return;
      }
      if (end > 0) {
        digest ??= createHash('sha256');
        feedZeros(digest, zeros);
        zeros = 0;
        digest.update(piece.subarray(0, end));
      }
      zeros += piece.length - end;
    },
    finish: () => {
      const whole = single;
      if (whole !== undefined) return { without: (padded) => (padded === 0 ? whole : undefined) };
      const state = digest ?? createHash('sha256');
      return {
        without: (padded) => {
          if (padded > zeros) return undefined;
          feedZeros(state, zeros - padded);
          return state.digest('hex');
        },
      };
    },
  };
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
  for (let left = count; left > 0; left -= ZEROS.length) digest.update(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
}
