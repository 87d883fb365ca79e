/** Byte names as text that a terminal, a line-based format and a UTF-8 reader can bear. */
import { isUtf8 } from 'node:buffer';
import type { BytePath } from '../contracts/evidence.ts';

/**
 * What does not stand for itself: control characters (C0, DEL, C1), line and paragraph separators, marks that turn the
 * direction of writing. Also `%` and `\` (the escapes), `|` (the separator of a bodyfile), and `->`, which parts a link
 * from its target.
 */
const UNSAFE_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff%|\\]|->/gu;
const UNSAFE_BYTE = /[\0-\x1f\x7f-\xff%|\\]|->/gu;
const CONTROL = /^\p{Cc}$/u;
const PLAIN = /^[\w./+@~#:,= -]*$/u;

/**
 * A name as one line of valid UTF-8 without control characters, from which the bytes can be had back:
 *
 * - a control character is `\xNN`, as plaso reads it. Not `%NN`: mactime decodes that, and then drops every line with a
 *   newline in the name (4.11.1);
 * - other unsafe characters are percent-encoded, byte by byte, as mactime reads them;
 * - a name that is not UTF-8 has all its bytes above 0x7f percent-encoded.
 */
export function displayName(name: BytePath): string {
  if (PLAIN.test(name)) return name;
  const bytes = Buffer.from(name, 'latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(UNSAFE_TEXT, (text) => encode(text, 'utf8'));
  return name.replace(UNSAFE_BYTE, (text) => encode(text, 'latin1'));
}

/** The name behind what {@link displayName} shows; what it would not have written stands for itself. */
export function nameBehind(shown: string): BytePath {
  if (!/[%\\]|[^\0-\x7f]/u.test(shown)) return shown;
  const pieces = shown.split(/(%[\dA-F]{2}|\\x[\da-f]{2})/u);
  const bytes = pieces.map((piece) => {
    if (/^%[\dA-F]{2}$/u.test(piece)) return Buffer.from([Number.parseInt(piece.slice(1), 16)]);
    const code = /^\\x([\da-f]{2})$/u.exec(piece)?.[1];
    return Buffer.from(code === undefined ? piece : String.fromCharCode(Number.parseInt(code, 16)), 'utf8');
  });
  return Buffer.concat(bytes).toString('latin1');
}

function encode(text: string, encoding: 'utf8' | 'latin1'): string {
  if (text === '->') return '-%3E';
  if (CONTROL.test(text) && (encoding === 'utf8' || text < '\x80'))
    return `\\x${hex(text.charCodeAt(0)).toLowerCase()}`;
  let encoded = '';
  for (const byte of Buffer.from(text, encoding)) encoded += `%${hex(byte)}`;
  return encoded;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
