/**
 * What encryption and decryption of the age v1 format share: X25519 keys as raw bytes, key derivation, chunk nonces.
 * Format: https://age-encryption.org/v1 (C2SP age.md). Only node:crypto does cryptography here.
 */
import { createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Plaintext bytes of a chunk; only the last one may be shorter. */
export const CHUNK_BYTES = 65_536;
/** Poly1305 tag behind every chunk and behind the wrapped file key. */
export const TAG_BYTES = 16;
export const FILE_KEY_BYTES = 16;
export const PAYLOAD_NONCE_BYTES = 16;
export const VERSION_LINE = 'age-encryption.org/v1';
export const CIPHER = 'chacha20-poly1305';
export const CIPHER_OPTIONS: { readonly authTagLength: number } = { authTagLength: TAG_BYTES };
/** The nonce for the wrapped file key is all zero: its key is used once (C2SP age.md, X25519 recipient stanza). */
export const ZERO_NONCE: Uint8Array = new Uint8Array(12);

const KEY_BYTES = 32;
/** DER in front of a raw X25519 key (RFC 8410): SubjectPublicKeyInfo and PKCS #8. */
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** A raw public key of 32 bytes as a key object. */
export function publicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
}

/** A raw private key of 32 bytes as a key object. */
export function privateKey(raw: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8, raw]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}

/** The 32 raw bytes of a public key, or of the public half of a private one. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES);
}

/** X25519. Undefined where the result is all zero, which a point of low order forces (RFC 7748 section 6.1). */
export function sharedSecret(secret: KeyObject, point: KeyObject): Buffer | undefined {
  try {
    const shared = diffieHellman({ privateKey: secret, publicKey: point });
    return shared.every((byte) => byte === 0) ? undefined : shared;
  } catch {
    return undefined; // OpenSSL itself refuses points of low order
  }
}

/** HKDF-SHA-256 to 32 bytes (RFC 5869). */
export function derive(ikm: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', ikm, salt, info, KEY_BYTES));
}

/** The key that wraps the file key for one recipient. */
export function wrapKey(shared: Uint8Array, share: Uint8Array, recipient: Uint8Array): Uint8Array {
  return derive(shared, Buffer.concat([share, recipient]), 'age-encryption.org/v1/X25519');
}

/** The nonce of chunk `counter`: 11 bytes big endian, then 1 for the last chunk. Safe up to 2^53 chunks. */
export function chunkNonce(nonce: Buffer, counter: number, { last }: { readonly last: boolean }): Buffer {
  nonce.writeUIntBE(Math.floor(counter / 2 ** 32), 1, 6);
  nonce.writeUInt32BE(counter % 2 ** 32, 7);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Base64 without padding, as the header wants it. */
export function encode64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64').replaceAll('=', '');
}

/**
 * The bytes of canonical unpadded base64, or undefined: padding and stray last bits are refused, as the format asks.
 */
export function decode64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return encode64(bytes) === text ? bytes : undefined;
}
