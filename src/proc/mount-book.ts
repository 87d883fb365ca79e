/**
 * What is known of mounts in one capture: our own namespace, those of the processes that are looked at, and of each
 * mount who answers for what lies on it. Reading mountinfo and fdinfo asks no file system anything.
 */
import { closeSync, openSync } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { splitNul, toText } from './bytes.ts';
import { parseFdInfo } from './fdinfo.ts';
import { readLink } from './links.ts';
import { groundOf, MountTable, type Ground, type Mount } from './mounts.ts';
import { readNow, type ReadRule } from './read.ts';

/** Where something lies, and who answers for it. */
export interface Place {
  readonly ground: Ground;
  /** Undefined where no namespace that was read lists the mount. */
  readonly mount: Mount | undefined;
  readonly id: number | undefined;
  /** Why it is not to be touched, or undefined. */
  readonly reason?: string;
}

/** A place in the words of the manifest. */
export function mountFacts({ mount, id }: Place): Readonly<Record<string, unknown>> {
  return mount === undefined ? { id, listed: false } : { id, type: toText(mount.type), point: toText(mount.point) };
}

/** Some 2,000 mounts. What stands behind that counts as listed nowhere. */
const RULE: ReadRule = { cap: 256 * 1024, whole: false };
const FDINFO: ReadRule = { cap: 4096, whole: true };
const ENVIRON: ReadRule = { cap: 256 * 1024, whole: true };
const TASK_ROOT = 'LAMBDA_TASK_ROOT=';
const MAX_NAMESPACES = 64;
/**
 * The first mount that the kernel makes, for files that have no name: memfds, System V memory, shared anonymous memory
 * (`shmem_init` in mm/shmem.c, called first in `mnt_init` of fs/namespace.c). It is listed nowhere and stands as long
 * as the kernel runs, so that nobody else is ever given its number (`mnt_alloc_id` takes the lowest that is free). Its
 * superblock is the first without a disk: `00:01`. Seen on Linux 6.18 on x86-64 alone: no other kernel was at hand.
 * Where a memfd has another mount id, it counts as doubtful, and a child reads it whole (collect/recovered-aside.ts).
 */
const NAMELESS_MOUNT = 0;
export const NAMELESS_DEVICE = '0:1';
/** Not among Node's constants; see fs/open.ts. */
const O_PATH = 0o10000000;
const EMPTY = new MountTable(undefined);

export class MountBook {
  readonly #tables = new Map<string, MountTable>();
  /** Superblocks on which our own program and code lie: they answered when we were loaded. */
  readonly #known = new Set<string>();
  #own: MountTable | undefined;
  /** Mount namespaces that were not read. */
  readonly #unread = new Set<string>();

  /** How many mount namespaces were not read. */
  unread(): number {
    return this.#unread.size;
  }

