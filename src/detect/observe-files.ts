/** The writable trees of a sandbox: every path with its metadata, and what the first bytes of each file say. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { BytePath, Magic, ObservedFile } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { Descent } from '../fs/descent.ts';
import { Kind, State } from '../fs/kinds.ts';
import { openFile } from '../fs/open.ts';
import type { Tree } from '../fs/tree.ts';
import { toText } from '../proc/bytes.ts';
import { MountBook } from '../proc/mount-book.ts';
import { walk, type Pace, type RootFacts } from '../fs/walk.ts';
import { accessKeysIn, HEAD_BYTES, magicOf, startsCodeIn } from './magic.ts';
import { many } from '../many.ts';

export interface FileLimits {
  /** Paths that are listed. */
  readonly paths: number;
  /** Files of which the first bytes are read at one look; the others are read at the next. */
  readonly heads: number;
}

interface Head {
  readonly magic: Magic;
  readonly accessKeys: readonly string[];
  readonly moreAccessKeys?: number;
  readonly startsCode?: true;
}

/** A path as it was seen last. */
interface Kept {
  readonly row: ObservedFile;
  readonly device: number;
  readonly ctime: bigint;
  /** Its first bytes are known, or there are none to know. */
  readonly isRead: boolean;
}

/** By path: what was seen of files that are still there, so it stays as small as the list. */
export type KnownFiles = Map<BytePath, Kept>;

export interface FilesSeen {
  readonly files: readonly ObservedFile[];
  /** For the next look. */
  readonly known: KnownFiles;
  readonly left: readonly string[];
}

const NS_PER_MS = 1e6;
const A_STRETCH = 16;
const UNREAD: Head = { magic: 'unread', accessKeys: [] };
const EMPTY: Head = { magic: 'empty', accessKeys: [] };

/**
 * Lists `roots`. What has the inode and the ctime that it had is what it was, and is not opened again: nobody without
 * root can set a ctime, and everything that changes a file moves it. Never rejects for what it finds.
 */
export async function observeFiles(
  roots: readonly BytePath[],
  limits: FileLimits,
  before: KnownFiles,
  pace: Pace,
  book: MountBook = new MountBook(),
): Promise<FilesSeen> {
  const { tree, unlisted, counted, roots: facts } = await walk(roots, limits.paths, pace, book);
  const files: ObservedFile[] = [];
  const known: KnownFiles = new Map();
  const descent = new Descent(tree);
  const buffer = Buffer.allocUnsafe(HEAD_BYTES);
  let opened = 0;
  let unread = 0;
  let parent = -1;
  let folder = '';
  try {
    for (let entry = 0; entry < tree.count; entry += 1) {
      if (tree.parent(entry) < 0) continue;
      if (tree.parent(entry) !== parent) {
        parent = tree.parent(entry);
        folder = `${tree.path(parent)}/`;
      }
      const path = folder + (tree.names[entry] ?? '');
      let kept = before.get(path);
      if (kept?.isRead !== true || !isSame(kept, tree, entry)) {
        let head: Head | undefined = UNREAD;
        if (tree.kind(entry) === Kind.file && tree.state(entry) !== State.served) {
          head = undefined;
          if (opened < limits.heads && !pace.stopped()) {
            opened += 1;
            head = tree.size(entry) === 0 ? EMPTY : read(tree, entry, descent, buffer);
            if (opened % A_STRETCH === 0) await pace.yieldIfDue();
          }
          if (head === undefined) unread += 1;
        }
        kept = keptOf(tree, entry, path, head);
      }
      known.set(path, kept);
      files.push(kept.row);
    }
  } finally {
    descent.close();
  }
  return { files, known, left: [...leftOf(unlisted, { counted }, unread), ...servedOf(facts)] };
}

/** Without a head it is looked at again. */
function keptOf(tree: Tree, entry: number, path: BytePath, head: Head | undefined): Kept {
  return {
    row: rowOf(tree, entry, path, head ?? UNREAD),
    device: tree.device(entry),
    ctime: tree.ctime(entry),
    isRead: head !== undefined,
  };
}

function isSame({ row, device, ctime }: Kept, tree: Tree, entry: number): boolean {
  return (
    row.inode === tree.inode(entry) &&
    ctime === tree.ctime(entry) &&
    device === tree.device(entry) &&
    row.size === tree.size(entry)
  );
}

/** Trees that are named in the configuration and not looked at. */
function servedOf(roots: readonly RootFacts[]): string[] {
  return roots.flatMap(({ path, served, problem }) =>
    served === undefined ? [] : [`${toText(path)}: ${problem ?? ''}`],
  );
}

function leftOf(unlisted: number, { counted }: { readonly counted: boolean }, unread: number): string[] {
  const left: string[] = [];
  if (unlisted > 0)
    left.push(
      (counted ? '' : 'more than ') +
        `${many(unlisted, 'path beyond the limit was', 'paths beyond the limit were')} not looked at`,
    );
  if (unread > 0) left.push(`the first bytes of ${many(unread, 'file')} were not read at this look`);
  return left;
}

/** The first bytes, through the descent. What was swapped since its lstat counts as unread, and is asked again. */
function read(tree: Tree, entry: number, descent: Descent, buffer: Buffer): Head | undefined {
  let fd = -1;
  try {
    fd = openFile(descent.directory(tree.parent(entry)), tree.names[entry] ?? '', { own: true });
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.ino !== tree.inode(entry)) return undefined;
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, HEAD_BYTES, 0));
    const magic = magicOf(bytes);
    return {
      magic,
      ...accessKeysIn(bytes, magic),
      ...(startsCodeIn(tree.names[entry] ?? '', bytes, magic) ? { startsCode: true } : {}),
    };
  } catch {
    return { magic: 'unread', accessKeys: [] };
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function rowOf(
  tree: Tree,
  entry: number,
  path: BytePath,
  { magic, accessKeys, moreAccessKeys = 0, startsCode }: Head,
): ObservedFile {
  const kind = tree.kind(entry);
  const target = tree.target(entry);
  return {
    path,
    type: kind === Kind.file ? 'file' : kind === Kind.link ? 'link' : kind === Kind.directory ? 'directory' : 'other',
    size: tree.size(entry),
    mode: tree.mode(entry) & 0o7777,
    inode: tree.inode(entry),
    mtimeMs: Number(tree.mtime(entry)) / NS_PER_MS,
    ctimeMs: Number(tree.ctime(entry)) / NS_PER_MS,
    ...(tree.btime(entry) > 0n ? { bornMs: Number(tree.btime(entry)) / NS_PER_MS } : {}),
    magic,
    ...defined({ target }),
    ...(accessKeys.length === 0 ? {} : { accessKeys }),
    ...(moreAccessKeys === 0 ? {} : { moreAccessKeys }),
    ...(startsCode === true ? { startsCode } : {}),
  };
}
