/** What stands before a body that tar-stream has found: our own reading of it, and whether both readings agree. */
import type { Header } from 'tar-stream';
import { BLOCK, roundUp } from '../../archive/header.ts';
import type { BytePath } from '../../contracts/evidence.ts';
import { isZero, MAX_PAX } from './read-tar.ts';
import { joinHeaders, readPax, readUstar, type Pax, type TarEntry } from './header.ts';

/** tar-stream's words for the type flags that Amber knows. */
const TYPES: Readonly<Record<string, Header['type']>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * The entry whose headers are `raw`: the bytes from `from`, the end of the body before it, up to its own body.
 * Undefined where anything else stands there than padding, one pax header and one header block.
 */
export function readHead(raw: Buffer, from: number): TarEntry | undefined {
  const border = roundUp(from) - from;
  if (!isZero(raw.subarray(0, border)) || raw.length < border + BLOCK) return undefined;
  let header = border;
  let pax: Pax | undefined;
  const first = readUstar(raw, border);
  if (typeof first === 'string') return undefined;
  if (first.type === 'x') {
    header = border + BLOCK + roundUp(first.size);
    if (first.size === 0 || first.size > MAX_PAX || raw.length < header + BLOCK) return undefined;
    const records = readPax(raw, border + BLOCK, first.size);
    if (typeof records === 'string') return undefined;
    pax = records;
  }
  const ustar = pax === undefined ? first : readUstar(raw, header);
  if (typeof ustar === 'string' || raw.length !== header + BLOCK) return undefined;
  const entry = joinHeaders(ustar, pax, from + border, from + raw.length);
  return typeof entry === 'string' ? undefined : entry;
}

/** True if tar-stream reads the same entry. It decodes pax records as UTF-8, so names are compared as it has them. */
export function agrees(entry: TarEntry, { name, linkname, size, type }: Header): boolean {
  if (size !== entry.size || TYPES[entry.type] === undefined || type !== TYPES[entry.type]) return false;
  // It takes a folder to have no body, whatever its size.
  if (entry.type === '5' && entry.size !== 0) return false;
  return (
    isSameName(entry.path, name) && ((entry.type !== '1' && entry.type !== '2') || isSameName(entry.target, linkname))
  );
}

/** Without a target tar-stream has null, which its types do not say. */
function isSameName(path: BytePath, decoded: string | null): boolean {
  return path === (decoded ?? '') || Buffer.from(path, 'latin1').toString('utf8') === decoded;
}
