/**
 * Which trees may be asked at every invocation: those for which the kernel alone answers. A tree on EFS, or on anything
 * that another process serves, would hold the function as long as its server likes.
 *
 * It is asked once, in code that has never run: so the table of mounts is searched as one text, and not taken apart.
 */
import type { Stats } from 'node:fs';

const { lstatSync, readFileSync, readlinkSync } = process.getBuiltinModule('node:fs');

/** As in proc/mounts.ts, of which nothing is loaded for an idle function. */
const LOCAL = ' tmpfs ramfs rootfs devtmpfs hugetlbfs ext2 ext3 ext4 xfs btrfs overlay squashfs erofs f2fs ';
const MAX_LINKS = 8;
const ESCAPED = [' ', '\\', '\n', '\t'];

export interface LocalTree {
  readonly root: string;
  /** Of the tree itself; undefined where it is a link, or not there. */
  readonly stat: Stats | undefined;
}

/** Those of `trees` that are local. A tree that is a link counts by where it leads. */
export function localTrees(trees: readonly string[]): LocalTree[] {
  const mounts = mountsText();
  const local: LocalTree[] = [];
  for (const root of trees) {
    const stat = lookUp(root, mounts);
    if (stat !== false) local.push({ root, stat });
  }
  return local;
}

/** False where somebody else answers for it: then it has not been touched. */
function lookUp(tree: string, mounts: string): Stats | undefined | false {
  let path = tree;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const { type, device } = mountOf(path, mounts);
    // What our own program lies on answers, whatever its type.
    if (!LOCAL.includes(` ${type} `) && device !== mountOf(process.execPath, mounts).device) return false;
    try {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.isSymbolicLink() !== true) return links === 0 ? stat : undefined;
      const target = readlinkSync(path);
      path = target.startsWith('/') ? target : `${path.slice(0, path.lastIndexOf('/'))}/${target}`;
    } catch {
      return undefined; // it cannot be looked at, and will not be
    }
  }
  return false;
}

interface Mount {
  readonly type: string;
  readonly device: string;
}

/** The longest mount point that holds the path; of two that are the same, the one that was mounted later. */
function mountOf(path: string, mounts: string): Mount {
  for (let point = written(path); point !== ''; point = above(point)) {
    const needle = ` ${point} `;
    for (let at = mounts.lastIndexOf(needle); at >= 0; at = mounts.lastIndexOf(needle, at - 1)) {
      // The same text may be the root of a mount, or its source: the mount point is the fifth field of its line.
      const fields = mounts.slice(mounts.lastIndexOf('\n', at) + 1, at).split(' ');
      if (fields.length !== 4) continue;
      const border = mounts.indexOf(' - ', at) + 3;
      return { type: mounts.slice(border, mounts.indexOf(' ', border)), device: fields[2] ?? '' };
    }
  }
  return { type: 'rootfs', device: '' };
}

/** The folder above; '' above the root. */
function above(path: string): string {
  const border = path.lastIndexOf('/');
  return path === '/' || border < 0 ? '' : path.slice(0, border) || '/';
}

/** As the table writes a path: blanks, line ends and backslashes in octal (proc_pid_mountinfo(5)). */
function written(path: string): string {
  for (const rare of ESCAPED)
    if (path.includes(rare))
      return path.replace(/[ \t\n\\]/gu, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return path;
}

/**
 * One mount a line. Empty where it cannot be read: then every tree counts as local. A text that is read as UTF-8 is one
 * call of Node; to open, read and close takes four times as long the first time.
 */
function mountsText(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}
