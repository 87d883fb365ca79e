/** Where the objects of a capture lie, for reading: a folder, or a prefix in S3. Nothing is ever written through it. */
import { constants, type Dirent } from 'node:fs';
import { open, readdir, lstat, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isCapture, isOwn } from './object-names.ts';
import { AmberError, isAmberError, systemCode, type AmberErrorCode } from '../../errors.ts';
import { renderPath } from '../view/safe-names.ts';

/** An object by its name in the folder. */
export interface StoredName {
  readonly name: string;
  readonly bytes: number;
  /** When a bucket took it, ISO 8601; a file's own time tells nothing, because copying makes it new. */
  readonly modified?: string | undefined;
}

export interface Range {
  readonly start: number;
  readonly bytes: number;
}

/** An object that is not as it was first stored. */
export interface ChangedObject {
  readonly name: string;
  /** When a delete marker was laid over it; undefined where there is none. */
  readonly deleted: string | undefined;
  /** Versions that were put over the first one. */
  readonly newer: number;
  /** When the first version was stored. */
  readonly first: string | undefined;
  /** Which of its versions is read. */
  readonly read: 'first' | 'current' | 'none';
}

/** What the versions of the objects tell; `untold` says why they tell nothing. */
export interface History {
  readonly changed: readonly ChangedObject[];
  readonly untold: string | undefined;
}

/** A folder as it was found. */
export interface Survey {
  /** What has a name of ours, sorted by name. */
  readonly objects: readonly StoredName[];
  /** How many other objects there are, or at least. */
  readonly others: { readonly count: number; readonly atLeast: boolean };
  /** Undefined where objects have no versions. */
  readonly history: History | undefined;
  /** What has a name of ours and is no plain file, with what it is: a link in the place of a segment. */
  readonly odd?: ReadonlyMap<string, string>;
}

/** What was passed over, so that it keeps nothing else from being read. */
export interface LeftOut {
  readonly path: string;
  /** `link`: it is not followed, and changes no exit code. `unread`: nobody knows what is in it. */
  readonly kind: 'unread' | 'link';
  /** In words. */
  readonly why: string;
}

export type LeaveOut = (left: LeftOut) => void;

/** A file of a walk. */
export interface WalkedFile extends StoredName {
  /** Relative, without slashes at its ends. */
  readonly folder: string;
  /** It has a name of ours and is no plain file: what it is instead. */
  readonly odd?: string | undefined;
}

export interface CaseStore {
  /** As a responder would type it; ends with a slash. */
  readonly location: string;
  /** Plain files of the folder that have a name of ours, sorted by name; not what lies in folders below. */
  readonly list: () => Promise<readonly StoredName[]>;
  /** The same, with a file of another name that was asked for, and what else is known. */
  readonly survey?: (also?: string) => Promise<Survey>;
  /** Folders below in which something of ours was deleted, where versions tell. */
  readonly deleted?: () => AsyncGenerator<string>;
  /**
   * Files of this folder and of all below, folder after folder. With `leave` a folder that cannot be read is passed
   * over, without it that is an error.
   */
  readonly walk: (leave?: LeaveOut) => AsyncGenerator<WalkedFile>;
  /** The store of a folder below, by its relative path; of this folder where that is empty. */
  readonly enter: (folder: string) => CaseStore;
  /**
   * The bytes of an object, or of a range of it; a shorter object ends early. `reuseBuffers`: a chunk is good until the
   * next one is asked for, so that its memory can be used again (fresh memory costs more than reading from the page
   * cache).
   */
  readonly read: (
    name: string,
    range?: Range,
    options?: { readonly reuseBuffers?: boolean },
  ) => AsyncIterable<Uint8Array>;
}

const CHUNK = 1024 * 1024;

/** Links are not followed: a folder of evidence may hold any. */
export function openDirectory(path: string): CaseStore {
  return {
    location: path.endsWith('/') ? path : `${path}/`,
    list: async () => (await surveyFolder(path)).objects,
    survey: (also) => surveyFolder(path, also),
    walk: (leave) => walkFolder({ base: path, folder: '', depth: 0, inside: false }, leave),
    enter: (folder) => openDirectory(join(path, folder)),
    read: (name, range, options) => readFile(join(path, name), range, options),
  };
}

/** A capture lies five folders below its destination; a few more may stand above. */
const MAX_DEPTH = 12;

interface Step {
  readonly base: string;
  readonly folder: string;
  readonly depth: number;
  /** Below the folder of a capture: what was unpacked there has links and names of any kind. */
  readonly inside: boolean;
}

async function* walkFolder(step: Step, leave: LeaveOut | undefined): AsyncGenerator<WalkedFile> {
  const { base, folder, depth, inside } = step;
  const path = join(base, folder);
  let entries: readonly Dirent[];
  let files: readonly StoredName[];
  try {
    entries = await attempt(path, () => readdir(path, { withFileTypes: true }));
    files = await attempt(path, () => withSizes(path, namesOf(entries)));
  } catch (cause) {
    if (leave === undefined || depth === 0 || !isAmberError(cause)) throw cause;
    leave({ path: `${path}/`, kind: 'unread', why: `${cause.code}: ${cause.message}` });
    return;
  }
  for (const file of files) yield { ...file, folder };
  const odd = entries.filter((entry) => isOwn(entry.name) && !entry.isFile());
  for (const entry of odd) yield { name: entry.name, bytes: 0, folder, odd: kindOf(entry) };
  if (leave !== undefined && !inside) await tellPassed(path, entries, leave);
  if (depth === MAX_DEPTH) return;
  const below = { base, depth: depth + 1, inside: inside || isCapture(files) };
  for (const name of foldersOf(entries).filter(isText))
    yield* walkFolder({ ...below, folder: join(folder, name) }, leave);
}

