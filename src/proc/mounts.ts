/**
 * The mounts of one namespace, and who answers for what lies on them. Source: proc_pid_mountinfo(5), `show_mountinfo`
 * in the kernel's fs/proc_namespace.c.
 */
import type { BytePath } from '../contracts/evidence.ts';
import { latin1 } from './bytes.ts';

export interface Mount {
  /** The same number for the whole system, as long as anybody uses the mount. */
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of its superblock, decimal. */
  readonly device: string;
  readonly point: BytePath;
  /** `ext4`, `fuse.sshfs`: the first part is the kernel's own word, the rest that of the process that mounted it. */
  readonly type: string;
}

/**
 * Who answers when a file there is opened or read: `local`, the kernel alone; `served`, another process or machine,
 * which need not answer; `doubtful`, the kernel by means of something else, which may be either.
 */
export type Ground = 'local' | 'served' | 'doubtful';

/** In memory, or a view of the kernel: any process can mount most of them, and none of them waits for anybody. */
const KERNEL: ReadonlySet<string> = new Set([
  'tmpfs',
  'ramfs',
  'rootfs',
  'devtmpfs',
  'hugetlbfs',
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'devpts',
  'mqueue',
  'debugfs',
  'tracefs',
  'securityfs',
  'bpf',
  'pstore',
  'efivarfs',
  'configfs',
  'binfmt_misc',
  'nsfs',
  'fusectl',
]);
/**
 * They stand on something: a disk, or for overlay other file systems, which may be served. An overlay can be mounted in
 * any user namespace, over a FUSE file system too. So only those that our own namespace has are above doubt.
 */
const STANDING: ReadonlySet<string> = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'overlay',
  'squashfs',
  'erofs',
  'f2fs',
]);

/** What a file system of this type is; `isOurs` if its superblock is mounted in our own namespace. */
export function groundOf(type: string, { isOurs }: { readonly isOurs: boolean }): Ground {
  if (KERNEL.has(type)) return 'local';
  if (STANDING.has(type)) return isOurs ? 'local' : 'doubtful';
  return 'served';
}

/** A listing as bytes, as far as it was read. */
export interface MountInfo {
  readonly body: Uint8Array;
  readonly truncated: boolean;
}

export class MountTable {
  readonly byId: ReadonlyMap<number, Mount>;
  readonly devices: ReadonlySet<string>;
  /** False: the listing was cut, or could not be read. */
  readonly isWhole: boolean;
  readonly #children = new Map<string, Mount>();
  /** Mounts whose parent is not listed, by mount point: the root, and more of them where the root was changed. */
  readonly #orphans = new Map<BytePath, Mount>();

  constructor(info: MountInfo | undefined) {
    this.isWhole = info?.truncated === false;
    const mounts = info === undefined ? [] : [...parseMounts(info.body)];
    this.byId = new Map(mounts.map((mount) => [mount.id, mount]));
    this.devices = new Set(mounts.map(({ device }) => device));
    for (const mount of mounts) {
      this.#children.set(keyOf(mount.parent, mount.point), mount);
      if (!this.byId.has(mount.parent)) this.#orphans.set(mount.point, mount);
    }
  }

  /**
   * The mount in which a path lies, found as the kernel finds it: from the root along what is mounted on what, so that
   * neither the order of the list nor a mount that another one hides misleads. `path` is absolute, without links and
   * dots. Undefined where the root itself is in no listed mount (a changed root), and nothing on the way is.
   */
  at(path: BytePath): Mount | undefined {
    let mount = this.#top(undefined, '/');
    for (let slash = path.indexOf('/', 1); path.length > 1; slash = path.indexOf('/', slash + 1)) {
      mount = this.#top(mount, slash === -1 ? path : path.slice(0, slash));
      if (slash === -1) break;
    }
    return mount;
  }

  /** Where the mounts are that can be reached by a path: what is hidden below another mount is not. */
  *reachable(): Generator<Mount> {
    for (const mount of this.byId.values()) if (this.at(mount.point) === mount) yield mount;
  }

  /** What is mounted at `point`, topmost; the parent of a mount outside of a changed root is not listed. */
  #top(below: Mount | undefined, point: BytePath): Mount | undefined {
    let top = below;
    for (let steps = 0; steps < MAX_STACKED; steps += 1) {
      const above = top === undefined ? this.#orphans.get(point) : this.#children.get(keyOf(top.id, point));
      if (above === undefined || above === top) return top;
      top = above;
    }
    return top;
  }
}

/** Mounts on one point, one on top of the other. */
const MAX_STACKED = 1000;

function keyOf(parent: number, point: BytePath): string {
  return `${parent}:${point}`;
}

/** `36 35 98:0 /root /point options optional… - type source superoptions`; the kernel escapes blanks in every field. */
export function* parseMounts(body: Uint8Array): Generator<Mount> {
  const text = latin1(body);
  for (let start = 0, end = text.indexOf('\n'); end !== -1; start = end + 1, end = text.indexOf('\n', start)) {
    const fields = text.slice(start, end).split(' ');
    const [id = '', parent = '', device = '', , point = ''] = fields;
    const type = fields.includes('-', 6) ? fields[fields.indexOf('-', 6) + 1] : undefined;
    if (type === undefined || !/^\d+$/u.test(id)) continue;
    yield { id: Number(id), parent: Number(parent), device, point: unescapeMount(point), type: unescapeMount(type) };
  }
}

/** Mount tables write blank, tab, newline, backslash and hash as three octal digits. */
export function unescapeMount(text: string): BytePath {
  return text.includes('\\')
    ? text.replace(/\\([0-7]{3})/gu, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
    : text;
}
