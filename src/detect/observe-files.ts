/** The writable trees of a sandbox: every path with its metadata, and what the first bytes of each file say. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { BytePath, Magic, ObservedFile } from '../contracts.ts';
import { Descent } from '../fs/descent.ts';
import { Kind } from '../fs/kinds.ts';
import { openFile } from '../fs/open.ts';
import type { Tree } from '../fs/tree.ts';
import { walk, type Pace } from '../fs/walk.ts';
import { accessKeysIn, HEAD_BYTES, magicOf, startsCodeIn } from './magic.ts';

export interface FileLimits {
  /** Paths that are listed. */
  readonly paths: number;
  /** Files of which the first bytes are read at one look; the others are read at the next. */
  readonly heads: number;
}

interface Head {
  readonly magic: Magic;
  readonly accessKeys: readonly string[];
  readonly startsCode?: true;
}

/** What the first bytes of known files said, by what a file is (never by its name alone). */
export type Heads = Map<string, Head>;

export interface FilesSeen {
  readonly files: readonly ObservedFile[];
  /** For the next look: only of files that are still there, so it stays as small as the list. */
  readonly heads: Heads;
  readonly left: readonly string[];
}

const NS_PER_MS = 1e6;
const A_STRETCH = 16;

/** Lists `roots`. A file whose inode, size and times are known is not opened again. Never rejects for what it finds. */
export async function observeFiles(roots: readonly BytePath[], limits: FileLimits, known: Heads, pace: Pace): Promise<FilesSeen> {
  const { tree, unlisted, counted } = await walk(roots, limits.paths, pace);
  const files: ObservedFile[] = [];
  const heads: Heads = new Map();
  const descent = new Descent(tree);
  const buffer = Buffer.allocUnsafe(HEAD_BYTES);
  let opened = 0;
  let unread = 0;
  try {
    for (let entry = 0; entry < tree.count; entry += 1) {
      if (tree.parent(entry) < 0) continue;
      let head: Head | undefined;
      if (tree.kind(entry) === Kind.file) {
        const key = keyOf(tree, entry);
        head = known.get(key);
        if (head === undefined && opened < limits.heads && !pace.stopped()) {
          opened += 1;
          head = tree.size(entry) === 0 ? { magic: 'empty', accessKeys: [] } : read(tree, entry, descent, buffer);
          if (opened % A_STRETCH === 0) await pace.breathe();
        }
        if (head === undefined) unread += 1;
        else heads.set(key, head);
      }
      files.push(rowOf(tree, entry, head));
    }
  } finally {
    descent.close();
  }
  return { files, heads, left: leftOf(unlisted, counted, unread) };
}

function leftOf(unlisted: number, counted: boolean, unread: number): string[] {
  const left: string[] = [];
  if (unlisted > 0) left.push(`${counted ? '' : 'more than '}${String(unlisted)} paths beyond the limit were not looked at`);
  if (unread > 0) left.push(`the first bytes of ${String(unread)} files were not read at this look`);
  return left;
}

function keyOf(tree: Tree, entry: number): string {
  return `${String(tree.device(entry))}:${String(tree.inode(entry))}:${String(tree.size(entry))}:${String(tree.mtime(entry))}:${String(tree.ctime(entry))}`;
}

/** The first bytes, through the descent. What was swapped since its lstat counts as unread, and is asked again. */
function read(tree: Tree, entry: number, descent: Descent, buffer: Buffer): Head | undefined {
  let fd = -1;
  try {
    fd = openFile(descent.directory(tree.parent(entry)), tree.names[entry] ?? '', true);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.ino !== tree.inode(entry)) return undefined;
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, HEAD_BYTES, 0));
    const magic = magicOf(bytes);
    return { magic, accessKeys: accessKeysIn(bytes, magic), ...(startsCodeIn(tree.names[entry] ?? '', bytes, magic) ? { startsCode: true } : {}) };
  } catch {
    return { magic: 'unread', accessKeys: [] };
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function rowOf(tree: Tree, entry: number, head: Head | undefined): ObservedFile {
  const kind = tree.kind(entry);
  const target = tree.target(entry);
  return {
    path: tree.path(entry),
    type: kind === Kind.file ? 'file' : kind === Kind.link ? 'link' : kind === Kind.directory ? 'directory' : 'other',
    size: tree.size(entry),
    mode: tree.mode(entry) & 0o7777,
    inode: tree.inode(entry),
    mtimeMs: Number(tree.mtime(entry)) / NS_PER_MS,
    ctimeMs: Number(tree.ctime(entry)) / NS_PER_MS,
    magic: head?.magic ?? 'unread',
    ...(target === undefined ? {} : { target }),
    ...(head === undefined || head.accessKeys.length === 0 ? {} : { accessKeys: head.accessKeys }),
    ...(head?.startsCode === true ? { startsCode: true } : {}),
  };
}