  /** The mounts of our own namespace. */
  own(): MountTable {
    if (this.#own !== undefined) return this.#own;
    this.#own = read('/proc/self/mountinfo');
    for (const path of ['/proc/self/exe', process.argv[1], taskRoot()])
      if (path !== undefined) this.#learn(path, this.#own);
    return this.#own;
  }

  /** Reads our own mounts anew. */
  refresh(): MountTable {
    if (this.#own === undefined) return this.own();
    this.#own = read('/proc/self/mountinfo');
    return this.#own;
  }

  /** The mounts that a process sees; `dir` is its folder in procfs. Read once for each namespace. */
  of(dir: string): MountTable {
    const namespace = namespaceOf(dir);
    if (namespace !== undefined && namespace === namespaceOf('/proc/self')) return this.own();
    const key = namespace ?? dir;
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    if (this.#tables.size >= MAX_NAMESPACES) {
      this.#unread.add(key);
      return EMPTY;
    }
    const table = read(`${dir}/mountinfo`);
    this.#tables.set(key, table);
    return table;
  }

  /** What a mount id stands for that a process uses: ids are the same in all namespaces. */
  place(id: number | undefined, dir: string): Place {
    if (id === undefined) return { ground: 'doubtful', mount: undefined, id, reason: 'its mount is not known' };
    if (id === NAMELESS_MOUNT) return { ground: 'local', mount: undefined, id };
    return this.#judge(this.own().byId.get(id) ?? this.of(dir).byId.get(id) ?? this.#elsewhere(id), id);
  }

  /**
   * The same for an id that a descriptor of ours holds, so that it is nobody else's. Mounts of our own namespace stay
   * what they are: to change those takes CAP_SYS_ADMIN in it. The others are read as they are now.
   */
  placeHeld(id: number | undefined, dir: string): Place {
    if (id === undefined || id === NAMELESS_MOUNT || this.own().byId.has(id)) return this.place(id, dir);
    return this.#judge(read(`${dir}/mountinfo`).byId.get(id), id);
  }

  /** Where an absolute path of our own namespace lies that has no links in it. Touches nothing on the way. */
  placeOf(path: BytePath): Place {
    const mount = this.own().at(path);
    // A changed root is in no listed mount: it is where we were started.
    return mount === undefined ? { ground: 'local', mount, id: undefined } : this.#judge(mount, mount.id);
  }

  /** The mount of a superblock, `major:minor` decimal, in any namespace that was read. */
  ofDevice(device: string): Place | undefined {
    if (device === NAMELESS_DEVICE) return { ground: 'local', mount: undefined, id: NAMELESS_MOUNT };
    for (const table of [this.own(), ...this.#tables.values()]) {
      for (const mount of table.byId.values()) if (mount.device === device) return this.#judge(mount, mount.id);
    }
    return undefined;
  }

  /** True if any namespace that was read has a mount that somebody serves. */
  anyServed(): boolean {
    return [this.own(), ...this.#tables.values()].some((table) =>
      [...table.byId.values()].some((mount) => this.#judge(mount, mount.id).ground === 'served'),
    );
  }

  #elsewhere(id: number): Mount | undefined {
    for (const table of this.#tables.values()) {
      const mount = table.byId.get(id);
      if (mount !== undefined) return mount;
    }
    return undefined;
  }

  #judge(mount: Mount | undefined, id: number): Place {
    if (mount === undefined)
      return {
        ground: 'doubtful',
        mount,
        id,
        reason: `no namespace that was read lists its mount (${id}), so somebody may serve it`,
      };
    const isOurs = this.own().devices.has(mount.device);
    const ground = isOurs && this.#known.has(mount.device) ? 'local' : groundOf(mount.type, { isOurs });
    if (ground === 'local') return { ground, mount, id };
    const what = `${toText(mount.type)} at ${toText(mount.point)}, mount ${id}`;
    return {
      ground,
      mount,
      id,
      reason:
        ground === 'served'
          ? `somebody serves the mount on which it lies (${what}) and need not answer`
          : `what its mount stands on is not known (${what})`,
    };
  }

  #learn(path: string, own: MountTable): void {
    try {
      const fd = openSync(path, O_PATH);
      try {
        const mount = own.byId.get(mountOf(fd) ?? -1);
        if (mount !== undefined) this.#known.add(mount.device);
      } finally {
        closeSync(fd);
      }
    } catch {
      // Not there: its mount counts by its type like any other.
    }
  }
}

/** A descriptor that holds a file without having opened it: no call to its file system was made (O_PATH, open(2)). */
export interface Pin {
  readonly fd: number;
  readonly place: Place;
}

/**
 * Holds what a link of procfs leads to and tells where it lies, from the listings of this moment: as long as it is
 * held, its mount id is nobody else's, so that no swap of the descriptor or of a mount comes between. The caller closes
 * it. Following such a link sends FUSE no request; NFS and 9p it may ask (d_weak_revalidate), and only the platform can
 * mount those.
 *
 * @throws the system error of the open
 */
export function pin(source: string, dir: string, book: MountBook): Pin {
  const fd = openSync(source, O_PATH);
  try {
    return { fd, place: book.placeHeld(mountOf(fd), dir) };
  } catch (cause) {
    closeSync(fd);
    throw cause;
  }
}

/** The mount of a descriptor of our own. */
export function mountOf(fd: number): number | undefined {
  const info = readNow(`/proc/self/fdinfo/${fd}`, FDINFO, { left: FDINFO.cap });
  return info.ok ? parseFdInfo(info.body).mount : undefined;
}

/** As the platform has given it: code may have set the variable of the process to a place where nobody answers. */
function taskRoot(): string | undefined {
  const environ = readNow('/proc/self/environ', ENVIRON, { left: ENVIRON.cap });
  return environ.ok
    ? splitNul(environ.body)
        .find((line) => line.startsWith(TASK_ROOT))
        ?.slice(TASK_ROOT.length)
    : undefined;
}

function read(path: string): MountTable {
  const info = readNow(path, RULE, { left: RULE.cap + 1 });
  return new MountTable(info.ok ? info : undefined);
}

function namespaceOf(dir: string): string | undefined {
  try {
    return readLink(`${dir}/ns/mnt`).target;
  } catch {
    return undefined;
  }
}
