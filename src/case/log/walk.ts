/**
 * The files of a folder that holds a log, one after the other. What is there and is not read has its reason: a part of
 * a log that nobody reads may name what is missing. Names are bytes, one character each: not all of them are UTF-8.
 */
import { opendir, realpath, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BytePath } from '../../contracts/evidence.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import { readError, readFile } from '../store/store.ts';
import { renderPath } from '../view/safe-names.ts';
import { many } from '../../many.ts';

export interface LogFile {
  readonly name: string;
  /** Rejects with an AmberError where it cannot be read, or not to its end. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface WalkLimits {
  /** Files, folders and whatever else, in all folders together. */
  readonly names: number;
  readonly depth: number;
  /** Of all files together. */
  readonly bytes: number;
}

const LIMITS: WalkLimits = { names: 200_000, depth: 12, bytes: 64 * 1024 ** 3 };

/** `proc` and `sysfs` (statfs(2)): what the kernel tells there is no log; some of it waits, some has no end. */
const OF_THE_KERNEL: ReadonlySet<number> = new Set([0x9fa0, 0x62656572]);

/** Never rejects because of what lies there. */
export async function* filesBelow(path: string, limits: WalkLimits = LIMITS): AsyncGenerator<LogFile> {
  const base = bytesOf(resolve(path));
  const walk: Walk = { base, real: await realpath(fileName(base), 'latin1'), limits, names: 0, bytes: 0, full: false };
  yield* filesIn(walk, '', 0);
}

interface Walk {
  readonly base: BytePath;
  /** The same without links. */
  readonly real: BytePath;
  readonly limits: WalkLimits;
  names: number;
  bytes: number;
  full: boolean;
}

async function* filesIn(walk: Walk, folder: BytePath, depth: number): AsyncGenerator<LogFile> {
  const { limits } = walk;
  const here = folder === '' ? walk.base : `${walk.base}/${folder}`;
  const folders: BytePath[] = [];
  try {
    if (depth > limits.depth) throw unread(`it lies more than ${many(limits.depth, 'folder')} deep`);
    if (OF_THE_KERNEL.has((await statfs(fileName(here))).type))
      throw unread('the kernel makes it, and keeps no log there');
    for await (const entry of await opendir(fileName(here), { encoding: 'latin1' })) {
      if (walk.names === limits.names) {
        walk.full = true;
        throw unread(`there are more than ${many(limits.names, 'name')} below the folder: the rest is not read`);
      }
      walk.names += 1;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) yield { name: renderPath(path), bytes: bounded(walk, `${walk.base}/${path}`) };
      else {
        const reason = entry.isSymbolicLink() ? await linkReason(walk, path) : 'it is neither a file nor a folder';
        if (reason !== undefined) yield refused(path, unread(reason));
      }
    }
  } catch (cause) {
    yield refused(folder === '' ? '.' : folder, isAmberError(cause) ? cause : readError(renderPath(here), cause));
  }
  for (const path of folders.sort()) if (!walk.full) yield* filesIn(walk, path, depth + 1);
}

/** A link to what lies in the folder leads to what is read in its own place. */
async function linkReason({ base, real }: Walk, path: BytePath): Promise<string | undefined> {
  try {
    const target = await realpath(fileName(`${base}/${path}`), 'latin1');
    if (target === real || target.startsWith(`${real}/`)) return undefined;
  } catch {
    return 'it is a symbolic link to what cannot be reached';
  }
  return 'it is a symbolic link that leads out of the folder, and is not followed';
}

async function* bounded(walk: Walk, path: BytePath): AsyncGenerator<Uint8Array> {
  for await (const chunk of readFile(fileName(path))) {
    walk.bytes += chunk.length;
    if (walk.bytes > walk.limits.bytes)
      throw unread(`the files of the folder have more than ${many(walk.limits.bytes, 'byte')}: the rest is not read`);
    yield chunk;
  }
}

function refused(path: BytePath, error: AmberError): LogFile {
  return { name: renderPath(path), bytes: failing(error) };
}

async function* failing(error: AmberError): AsyncGenerator<Uint8Array> {
  await Promise.reject(error);
}

function unread(reason: string): AmberError {
  return new AmberError('CASE_UNREADABLE', `${reason}.`);
}

const bytesOf = (path: string): BytePath => Buffer.from(path).toString('latin1');
const fileName = (path: BytePath): Buffer => Buffer.from(path, 'latin1');
