/**
 * Encrypts to an age X25519 recipient, piece by piece and synchronously: the private key is never in the sandbox, so
 * neither its credentials nor its memory open what was sealed. One age file a segment, each with a file key of its own.
 * Format: https://age-encryption.org/v1.
 */
import { createCipheriv, createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AmberError } from '../errors.ts';
import * as age from './age-crypto.ts';

/** A public key that segments are encrypted to. */
export interface AgeRecipient {
  /** `age1…`, as it was given. */
  readonly recipient: string;
  /** Starts one age file. */
  readonly encryptor: () => AgeEncryptor;
}

/**
 * One age file in the making. The bytes of all answers, in order, are the file. Input is copied or encrypted before
 * `push` returns, so the caller may reuse it; at most one chunk (64 KiB) is held back.
 */
export interface AgeEncryptor {
  readonly push: (bytes: Uint8Array) => Uint8Array[];
  /** The last chunk. After it neither call is allowed. */
  readonly finish: () => Uint8Array[];
}

/**
 * Reads a recipient. The decoder of its text is loaded here: a capture without a recipient never pays for it.
 *
 * @throws AmberError RECIPIENT_INVALID for a bad checksum, another kind of recipient, or a point of low order.
 */
export async function openAge(recipient: string): Promise<AgeRecipient> {
  const raw = await decodeRecipient(recipient.trim());
  const point = age.publicKey(raw);
  // A point of low order gives the same known secret to everybody: find out now, not at the first segment.
  if (age.sharedSecret(generateKeyPairSync('x25519').privateKey, point) === undefined) {
    throw new AmberError(
      'RECIPIENT_INVALID',
      'The recipient is a point of low order: nothing encrypted to it would be secret.',
    );
  }
  return { recipient: recipient.trim(), encryptor: () => createEncryptor(point, raw) };
}

async function decodeRecipient(text: string): Promise<Uint8Array> {
  const { bech32 } = await import('@scure/base');
  let decoded: { prefix: string; bytes: Uint8Array };
  try {
    decoded = bech32.decodeToBytes(text);
  } catch (cause) {
    throw new AmberError(
      'RECIPIENT_INVALID',
      'The recipient is not valid bech32: a character was lost or changed. Expected age1 and 58 characters.',
      { cause },
    );
  }
  if (decoded.prefix !== 'age' || decoded.bytes.length !== 32 || text !== text.toLowerCase()) {
    throw new AmberError(
      'RECIPIENT_INVALID',
      'The recipient is not an age X25519 public key. Expected age1 and 58 characters, as age-keygen -y prints it.',
    );
  }
  return decoded.bytes;
}

function createEncryptor(point: KeyObject, recipient: Uint8Array): AgeEncryptor {
  const fileKey = randomBytes(age.FILE_KEY_BYTES);
  const payloadNonce = randomBytes(age.PAYLOAD_NONCE_BYTES);
  const head = [header(fileKey, point, recipient), payloadNonce];
  const key = age.derive(fileKey, payloadNonce, 'payload');
  fileKey.fill(0);
  const pending = Buffer.allocUnsafeSlow(age.CHUNK_BYTES);
  const nonce = Buffer.alloc(12);
  let held = 0;
  let chunks = 0;
  let finished = false;

  function seal(out: Uint8Array[], chunk: Uint8Array, { last }: { readonly last: boolean }): void {
    const cipher = createCipheriv(age.CIPHER, key, age.chunkNonce(nonce, chunks++, { last }), age.CIPHER_OPTIONS);
    if (chunk.length > 0) out.push(cipher.update(chunk));
    cipher.final();
    out.push(cipher.getAuthTag());
  }

  function begin(): Uint8Array[] {
    if (finished) throw new AmberError('BUG', 'This age file is finished.');
    return head.splice(0);
  }

  return {
    push(bytes) {
      const out = begin();
      let offset = 0;
      // Whether a chunk is the last one is part of its nonce, so a full chunk waits for the byte that follows it.
      if (held > 0) {
        offset = Math.min(age.CHUNK_BYTES - held, bytes.length);
        pending.set(bytes.subarray(0, offset), held);
        held += offset;
        if (offset === bytes.length) return out;
        seal(out, pending, { last: false });
      }
      for (; bytes.length - offset > age.CHUNK_BYTES; offset += age.CHUNK_BYTES) {
        seal(out, bytes.subarray(offset, offset + age.CHUNK_BYTES), { last: false });
      }
      pending.set(bytes.subarray(offset));
      held = bytes.length - offset;
      return out;
    },
    finish() {
      const out = begin();
      seal(out, pending.subarray(0, held), { last: true });
      finished = true;
      key.fill(0);
      pending.fill(0);
      return out;
    },
  };
}

/** Version line, one X25519 stanza, MAC line. */
function header(fileKey: Uint8Array, point: KeyObject, recipient: Uint8Array): Buffer {
  const ephemeral = generateKeyPairSync('x25519');
  const share = age.rawPublicKey(ephemeral.publicKey);
  const shared = age.sharedSecret(ephemeral.privateKey, point);
  if (shared === undefined) throw new AmberError('BUG', 'A recipient of low order got past its check.');
  const cipher = createCipheriv(age.CIPHER, age.wrapKey(shared, share, recipient), age.ZERO_NONCE, age.CIPHER_OPTIONS);
  const wrapped = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  // The wrapped key is 32 bytes, 43 characters: shorter than a full line of 64, so it ends the stanza by itself.
  const signed = `${age.VERSION_LINE}\n-> X25519 ${age.encode64(share)}\n${age.encode64(wrapped)}\n---`;
  const mac = createHmac('sha256', age.derive(fileKey, new Uint8Array(0), 'header'))
    .update(signed)
    .digest();
  return Buffer.from(`${signed} ${age.encode64(mac)}\n`, 'latin1');
}
