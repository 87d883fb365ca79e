/** Bytes of procfs as text. Names are bytes on Linux: decoding them as UTF-8 would change hostile ones. */
import type { BytePath } from '../contracts/evidence.ts';

/** The bytes as a latin1 string, one character a byte, without copying them first. */
export function latin1(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
}

/** By hand: most are short, and a regular expression has to be compiled first. */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** A byte path in the form that `fs` takes without re-encoding it: the string where it is ASCII, else its bytes. */
export function toFsPath(path: BytePath): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, 'latin1');
}

/**
 * Splits a NUL-separated file (`cmdline`, `environ`) into its items. An empty file has none; a missing last NUL is no
 * matter.
 */
export function splitNul(body: Uint8Array): BytePath[] {
  if (body.byteLength === 0) return [];
  const text = latin1(body);
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}

let decoder: InstanceType<typeof TextDecoder> | undefined;

/** Throws on what is not UTF-8. Made at the first name that needs it. */
function decodeStrictly(body: Buffer): string {
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return decoder.decode(body);
}

/**
 * A byte string as readable text, without loss: UTF-8 where it is valid; every other byte 0xNN as the lone surrogate
 * U+DCNN, as PEP 383 (`surrogateescape`) has it. JSON.stringify writes such a one as `\udcNN`, and
 * `os.fsencode(json.loads(…))` gives the very bytes back.
 */
export function toText(bytes: BytePath): string {
  if (isAscii(bytes)) return bytes;
  const body = Buffer.from(bytes, 'latin1');
  try {
    return decodeStrictly(body);
  } catch {
    return decodeEscaping(body);
  }
}

function decodeEscaping(body: Buffer): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const length = sequenceLength(body[at] ?? 0);
    const piece = length === 0 ? undefined : decodeOne(body.subarray(at, at + length), length);
    text += piece ?? String.fromCharCode(0xdc00 + (body[at] ?? 0));
    at += piece === undefined ? 1 : length;
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

function decodeOne(sequence: Buffer, length: number): string | undefined {
  if (sequence.length < length) return undefined;
  try {
    return decodeStrictly(sequence);
  } catch {
    return undefined;
  }
}
