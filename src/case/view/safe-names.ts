/**
 * Names out of a capture, where they can do harm: on a terminal, and as paths of files that are written.
 * The attacker chose them.
 */
import type { BytePath } from '../../contracts/evidence.ts';
import { AmberError } from '../../errors.ts';
import { nameBehind } from '../../fs/names.ts';

/**
 * What must not reach a terminal as it is: controls (escape sequences begin with ESC or C1), marks that turn the
 * direction of writing or are invisible (category Cf), separators of lines, odd spaces. Lone surrogates too, what is
 * not assigned, and what fonts draw as nothing (variation selectors, Hangul fillers; Unicode, UAX #44, property DI).
 * The backslash too, because it begins our own escapes.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\\]|(?! )\p{Zs}/gu;
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/u;
const PLAIN_LINES = /^[\n\x20-\x7e]*$/u;
const UNSAFE_IN_LINES = /[^\P{C}\n]|[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Lines that go out as they are: their maker has rendered every name in them. @throws AmberError BUG where that is not
 * so.
 */
export function demandSafeLines(text: string): void {
  if (PLAIN_LINES.test(text) || !UNSAFE_IN_LINES.test(text)) return;
  throw new AmberError(
    'BUG',
    'A result holds a control or an invisible character that was not escaped; this part of it is not written.',
  );
}

/** Text of any origin for a terminal: one line, and every byte of it can be told from the escapes. */
export function renderText(text: string, most = 4096): string {
  const safe = PLAIN.test(text) ? text : text.replaceAll(UNSAFE, escape);
  return cut(safe, most);
}

/** Our own messages, in which names are quoted as JSON already: backslashes stay as they are. */
export function renderMessage(text: string, most = 4096): string {
  const safe = text.replaceAll(UNSAFE, (character) => (character === '\\' ? character : escape(character)));
  return cut(safe, most);
}

/** Between code points: half of one is none. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const split = most > 0 && (text.codePointAt(most - 1) ?? 0) > 0xffff;
  return `${text.slice(0, split ? most - 1 : most)}…`;
}

function escape(character: string): string {
  if (character === '\\') return '\\\\';
  let code = character.codePointAt(0) ?? 0;
  // a byte that is not UTF-8, as the collectors write it (PEP 383)
  if (code >= 0xdc80 && code <= 0xdcff) code -= 0xdc00;
  const known: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  return known[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`);
}

/** A byte path for a terminal: UTF-8 where it is, `\xNN` where it is not. */
export function renderPath(path: BytePath, most?: number): string {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return renderText(text, most);
  return path.replaceAll(/[^\x20-\x5b\x5d-\x7e]/gu, escape).slice(0, most ?? 4096);
}

/**
 * A name of a bodyfile or a timeline, as every other name is shown here. Both files have an escape of their own, for
 * mactime and plaso. It is rendered once: its backslashes are escapes.
 */
export function renderShown(shown: string, most?: number): string {
  return renderPath(nameBehind(shown), most);
}

/** Components of a path to write to below a target folder, or why it may not be written. */
export function safeParts(path: BytePath): readonly BytePath[] | string {
  if (path === '' || path.includes('\0')) return 'its name is empty or holds a NUL';
  if (path.startsWith('/')) return 'its name is absolute';
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return 'its name leads out of the target folder';
  if (parts.length === 0) return 'its name is empty';
  return parts;
}

/**
 * True if a link at `parts` stays below the target folder whatever other links there are: relative, and `..` only at
 * its beginning and no further up than the target folder. (Behind another link `..` may lead anywhere.)
 */
export function staysInside(parts: readonly BytePath[], target: BytePath): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const down = steps.findIndex((step) => step !== '..');
  const ups = down < 0 ? steps.length : down;
  return ups <= parts.length - 1 && !steps.slice(ups).includes('..');
}
