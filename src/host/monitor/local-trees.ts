/**
 * Which trees may be asked at every invocation: those for which the kernel alone answers. A tree on EFS, or on anything
 * that another process serves, would hold the function as long as its server likes.
 */
const { lstatSync, readFileSync, readlinkSync } = process.getBuiltinModule('node:fs');

/** As in proc/mounts.ts, of which nothing is loaded for an idle function. */
const LOCAL = /^(?:tmpfs|ramfs|rootfs|devtmpfs|hugetlbfs|ext[234]|xfs|btrfs|overlay|squashfs|erofs|f2fs)$/u;
const MAX_LINKS = 8;

/** Those of `trees` that are local. A tree that is a link counts by where it leads. */
export function localTrees(trees: readonly string[]): string[] {
  const mounts = mountsOf();
  // What our own program lies on answers, whatever its type.
  const known = mountAt(process.execPath, mounts).device;
  return trees.filter((tree) => isLocal(tree, mounts, known));
}

interface Mount {
  readonly point: string;
  readonly type: string;
  readonly device: string;
}

function isLocal(tree: string, mounts: readonly Mount[], known: string): boolean {
  let path = tree;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const { type, device } = mountAt(path, mounts);
    if (!LOCAL.test(type) && device !== known) return false;
    try {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return true;
      const target = readlinkSync(path);
      path = target.startsWith('/') ? target : `${path.slice(0, path.lastIndexOf('/'))}/${target}`;
    } catch {
      return true; // it cannot be looked at, and will not be
    }
  }
  return false;
}

/** The longest mount point that holds the path; of two that are the same, the one that was mounted later. */
function mountAt(path: string, mounts: readonly Mount[]): Mount {
  let found: Mount = { point: '', type: 'rootfs', device: '' };
  for (const mount of mounts) {
    const holds = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`);
    if (holds && mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

/** Blanks in names are written as octal. */
function plainly(point: string): string {
  return point.replace(/\\([0-7]{3})/gu, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** Source: proc_pid_mountinfo(5). */
function mountsOf(): Mount[] {
  try {
    const mounts: Mount[] = [];
    for (const line of readFileSync('/proc/self/mountinfo', 'latin1').split('\n')) {
      const border = line.indexOf(' - ');
      if (border < 0) continue;
      const [, , device = '', , point = ''] = line.slice(0, border).split(' ', 5);
      mounts.push({
        point: point.includes('\\') ? plainly(point) : point,
        device,
        type: line.slice(border + 3, line.indexOf(' ', border + 3)),
      });
    }
    return mounts;
  } catch {
    return [];
  }
}
