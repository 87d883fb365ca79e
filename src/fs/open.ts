/**
 * Opening things below a directory that is held open. A path is resolved one component at a time, from a descriptor, as
 * `/proc/PID/fd/N/name` (proc_pid_fd(5)): a directory that is swapped for a link after it was opened does not lead
 * anywhere else. The last component is never followed (O_NOFOLLOW, open(2)). Nothing here blocks on a FIFO, and a file
 * under a lease (fcntl(2), F_SETLEASE) fails with EAGAIN instead of waiting for its holder (O_NONBLOCK).
 *
 * All functions are synchronous and throw Node's system errors: see `outcomeOf` in outcome.ts for what they mean.
 */
import {
  closeSync,
  constants,
  lstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  type BigIntStats,
  type Dir,
} from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { AmberError, systemCode } from '../errors.ts';
import { toFsPath } from '../proc/bytes.ts';

/** Not among Node's constants. The same on x86-64 and arm64: uapi/asm-generic/fcntl.h, which neither overrides. */
const O_PATH = 0o10000000;

/** A handle for descent only: it needs no read permission, and leaves the directory's atime alone. */
const DIRECTORY = O_PATH | constants.O_DIRECTORY;
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Reading must not change the evidence; allowed for files of our own uid (open(2)). */
const QUIET_FILE = FILE | constants.O_NOATIME;

let ownProc: string | undefined;

/** `/proc/PID/fd/`: the pid in digits saves the look-up of the `self` link, a tenth of the cost of each call. */
function descriptors(): string {
  ownProc ??= `/proc/${pidInProc()}/fd/`;
  return ownProc;
}

function pidInProc(): string {
  try {
    return readlinkSync('/proc/self');
  } catch {
    return 'self';
  }
}

/** The path that names an open descriptor itself. */
export function descriptorPath(fd: number): string {
  return `${descriptors()}${fd}`;
}

/** The path of an entry of an open directory. `name` is one component, as the kernel gave it. */
export function entryPath(directory: number, name: BytePath): string | Buffer {
  const path = `${descriptors()}${directory}/${component(name)}`;
  return typeof toFsPath(name) === 'string' ? path : Buffer.from(path, 'latin1');
}

/** Opens a root for descent. The way to it is trusted and may hold links; {@link whereIs} tells where it led. */
export function openRoot(path: BytePath): number {
  return openSync(toFsPath(path), DIRECTORY);
}

/** Opens a directory of an open directory, for descent. A link fails with ENOTDIR (O_NOFOLLOW with O_DIRECTORY). */
export function openDirectory(directory: number, name: BytePath): number {
  return openSync(entryPath(directory, name), DIRECTORY | constants.O_NOFOLLOW);
}

/** Holds an entry of an open directory, whatever it is, a link included, without asking anything of it. */
export function openEntry(directory: number, name: BytePath): number {
  return openSync(entryPath(directory, name), O_PATH | constants.O_NOFOLLOW);
}

/**
 * Opens several levels at once. Links on the way are followed, so the answer counts only if {@link whereIs} says that
 * it is where it should be.
 */
export function openDistantDirectory(directory: number, names: readonly BytePath[]): number {
  const path = names.map(component).join('/');
  return openSync(toFsPath(`${descriptors()}${directory}/${path}`), DIRECTORY | constants.O_NOFOLLOW);
}

/**
 * Opens a file of an open directory for reading. What it is must be asked of the descriptor (fstat): between listing
 * and opening anything can take its place. `own`: it belongs to our uid, so that its atime can be left alone.
 */
export function openFile(directory: number, name: BytePath, { own }: { readonly own: boolean }): number {
  const path = entryPath(directory, name);
  if (!own) return openSync(path, FILE);
  try {
    return openSync(path, QUIET_FILE);
  } catch (cause) {
    if (systemCode(cause) !== 'EPERM') throw cause;
    return openSync(path, FILE);
  }
}

/** lstat of an entry of an open directory. */
export function statEntry(directory: number, name: BytePath): BigIntStats {
  return lstatSync(entryPath(directory, name), EXACT);
}

/** Nanoseconds and 64-bit sizes survive only as BigInt. */
export const EXACT = { bigint: true } as const;

/** The text of a symbolic link of an open directory. */
export function readLink(directory: number, name: BytePath): BytePath {
  return readlinkSync(entryPath(directory, name), 'latin1');
}

/**
 * The path that the kernel has for an open descriptor now. Throws ENAMETOOLONG for paths of about 4096 bytes and more.
 */
export function whereIs(fd: number): BytePath {
  return readlinkSync(descriptorPath(fd), 'latin1');
}

/** Names of an open directory, `batch` at a system call, as byte strings. The caller closes it. */
export function listDirectory(fd: number, batch: number): Dir {
  return opendirSync(descriptorPath(fd), { encoding: LATIN1, bufferSize: batch });
}

const LATIN1 = 'latin1';

/** Opens a directory by its components below an open root, one after the other, never through a link. */
export function descend(root: number, names: readonly BytePath[]): number {
  let at = openSync(descriptorPath(root), DIRECTORY);
  for (const name of names) {
    const parent = at;
    try {
      at = openDirectory(parent, name);
    } finally {
      closeSync(parent);
    }
  }
  return at;
}

/** Names that the kernel lists never are one of these; names from elsewhere must not become a way out. */
function component(name: BytePath): BytePath {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    throw new AmberError('BUG', 'a path component is empty, has a slash or leads upwards');
  }
  return name;
}
