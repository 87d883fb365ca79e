/** Where a ring lies: a file without a name, which nobody lists and which is gone with its last descriptor. */

import { kept } from './kept.ts';

const { closeSync, constants, fstatSync, ftruncateSync, openSync, unlinkSync } = kept;

/** An open file without a name. */
export interface Place {
  readonly fd: number;
  readonly inode: number;
  readonly device: number;
  /** Birth, milliseconds since the epoch: a file system gives the number of a file that is gone to the next one. */
  readonly bornMs: number;
  readonly bytes: number;
  /** The folder in which it was made. */
  readonly folder: string;
}

/** No folder takes a file: why, for each. */
export interface NoPlace {
  readonly refused: string;
}

/** Memory first: what is written there costs no disk. On Lambda it is absent, and /tmp serves. */
export const FOLDERS: readonly string[] = ['/dev/shm', '/tmp'];

/** O_TMPFILE without O_DIRECTORY, which it includes (include/uapi/asm-generic/fcntl.h): the same on every machine. */
const TMPFILE_BIT = 0o20_000_000;
/** O_DIRECTORY by machine (arch/arm64/include/uapi/asm/fcntl.h; all others that Node runs on: asm-generic). */
const DIRECTORY: Readonly<Record<string, number>> = { arm64: 0o40_000, arm: 0o40_000 };
export const OWNER_ONLY = 0o600;
const TRIES = 3;

/**
 * The flag O_TMPFILE, which Node does not name. On arm64 the number of x86 would mean O_DIRECT.
 *
 * @param directory - O_DIRECTORY, as Node knows it where it knows it
 */
export function tmpfileFlag(arch: string = process.arch, directory: number | undefined = known(arch)): number {
  return TMPFILE_BIT | (directory ?? DIRECTORY[arch] ?? 0o200_000);
}

function known(arch: string): number | undefined {
  return arch === process.arch ? constants.O_DIRECTORY : undefined;
}

/**
 * Makes a file without a name and of `bytes`, in the first folder that takes it. Where O_TMPFILE is refused (NFS,
 * overlayfs of old kernels), a file is made that is there before to nobody, and its name is taken away at once.
 *
 * @param flag - other than {@link tmpfileFlag} for tests
 */
export function makePlace(
  bytes: number,
  folders: readonly string[] = FOLDERS,
  flag: number = tmpfileFlag(),
): Place | NoPlace {
  const refused: string[] = [];
  for (const folder of folders) {
    for (const open of [openNameless, openUnlinked]) {
      let fd = -1;
      try {
        fd = open(folder, flag);
        ftruncateSync(fd, bytes);
        const { ino: inode, dev: device, birthtimeMs: bornMs, nlink } = fstatSync(fd);
        if (nlink === 0) return { fd, inode, device, bornMs, bytes, folder };
        refused.push(`${folder}: the file has a name`);
      } catch (error) {
        refused.push(`${folder}: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
      }
      if (fd >= 0) closeSync(fd);
    }
  }
  return { refused: refused.join(', ') };
}

function openNameless(folder: string, flag: number): number {
  return openSync(folder, constants.O_RDWR | flag, OWNER_ONLY);
}

function openUnlinked(folder: string): number {
  for (let tries = 1; ; tries += 1) {
    const path = `${folder}/.amber-${String(process.pid)}-${Math.random().toString(36).slice(2)}`;
    try {
      const fd = openSync(
        path,
        constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        OWNER_ONLY,
      );
      unlinkSync(path);
      return fd;
    } catch (error) {
      if (tries === TRIES || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** True while the number still leads to the file that was made: a function may have closed every descriptor. */
export function isInPlace({ fd, inode, device, bornMs, bytes }: Place): boolean {
  try {
    const { ino, dev, birthtimeMs, nlink, size } = fstatSync(fd);
    return ino === inode && dev === device && birthtimeMs === bornMs && nlink === 0 && size === bytes;
  } catch {
    return false;
  }
}

/** Closes it, unless its number is that of somebody else's file by now. */
export function leave(place: Place): void {
  if (isInPlace(place)) closeSync(place.fd);
}
