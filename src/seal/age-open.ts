/**
 * Decrypts age v1 files with X25519 identities, piece by piece. Nothing is given out before its tag was checked. A file
 * that was cut gives every whole chunk up to the cut, and then an error.
 */
import { bech32 } from '@scure/base';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AmberError } from '../errors.ts';
import * as age from './age-crypto.ts';
import { HEADER_LIMIT, parseHeader } from './age-header.ts';
import type { AgeHeader, AgeStanza } from './age-header.ts';
import { openChunk, openPayload, type AgeDecryptor } from './age-payload.ts';

export type { AgeDecryptor } from './age-payload.ts';

/** One or more private keys. */
export interface AgeIdentity {
  /** The public keys, `age1…`, in the order of the file. */
  readonly recipients: readonly string[];
  /** Starts on one age file. */
  readonly decryptor: () => AgeDecryptor;
}

interface Key {
  readonly secret: KeyObject;
  readonly recipient: Uint8Array;
}

const MAX_IDENTITIES = 1000;

/**
 * Reads an identity, or a whole identity file: one `AGE-SECRET-KEY-1…` a line, `#` comments, blank lines.
 *
 * @throws AmberError IDENTITY_INVALID, naming the line but never its text.
 */
export function openIdentity(text: string): AgeIdentity {
  const keys: Key[] = [];
  for (const [index, line] of text.split(/\r?\n/u).entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    if (keys.length === MAX_IDENTITIES)
      throw new AmberError('IDENTITY_INVALID', `More than ${MAX_IDENTITIES} identities in one file.`);
    keys.push(decodeIdentity(entry, index + 1));
  }
  if (keys.length === 0)
    throw new AmberError(
      'IDENTITY_INVALID',
      'There is no identity here. Expected a line AGE-SECRET-KEY-1…, as age-keygen prints it.',
    );
  return {
    recipients: keys.map((key) => bech32.encodeFromBytes('age', key.recipient)),
    decryptor: () => createDecryptor(keys),
  };
}

function decodeIdentity(entry: string, line: number): Key {
  if (/^AGE-(?:PLUGIN|SECRET-KEY-PQ)-/iu.test(entry)) {
    throw new AmberError(
      'IDENTITY_INVALID',
      `Line ${line} holds a plugin or post-quantum identity; only AGE-SECRET-KEY-1… is supported here.`,
    );
  }
  let decoded: { prefix: string; bytes: Uint8Array };
  try {
    decoded = bech32.decodeToBytes(entry);
  } catch {
    // No cause: the message of the decoder quotes the key.
    throw new AmberError('IDENTITY_INVALID', `Line ${line} is not an age identity: a character was lost or changed.`);
  }
  if (
    decoded.prefix.toLowerCase() !== 'age-secret-key-' ||
    decoded.bytes.length !== 32 ||
    entry !== entry.toUpperCase()
  ) {
    throw new AmberError('IDENTITY_INVALID', `Line ${line} is not an age identity. Expected AGE-SECRET-KEY-1….`);
  }
  const secret = age.privateKey(decoded.bytes);
  return { secret, recipient: age.rawPublicKey(secret) };
}

function createDecryptor(keys: readonly Key[]): AgeDecryptor {
  let head: Buffer = Buffer.alloc(0);
  let payload: AgeDecryptor | undefined;

  function openHeader(bytes: Uint8Array): Uint8Array[] {
    const room = HEADER_LIMIT + age.PAYLOAD_NONCE_BYTES - head.length;
    head = Buffer.concat([head, bytes.subarray(0, room)]);
    const header = parseHeader(head);
    const start = (header?.length ?? 0) + age.PAYLOAD_NONCE_BYTES;
    if (header === undefined || head.length < start) return [];
    const fileKey = unwrap(header, keys);
    verifyMac(header, fileKey);
    payload = openPayload(age.derive(fileKey, head.subarray(header.length, start), 'payload'));
    return payload.push(Buffer.concat([head.subarray(start), bytes.subarray(room)]));
  }

  return {
    push: (bytes) => (payload === undefined ? openHeader(bytes) : payload.push(bytes)),
    finish() {
      if (payload === undefined) throw new AmberError('ARCHIVE_CORRUPT', 'The age file is cut inside its header.');
      return payload.finish();
    },
  };
}

/** The file key from the first stanza that one of the identities opens. */
function unwrap(header: AgeHeader, keys: readonly Key[]): Uint8Array {
  const scrypt = header.stanzas.some((stanza) => stanza.type === 'scrypt');
  if (scrypt && header.stanzas.length > 1)
    throw new AmberError('ARCHIVE_CORRUPT', 'The age header mixes a passphrase with other recipients.');
  const candidates = header.stanzas.filter((stanza) => stanza.type === 'X25519').map(readStanza);
  for (const { share, body } of candidates) {
    for (const key of keys) {
      const shared = age.sharedSecret(key.secret, age.publicKey(share));
      if (shared === undefined) throw new AmberError('ARCHIVE_CORRUPT', 'The age header holds a share of low order.');
      const wrap = age.wrapKey(shared, share, key.recipient);
      const fileKey = openChunk(
        wrap,
        age.ZERO_NONCE,
        body.subarray(0, age.FILE_KEY_BYTES),
        body.subarray(age.FILE_KEY_BYTES),
      );
      if (fileKey !== undefined) return fileKey;
    }
  }
  throw new AmberError(
    'IDENTITY_INVALID',
    scrypt
      ? 'This age file is encrypted with a passphrase, not to a recipient.'
      : 'None of the identities opens this age file: it is encrypted to another recipient, or its header was changed.',
  );
}

function readStanza(stanza: AgeStanza): { share: Uint8Array; body: Uint8Array } {
  const [text, ...more] = stanza.arguments;
  const share = text === undefined ? undefined : age.decode64(text);
  if (more.length > 0 || share?.length !== 32 || stanza.body.length !== age.FILE_KEY_BYTES + age.TAG_BYTES) {
    throw new AmberError('ARCHIVE_CORRUPT', 'An X25519 stanza of the age header is malformed.');
  }
  return { share, body: stanza.body };
}

function verifyMac(header: AgeHeader, fileKey: Uint8Array): void {
  const mac = createHmac('sha256', age.derive(fileKey, new Uint8Array(0), 'header'))
    .update(header.signed)
    .digest();
  if (!timingSafeEqual(mac, header.mac))
    throw new AmberError('ARCHIVE_CORRUPT', 'The MAC of the age header does not fit: the header was changed.');
}
