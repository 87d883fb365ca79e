/** An entry of the tarball against the line of the manifest that tells of it. */
import { readable } from '../../archive/item.ts';
import type { BytePath, ManifestItem } from '../../contracts/evidence.ts';
import type { BodyDigest } from '../tar/body-digest.ts';
import type { TarEntry } from '../tar/header.ts';
import { many } from '../../many.ts';

/** An entry that went by, as it waits for its manifest part. */
export interface SeenEntry {
  readonly entry: TarEntry;
  readonly digest: BodyDigest;
}

/** True if the item says that the tarball holds an entry for it. */
export function claimsEntry(item: ManifestItem): boolean {
  if (item.kind === 'absent') return false;
  if (item.kind === 'special') return expectedType(item) !== undefined;
  return item.kind === 'link' || item.kind === 'directory' || item.stored !== undefined;
}

/** Path of the entry as bytes; a directory ends with a slash. */
export function itemPath(item: ManifestItem): BytePath {
  const path =
    item.pathBase64 !== undefined
      ? Buffer.from(item.pathBase64, 'base64').toString('latin1')
      : isAsciiText(item.path)
        ? item.path
        : Buffer.from(item.path, 'utf8').toString('latin1');
  return item.kind === 'directory' ? `${path}/` : path;
}

function isAsciiText(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) >= 0x80) return false;
  return true;
}

const NOTHING: readonly string[] = [];

/** What differs, in words; empty if nothing does. The body's digest is used up by this. */
export function differences(item: ManifestItem, { entry, digest }: SeenEntry): readonly string[] {
  const sha256 = digest.without(item.padded ?? 0);
  return agrees(item, entry, sha256) ? NOTHING : inWords(item, entry, sha256);
}

/** True if {@link inWords} would find nothing. Most entries are as they should be: no word is made for them. */
function agrees(item: ManifestItem, entry: TarEntry, sha256: string | undefined): boolean {
  const { stored, uid, gid, mtime, atime, ctime } = item;
  const target = item.storedTarget ?? item.target;
  return (
    sha256 !== undefined &&
    (stored === undefined || sha256 === item.sha256) &&
    entry.size === (stored ?? 0) &&
    entry.uid === (uid ?? 0) &&
    entry.gid === (gid ?? 0) &&
    (mtime === undefined || entry.mtime === mtime) &&
    (atime === undefined || entry.atime === atime) &&
    (ctime === undefined || entry.ctime === ctime) &&
    entry.type === expectedType(item) &&
    entry.mode === expectedMode(item) &&
    (entry.target === '' ? target === undefined || target === '' : readable(entry.target) === target) &&
    entry.oddities.length === 0
  );
}

function inWords(item: ManifestItem, entry: TarEntry, sha256: string | undefined): readonly string[] {
  const wrong: string[] = [];
  const check = (name: string, is: string | number | undefined, expected: string | number | undefined): void => {
    if (expected !== undefined && is !== expected)
      wrong.push(`its ${name} is ${is ?? 'not there'}, the manifest says ${expected}`);
  };
  check('type', entry.type, expectedType(item));
  check('size', entry.size, item.stored ?? 0);
  check('mode', entry.mode.toString(8), expectedMode(item).toString(8));
  check('owner', `${entry.uid}:${entry.gid}`, `${item.uid ?? 0}:${item.gid ?? 0}`);
  check('mtime', entry.mtime, item.mtime);
  check('atime', entry.atime, item.atime);
  check('ctime', entry.ctime, item.ctime);
  check('target', readable(entry.target), item.storedTarget ?? item.target ?? '');
  for (const oddity of entry.oddities) wrong.push(`${oddity}, which Amber does not write`);
  if (sha256 === undefined)
    wrong.push(`its end of ${many(item.padded ?? 0, 'byte')} is said to be padding and is not zero`);
  else check('SHA-256', sha256, item.stored === undefined ? undefined : item.sha256);
  if (item.stored !== undefined && item.sha256 === undefined) wrong.push('the manifest gives no SHA-256 for it');
  return wrong;
}

const FILE_TYPES: Readonly<Record<number, string>> = { 0o010000: '6', 0o020000: '3', 0o060000: '4' };

/** The type flag that the archive gives to such an item; undefined for a socket, which has none. */
function expectedType(item: ManifestItem): string | undefined {
  if (item.kind === 'link') return '2';
  if (item.kind === 'directory') return '5';
  return item.kind === 'special' ? FILE_TYPES[itemMode(item) & 0o170000] : '0';
}

function itemMode(item: ManifestItem): number {
  return item.mode === undefined ? 0 : Number.parseInt(item.mode, 8);
}

/** The modes that the archive gives to what has no mode of its own. */
function expectedMode(item: ManifestItem): number {
  if (item.kind === 'link') return 0o777;
  if (item.kind === 'stream') return 0o400;
  if (item.mode !== undefined) return itemMode(item) & 0o7777;
  return item.kind === 'directory' ? 0o755 : 0o444;
}
