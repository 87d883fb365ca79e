/** A folder or file that appears under its name only when it is complete. */
import { randomBytes } from 'node:crypto';
import { constants, lstatSync, rmSync } from 'node:fs';
import { link, mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AmberError } from '../../errors.ts';
import { folderError } from '../../ship/folder.ts';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Runs `fill` on a fresh folder beside `path` and gives it its name at the end. After an error nothing is left.
 *
 * @throws AmberError CASE_EXISTS where something is there already, DESTINATION_* where it cannot be written.
 */
export async function fillFolder<T>(path: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  demandFree(target);
  const work = besides(target);
  await writing(work, () => mkdir(work, { mode: 0o700 }));
  try {
    const result = await fill(work);
    demandFree(target);
    await writing(target, () => rename(work, target));
    return result;
  } catch (cause) {
    rmSync(work, { recursive: true, force: true });
    throw cause;
  }
}

/** The same for one file. A name that is taken meanwhile is not overwritten. */
export async function fillFile<T>(path: string, fill: (file: FileHandle) => Promise<T>): Promise<T> {
  const target = resolve(path);
  demandFree(target);
  const work = besides(target);
  const file = await writing(work, () => open(work, CREATE, 0o600));
  try {
    const result = await fill(file);
    await writing(work, () => file.datasync());
    await writing(target, () => link(work, target));
    return result;
  } finally {
    await file.close();
    await unlink(work).catch(() => undefined);
  }
}

/** A new file in a folder of ours. */
export async function createFile(path: string): Promise<FileHandle> {
  return writing(path, () => open(path, CREATE, 0o600));
}

/** Appends bytes. @throws AmberError DESTINATION_* */
export async function append(file: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  await writing(path, () => file.writeFile(bytes));
}

function besides(target: string): string {
  return join(dirname(target), `.${basename(target).slice(0, 100)}.partial-${randomBytes(4).toString('hex')}`);
}

/** For what takes long: asked before it begins, too. @throws AmberError CASE_EXISTS, DESTINATION_*. */
export function demandFree(target: string): void {
  try {
    if (lstatSync(target, { throwIfNoEntry: false }) === undefined) return;
  } catch (cause) {
    throw folderError(cause, target);
  }
  throw new AmberError(
    'CASE_EXISTS',
    `${JSON.stringify(target)} is there already, and nothing is overwritten: name another with --to.`,
  );
}

async function writing<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw folderError(cause, path);
  }
}