function foldersOf(entries: readonly Dirent[]): readonly string[] {
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** Links that may lead to a capture, and folders whose names cannot be asked for. */
async function tellPassed(path: string, entries: readonly Dirent[], leave: LeaveOut): Promise<void> {
  for (const name of foldersOf(entries).filter((one) => !isText(one)))
    leave({ path: join(path, name), kind: 'unread', why: 'CASE_UNREADABLE: the name of the folder is no UTF-8' });
  for (const entry of entries) {
    if (!entry.isSymbolicLink() || isOwn(entry.name)) continue;
    const target = await stat(join(path, entry.name)).catch(() => undefined);
    if (target?.isFile() !== true) leave({ path: join(path, entry.name), kind: 'link', why: kindOf(entry) });
  }
}

/**
 * False for a name whose bytes are no UTF-8: Node puts U+FFFD in their place, and finds nothing under that name.
 * Extracted evidence holds such names, and no name of Amber's own is one of them.
 */
function isText(name: string): boolean {
  return !name.includes('\u{fffd}');
}

async function surveyFolder(path: string, also?: string): Promise<Survey> {
  const entries = await attempt(path, () => readdir(path, { withFileTypes: true }));
  const names = namesOf(entries);
  const objects = await attempt(path, () =>
    withSizes(
      path,
      names.filter((name) => isOwn(name) || name === also),
    ),
  );
  const odd = new Map(
    entries.flatMap((entry) => (isOwn(entry.name) && !entry.isFile() ? [[entry.name, kindOf(entry)] as const] : [])),
  );
  return { objects, others: { count: names.length - objects.length, atLeast: false }, history: undefined, odd };
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return 'it is a symbolic link, and links are not followed';
  if (entry.isDirectory()) return 'it is a folder';
  return entry.isFIFO() ? 'it is a FIFO' : 'it is neither a file nor a folder';
}

/** Of plain files. */
function namesOf(entries: readonly Dirent[]): readonly string[] {
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

async function withSizes(path: string, names: readonly string[]): Promise<readonly StoredName[]> {
  const found: StoredName[] = [];
  for (const name of names.filter(isText)) {
    const bytes = await lstat(join(path, name)).then(({ size }) => size, unlessGone);
    if (bytes !== undefined) found.push({ name, bytes });
  }
  return found;
}

/** A file may be removed between the listing and this. */
function unlessGone(cause: unknown): undefined {
  if (systemCode(cause) !== 'ENOENT') throw cause;
}

/** The bytes of one plain file, of whatever name. A FIFO or device in its place does not block: it is refused. */
export async function* readFile(
  name: string | Buffer,
  range?: Range,
  { reuseBuffers = false }: { readonly reuseBuffers?: boolean } = {},
): AsyncGenerator<Buffer> {
  const path = typeof name === 'string' ? name : renderPath(name.toString('latin1'));
  const file = await attempt(path, () => open(name, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  try {
    if (!(await file.stat()).isFile())
      throw new AmberError('CASE_MISSING', `${JSON.stringify(path)} is not a plain file.`);
    yield* chunks(file, path, range, { reuseBuffers });
  } finally {
    await file.close();
  }
}

async function* chunks(
  file: FileHandle,
  path: string,
  range: Range | undefined,
  { reuseBuffers }: { readonly reuseBuffers: boolean },
): AsyncGenerator<Buffer> {
  let at = range?.start ?? 0;
  const end = range === undefined ? Number.MAX_SAFE_INTEGER : range.start + range.bytes;
  let buffer: Buffer | undefined;
  while (at < end) {
    const most = Math.min(CHUNK, end - at);
    if (!reuseBuffers || buffer === undefined) buffer = Buffer.allocUnsafeSlow(most);
    const target = buffer;
    const { bytesRead } = await attempt(path, () => file.read(target, 0, Math.min(most, target.length), at));
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** All bytes of a small object. @throws AmberError ARCHIVE_CORRUPT beyond `most` bytes. */
export async function readWhole(store: CaseStore, name: string, most: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of store.read(name)) {
    bytes += piece.length;
    if (bytes > most)
      throw new AmberError(
        'ARCHIVE_CORRUPT',
        `${JSON.stringify(name)} is larger than ${most} bytes: it was not written by Amber.`,
      );
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const MEANING: Readonly<Record<string, readonly [AmberErrorCode, string]>> = {
  ENOENT: ['CASE_MISSING', 'there is no such file or folder'],
  ENOTDIR: ['CASE_MISSING', 'a part of the path is not a folder'],
  ELOOP: ['CASE_MISSING', 'it is a symbolic link, and links are not followed'],
  EISDIR: ['CASE_UNREADABLE', 'it is a folder, not a file'],
  EACCES: ['CASE_DENIED', 'this user may not read it'],
  EPERM: ['CASE_DENIED', 'this user may not read it'],
};

async function attempt<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw readError(path, cause);
  }
}

/** The AmberError for a failed read of a local path. */
export function readError(path: string, cause: unknown): AmberError {
  const fault = systemCode(cause) ?? 'unknown';
  const [code, advice] = MEANING[fault] ?? ['CASE_UNREADABLE', 'the file system failed'];
  return new AmberError(code, `Reading ${JSON.stringify(path)} failed (${fault}): ${advice}.`, {
    cause,
    details: { path, fault },
  });
}
