/**
 * Opens the payload of an age v1 file: ChaCha20-Poly1305 in chunks of 64 KiB (https://age-encryption.org/v1, Payload).
 */
import { createDecipheriv } from 'node:crypto';
import { AmberError } from '../errors.ts';
import * as age from './age-crypto.ts';
import { many } from '../many.ts';

/**
 * One age file being read. The bytes of all answers, in order, are the plaintext; every answer is authentic.
 * Both calls throw AmberError IDENTITY_INVALID (no identity opens it) or ARCHIVE_CORRUPT (damaged or cut). A `push`
 * that meets damage behind good chunks still gives those, and the next call throws. Answers never alias the input.
 */
export interface AgeDecryptor {
  readonly push: (bytes: Uint8Array) => Uint8Array[];
  /** Call it: only here a cut file is told from a whole one. */
  readonly finish: () => Uint8Array[];
}

/** Bytes of a full chunk as it stands in the file. */
const SEALED_CHUNK = age.CHUNK_BYTES + age.TAG_BYTES;

/** Starts on the bytes behind the header and the payload nonce. `key` is the payload key. */
export function openPayload(key: Uint8Array): AgeDecryptor {
  const pending = Buffer.allocUnsafeSlow(SEALED_CHUNK);
  const stream = countChunks(key);
  let held = 0;
  let failure: AmberError | undefined;

  function take(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, SEALED_CHUNK - held);
    pending.set(part, held);
    held += part.length;
    return bytes.subarray(part.length);
  }

  /** Damage, or bytes behind the end. The good chunks in front of it are evidence and go out first. */
  function fail(chunk: Uint8Array, out: Uint8Array[]): Uint8Array[] {
    const last = stream.open(chunk, { last: true });
    if (last !== undefined) out.push(last);
    failure =
      last === undefined
        ? damaged(stream.chunks())
        : new AmberError('ARCHIVE_CORRUPT', 'There are bytes behind the end of the age file.');
    if (out.length === 0) throw failure;
    return out;
  }

  return {
    push(bytes) {
      if (failure !== undefined) throw failure;
      const out: Uint8Array[] = [];
      let rest = held > 0 ? take(bytes) : bytes;
      while (held === SEALED_CHUNK || rest.length >= SEALED_CHUNK) {
        const chunk = held > 0 ? pending : rest.subarray(0, SEALED_CHUNK);
        const behind = held > 0 ? rest : rest.subarray(SEALED_CHUNK);
        const plain = stream.open(chunk, { last: false });
        // With nothing behind it a full chunk may be the last one: finish() will tell.
        if (plain === undefined && behind.length === 0) break;
        if (plain === undefined) return fail(chunk, out);
        out.push(plain);
        held = 0;
        rest = behind;
      }
      if (held < SEALED_CHUNK) take(rest);
      return out;
    },
    finish() {
      if (failure !== undefined) throw failure;
      const plain = stream.open(pending.subarray(0, held), { last: true });
      if (plain === undefined) throw held === 0 ? cut(stream.chunks()) : damaged(stream.chunks());
      if (plain.length === 0 && stream.chunks() > 1)
        throw new AmberError('ARCHIVE_CORRUPT', 'The age file ends with an empty chunk behind others.');
      return plain.length === 0 ? [] : [plain];
    },
  };
}

/** Opens chunks in order. One that does not open may be tried again, as the last one. */
function countChunks(key: Uint8Array): {
  open: (sealed: Uint8Array, options: { readonly last: boolean }) => Uint8Array | undefined;
  chunks: () => number;
} {
  const nonce = Buffer.alloc(12);
  let chunks = 0;
  return {
    chunks: () => chunks,
    open(sealed, { last }) {
      const size = sealed.length - age.TAG_BYTES;
      if (size < 0) return undefined;
      const plain = openChunk(
        key,
        age.chunkNonce(nonce, chunks, { last }),
        sealed.subarray(0, size),
        sealed.subarray(size),
      );
      if (plain !== undefined) chunks++;
      return plain;
    },
  };
}

/** The plaintext of one sealed piece, or undefined where the tag does not fit. */
export function openChunk(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  tag: Uint8Array,
): Uint8Array | undefined {
  const decipher = createDecipheriv(age.CIPHER, key, nonce, age.CIPHER_OPTIONS);
  decipher.setAuthTag(tag);
  const plain = decipher.update(sealed);
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

const damaged = (chunks: number): AmberError =>
  new AmberError(
    'ARCHIVE_CORRUPT',
    `The age file is damaged or cut in chunk ${chunks + 1}; ` +
      `${many(chunks, 'chunk before it is', 'chunks before it are')} whole.`,
    { details: { chunks } },
  );

const cut = (chunks: number): AmberError =>
  new AmberError('ARCHIVE_CORRUPT', `The age file is cut behind chunk ${chunks}: its last chunk is missing.`, {
    details: { chunks },
  });
