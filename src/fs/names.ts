/** Byte names as text that a terminal, a line-based format and a UTF-8 reader can bear. */
import { isUtf8 } from 'node:buffer';
import type { BytePath } from '../contracts.ts';

/**
 * What stands for something else than itself: control characters (C0, DEL, C1), line and paragraph separators, marks
 * that turn the direction of writing, `%` (the escape), `|` (the separator of a bodyfile), `\` (an escape to plaso),
 * and `->`, which parts a link from its target.
 */
const UNSAFE_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff%|\\]|->/gu;
const UNSAFE_BYTE = /[\0-\x1f\x7f-\xff%|\\]|->/gu;
const PLAIN = /^[\w./+@~#:,= -]*$/u;

/**
 * A name as valid UTF-8 in which every unsafe character is percent-encoded, byte by byte, so that mactime (which decodes
 * `%XX`) gives back the very bytes. A name that is not UTF-8 has all its bytes above 0x7f encoded.
 */
export function displayName(name: BytePath): string {
  if (PLAIN.test(name)) return name;
  const bytes = Buffer.from(name, 'latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(UNSAFE_TEXT, (text) => encode(Buffer.from(text, 'utf8')));
  return name.replace(UNSAFE_BYTE, (text) => encode(Buffer.from(text, 'latin1')));
}

function encode(bytes: Buffer): string {
  if (bytes.length === 2 && bytes[0] === 0x2d) return '-%3E';
  let encoded = '';
  for (const byte of bytes) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}
