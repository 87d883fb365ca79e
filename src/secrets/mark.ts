/**
 * The mark that stands where a secret stood: `<redacted:` and 16 hex digits of HMAC-SHA256(key, bytes of the secret).
 * The key is made for one capture, so marks can be compared within it and nowhere else, and guessing needs the key.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';

/** What replaces a part that was not examined because it is beyond a limit. */
export const LIMIT = '<limit>';

export const MARK_LENGTH = 27;
const OPENING = '<redacted:';
const WHOLE = /^<redacted:[0-9a-f]{16}>$/u;
const REMEMBERED = 8192;

/** True for a mark and nothing else. */
export function isMark(text: string): boolean {
  return text.length === MARK_LENGTH && WHOLE.test(text);
}

/** True where a mark stands somewhere in the text. */
export function holdsMark(text: string): boolean {
  return text.includes(OPENING);
}

/** Where the marks of a text stand. */
export function marksIn(text: string): { readonly start: number; readonly end: number }[] {
  if (!holdsMark(text)) return [];
  return Array.from(text.matchAll(/<redacted:[0-9a-f]{16}>/gu), ({ index }) => ({
    start: index,
    end: index + MARK_LENGTH,
  }));
}

/** How the characters of a string stand for bytes: one a byte (latin1), or as UTF-8. */
export type View = 'bytes' | 'text';

/**
 * The bytes that a secret consists of. A password that was read from procfs as latin1 and the same password in a JSON
 * string must get one mark. So characters that spell valid UTF-8 in latin1 are taken for those bytes.
 */
export function bytesOf(secret: string, view: View): Buffer {
  const wide = Buffer.from(secret, 'utf8');
  if (wide.length === secret.length) return wide; // ASCII
  const narrow = Buffer.from(secret, 'latin1');
  const fits = narrow.toString('latin1') === secret;
  return fits && (view === 'bytes' || isUtf8(narrow)) ? narrow : wide;
}

/** Gives the mark of a secret's bytes. Marks of values that come again and again are remembered, up to a bound. */
export function createMarker(key: Uint8Array): (secret: Buffer) => string {
  const known = new Map<string, string>();
  const mac = createMac(key);
  return (secret) => {
    const name = secret.toString('latin1');
    const old = known.get(name);
    if (old !== undefined) return old;
    const mark = `${OPENING}${mac(secret).slice(0, 16)}>`;
    if (known.size >= REMEMBERED) known.clear();
    if (secret.length <= 4096) known.set(name, mark);
    return mark;
  };
}

const BLOCK = 64;

/**
 * HMAC-SHA256 in hex (RFC 2104), by two hashes at one call each: createHmac() takes 60 microseconds to prepare the same
 * key again, and a process may have thousands of variables.
 */
function createMac(key: Uint8Array): (message: Buffer) => string {
  const short = key.length > BLOCK ? hash('sha256', key, 'buffer') : key;
  const pad = (byte: number): Buffer => Buffer.from(Array.from({ length: BLOCK }, (_, at) => (short[at] ?? 0) ^ byte));
  const [inner, outer] = [pad(0x36), pad(0x5c)];
  return (message) =>
    hash('sha256', Buffer.concat([outer, hash('sha256', Buffer.concat([inner, message]), 'buffer')]), 'hex');
}
