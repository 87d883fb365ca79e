/** What a file is, by its first bytes. */
import type { Magic } from '../contracts/evidence.ts';
import { latin1 } from '../proc/bytes.ts';

/** A page: where a credentials file has its keys, and a tar its mark (offset 257). */
export const HEAD_BYTES = 4096;

/** Hexadecimal beginnings: zip, gzip, zstd, bzip2, xz, 7z. */
const ARCHIVES = ['504b0304', '1f8b', '28b52ffd', '425a68', 'fd377a585a00', '377abcaf271c'] as const;

export function magicOf(head: Uint8Array): Magic {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (bytes.length === 0) return 'empty';
  const start = bytes.toString('hex', 0, 8);
  if (start.startsWith('7f454c46')) return 'elf';
  if (start.startsWith('2321')) return 'script';
  if (ARCHIVES.some((mark) => start.startsWith(mark)) || bytes.toString('latin1', 257, 262) === 'ustar')
    return 'archive';
  return isText(bytes) ? 'text' : 'data';
}

/** Control characters beside tab, line feed, carriage return and escape. */
const ODD = /[\x01-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]/gu;

/**
 * No NUL and few control characters in the first half kilobyte. Without a loop: most files are met by code that is not
 * compiled yet.
 */
function isText(bytes: Buffer): boolean {
  const sample = bytes.subarray(0, 512);
  return !sample.includes(0) && (sample.toString('latin1').match(ODD)?.length ?? 0) * 50 < sample.length;
}

/**
 * An archive is read as far as its head: a local file header names each member (APPNOTE.TXT 4.3.7), 30 bytes before the
 * name.
 */
const MEMBER = /PK\x03\x04.{26}(?:site|user)customize\.pyc?/su;

/** Whether Python runs something of this file when it starts: see startup-hook.ts. */
export function startsCodeIn(name: string, head: Uint8Array, magic: Magic): boolean {
  if (magic === 'archive') return MEMBER.test(latin1(head));
  return name.endsWith('.pth') && magic === 'text' && /^import[ \t]/mu.test(latin1(head));
}

/**
 * Access key ids of users and roles: IAM user guide, "Unique identifiers" (AKIA, ASIA). Documentation has its own
 * examples.
 */
const ACCESS_KEY = /(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])/gu;
const MAX_KEYS = 4;

const NO_KEYS = { accessKeys: [], moreAccessKeys: 0 } as const;

/** At most four different ids, and how many more there are; none out of programs and archives. */
export function accessKeysIn(
  head: Uint8Array,
  magic: Magic,
): { readonly accessKeys: readonly string[]; readonly moreAccessKeys: number } {
  if (magic === 'elf' || magic === 'archive' || magic === 'empty') return NO_KEYS;
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (!bytes.includes('AKIA') && !bytes.includes('ASIA')) return NO_KEYS;
  const found = new Set<string>();
  for (const [id] of latin1(head).matchAll(ACCESS_KEY)) if (!id.endsWith('EXAMPLE')) found.add(id);
  return { accessKeys: [...found].slice(0, MAX_KEYS), moreAccessKeys: Math.max(0, found.size - MAX_KEYS) };
}
