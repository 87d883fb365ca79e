/** Bytes of procfs as text, one character a byte. Names are bytes on Linux: decoding as UTF-8 would change hostile ones. */
import type { BytePath } from '../contracts.ts';

/** The bytes as a latin1 string, without copying them first. */
export function latin1(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
}

const ASCII = /^\p{ASCII}*$/u;

/** A byte path in the form that `fs` takes it without re-encoding: the string where it is ASCII, else its bytes. */
export function toFsPath(path: BytePath): string | Buffer {
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1');
}

/** Splits a NUL-separated file (`cmdline`, `environ`) into its items. An empty file has none; a missing last NUL is no matter. */
export function splitNul(body: Uint8Array): BytePath[] {
  if (body.byteLength === 0) return [];
  const text = latin1(body);
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}
