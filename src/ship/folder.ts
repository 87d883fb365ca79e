/**
 * A folder that files are only ever added to: opened without following a link below the folder that the user named,
 * private to this uid, every file created exclusively.
 */
import { constants, existsSync } from 'node:fs';
import { access, link, mkdir, open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AmberError, isAmberError, systemCode } from '../errors.ts';
import type { AmberErrorCode } from '../errors.ts';

export interface Folder {
  readonly path: string;
  /** Creates a file; EEXIST if anything, a dangling link too, has the name (O_EXCL, open(2)). */
  readonly create: (name: string) => Promise<FileHandle>;
  readonly remove: (name: string) => Promise<void>;
  /** Gives a file that is complete its name, in one step; EEXIST if anything has it (link(2)). */
  readonly publish: (name: string, as: string) => Promise<void>;
  /** Makes the names durable: fsync(2) of a file does not do that for its entry in the folder. */
  readonly sync: () => Promise<void>;
  readonly close: () => void;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Opens `base` and, below it, one folder a part, making what is not there. `base` itself is made only if its parent is
 * there, so that a mount that is missing is noticed.
 */
export async function openFolder(base: string, parts: readonly string[]): Promise<Folder> {
  await make(base);
  let here = await open(base, DIRECTORY);
  let path = base;
  try {
    for (const part of parts) {
      path = join(path, part);
      here = await descend(here, path, part);
    }
  } catch (error) {
    await here.close();
    throw error;
  }
  return folderOf(here, path);
}

/** Through the descriptor of the parent, so that a folder that is swapped for a link meanwhile does not lead out. */
async function descend(parent: FileHandle, path: string, part: string): Promise<FileHandle> {
  const target = await child(parent, path, part);
  if (await make(target)) await parent.sync();
  const next = await open(target, DIRECTORY | constants.O_NOFOLLOW);
  await parent.close();
  return next;
}

/** True if it was not there. */
async function make(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return false;
  }
}

/** `/proc/self/fd/N/name`, or the plain path on a system without procfs (a developer's machine). */
async function child(parent: FileHandle, path: string, name: string): Promise<string> {
  const through = `/proc/self/fd/${String(parent.fd)}`;
  return access(through).then(
    () => `${through}/${name}`,
    () => path,
  );
}

function folderOf(handle: FileHandle, path: string): Folder {
  let closed = false;
  return {
    path,
    create: async (name) => open(await child(handle, join(path, name), name), CREATE, 0o600),
    remove: async (name) => unlink(await child(handle, join(path, name), name)),
    publish: async (name, as) => {
      const from = await child(handle, join(path, name), name);
      await link(from, await child(handle, join(path, as), as));
      await unlink(from);
    },
    sync: () => handle.sync(),
    close: () => {
      if (closed) return;
      closed = true;
      handle.close().catch(() => undefined);
    },
  };
}

const ADVICE: Readonly<Record<string, readonly [AmberErrorCode, string]>> = {
  ENOENT: ['DESTINATION_MISSING', 'the folder does not exist; create it, or mount what should be there'],
  ENOTDIR: ['DESTINATION_DENIED', 'a part of the path is no folder, or a symbolic link; remove it, or write elsewhere'],
  ELOOP: [
    'DESTINATION_DENIED',
    'a part of the path is a symbolic link, and none is followed; remove it, or write elsewhere',
  ],
  EACCES: ['DESTINATION_DENIED', 'this user may not write there; change the owner or the mode'],
  EPERM: ['DESTINATION_DENIED', 'this user may not write there; change the owner or the mode'],
  EROFS: ['DESTINATION_DENIED', 'the file system is read-only; write elsewhere (in a function /tmp is writable)'],
  EEXIST: ['DESTINATION_EXISTS', 'a file of this name is there already, and nothing is overwritten'],
  ENOSPC: ['DESTINATION_UNAVAILABLE', 'the file system is full; make room'],
  EDQUOT: ['DESTINATION_UNAVAILABLE', 'the quota is used up; make room'],
  EFBIG: ['DESTINATION_UNAVAILABLE', 'the file would be larger than the file system or the limit allows'],
  EIO: ['DESTINATION_UNAVAILABLE', 'the device failed; check it'],
  EMFILE: ['DESTINATION_UNAVAILABLE', 'this process has no file descriptor left'],
  ENFILE: ['DESTINATION_UNAVAILABLE', 'this machine has no file descriptor left'],
};

/** A folder that is there, and no name can be made in it. */
const NO_NAMES: readonly [AmberErrorCode, string] = [
  'DESTINATION_DENIED',
  'its folder is there and takes no new names, as those of /proc and /sys do; write elsewhere',
];

/** The AmberError for a failed write to `path`; an AmberError stays as it is. */
export function folderError(error: unknown, path: string): AmberError {
  if (isAmberError(error)) return error;
  const fault = systemCode(error) ?? 'unknown';
  const isIn = fault === 'ENOENT' && existsSync(dirname(path));
  const [code, advice] = isIn ? NO_NAMES : (ADVICE[fault] ?? ['DESTINATION_FAILED', 'see the cause']);
  return new AmberError(code, `Writing ${JSON.stringify(path)} failed (${fault}): ${advice}`, {
    cause: error,
    details: { path, fault },
  });
}

/** The error for work that its signal ended. */
export function timeEnded(): AmberError {
  return new AmberError('DESTINATION_UNAVAILABLE', 'The time of the capture ended before the file was written.', {
    details: { aborted: true },
  });
}
