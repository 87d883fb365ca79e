/** From what a responder types to the store of a place, or to one capture. */
import { basename, dirname, resolve } from 'node:path';
import { parseBucketUrl, parseFileUrl } from '../../config/destination.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import type { S3ReadOptions } from '../../ship/s3-read.ts';
import { captureIds, findCaptures, manifestIds } from './list.ts';
import { mayHoldCapture } from './lone-file.ts';
import { isCapture, isOwn, isPart } from './object-names.ts';
import { isPlainFile, openCapture, type OpenCapture } from './open.ts';
import { openPrefix } from './s3.ts';
import { openDirectory, type CaseStore, type LeaveOut } from './store.ts';
import { renderText } from '../view/safe-names.ts';

export interface Place {
  readonly store: CaseStore;
  /** A single object of it that was named. */
  readonly only: string | undefined;
  /** Its last part may be the beginning of an id of a capture. */
  readonly short?: ShortId | undefined;
  readonly close: () => void;
}

/** Where to look for a capture, and how its id begins. */
export interface ShortId {
  readonly store: CaseStore;
  readonly id: string;
}

/** Four characters at least, as in git; dashes may be left out. */
const SHORT_ID = /^[0-9a-f](?:-?[0-9a-f]){3,31}$/iu;

function isShortId(text: string): boolean {
  return SHORT_ID.test(text);
}

/**
 * `s3://BUCKET/PREFIX`, `file:///DIR`, or a path; each may end with the beginning of a capture's id.
 *
 * @throws AmberError USAGE, CASE_MISSING, CASE_DENIED, CASE_UNREADABLE.
 */
export async function openPlace(location: string, s3: S3ReadOptions): Promise<Place> {
  if (/^s3:/iu.test(location)) return openBucket(location, s3);
  if (/^[a-z][a-z0-9+.-]+:\/\//iu.test(location) && !/^file:/iu.test(location)) {
    throw new AmberError(
      'USAGE',
      `${JSON.stringify(location)} is neither s3://BUCKET/PREFIX nor file:///DIR nor a path.`,
    );
  }
  const path = resolve(/^file:/iu.test(location) ? localPath(location) : location);
  const short = isShortId(basename(path)) ? { store: openDirectory(dirname(path)), id: basename(path) } : undefined;
  try {
    const isFile = await isPlainFile(path);
    if (isFile) await demandCapture(path, location);
    return {
      store: openDirectory(isFile ? dirname(path) : path),
      only: isFile ? basename(path) : undefined,
      short,
      close: () => undefined,
    };
  } catch (cause) {
    if (short === undefined || !isAmberError(cause) || cause.code !== 'CASE_MISSING') throw cause;
    const { store } = await openShort(short);
    return { store, only: undefined, close: () => undefined };
  }
}

/** @throws AmberError USAGE for a file that no capture is in: nothing is said of it. */
async function demandCapture(path: string, location: string): Promise<void> {
  const store = openDirectory(dirname(path));
  const name = basename(path);
  if (await mayHoldCapture(store, name)) return;
  const what = isOwn(name)
    ? `is a file beside the segments of a capture: give the folder that it is in, ${JSON.stringify(store.location)}`
    : 'is no capture: give the folder that holds manifest.json and the segments, a single segment, or a tarball';
  throw new AmberError('USAGE', `${JSON.stringify(location)} ${what}.`);
}

function localPath(location: string): string {
  const judged = parseFileUrl(location);
  if (!judged.ok)
    throw new AmberError(
      'USAGE',
      `${JSON.stringify(location)} is not usable: expected ${judged.expected}; a path works as well.`,
    );
  return judged.value;
}

async function openBucket(location: string, s3: S3ReadOptions): Promise<Place> {
  const judged = parseBucketUrl(location);
  if (!judged.ok)
    throw new AmberError(
      'USAGE',
      `${JSON.stringify(location)} is no place in S3; expected ${judged.expected}, for example ` +
        's3://evidence-bucket/amber.',
    );
  const { bucket, prefix } = judged.value;
  const { openS3Reader } = await import('../../ship/s3-read.ts');
  const reader = await openS3Reader(bucket, s3);
  const parts = prefix === '' ? [] : prefix.split('/');
  const last = parts.at(-1);
  const only =
    last !== undefined && !location.endsWith('/') && (isPart(last) || last === 'manifest.json') ? last : undefined;
  const folder = (only === undefined ? parts : parts.slice(0, -1)).map((part) => `${part}/`).join('');
  const id = parts.at(-1) ?? '';
  const above = parts
    .slice(0, -1)
    .map((part) => `${part}/`)
    .join('');
  const short = only === undefined && isShortId(id) ? { store: openPrefix(reader, bucket, above), id } : undefined;
  return {
    store: openPrefix(reader, bucket, folder),
    only: only === 'manifest.json' ? undefined : only,
    short,
    close: () => reader.close(),
  };
}

/** Captures that an error names. */
const MAX_NAMED = 10;

/**
 * The capture at a place: in the folder itself, the only one below it, or the one whose id begins as the last part of
 * the place does.
 *
 * @throws AmberError CASE_MISSING; USAGE, naming the captures, where there are several.
 */
export async function openOnly({ store, only, short }: Place): Promise<OpenCapture> {
  if (only !== undefined) return openCapture(store, only);
  if (isCapture(await store.list())) return openCapture(store);
  const found: string[] = [];
  for await (const { folder } of findCaptures(store)) {
    found.push(folder);
    if (found.length > MAX_NAMED) break;
  }
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return openCapture(store.enter(first));
  if (first === undefined && short !== undefined) return openShort(short);
  if (first === undefined)
    throw new AmberError('CASE_MISSING', `There is no capture in ${store.location} or below it.`);
  throw several(`There are several captures below ${store.location}`, store, found);
}

function several(what: string, store: CaseStore, folders: readonly string[]): AmberError {
  const names = folders
    .slice(0, MAX_NAMED)
    .map((folder) => `${store.location}${folder}`)
    .join(' ');
  const example = `${store.location}${folders[0] ?? ''}`;
  return new AmberError(
    'USAGE',
    `${what}; expected one of ${names}${folders.length > MAX_NAMED ? ' …' : ''}; for example ${example}.`,
  );
}

/** As git does: the beginning of an id, where it is that of one capture. */
async function openShort({ store, id }: ShortId): Promise<OpenCapture> {
  // What cannot be read keeps no other capture from being found by its id.
  let unread: string | undefined;
  const passOver: LeaveOut = ({ path, kind }) => void (unread ??= kind === 'unread' ? path : undefined);
  const named = await foldersOf(id, captureIds(store, passOver));
  // Who renames a folder does not take the capture away: manifest.json has its id.
  const found = named.length > 0 ? named : await foldersOf(id, manifestIds(store, passOver));
  const [first, ...others] = found;
  if (first === undefined)
    throw new AmberError(
      'CASE_MISSING',
      `There is no capture in ${store.location} or below it whose id begins with ${id}` +
        `${unread === undefined ? '' : `, as far as it could be read: ${renderText(unread, 500)} could not be`}.`,
    );
  if (others.length > 0) throw several(`The id ${id} is of several captures below ${store.location}`, store, found);
  const capture = await openCapture(first === '' ? store : store.enter(first));
  if (capture.misplaced.length === 0 || named.length === 0) return capture;
  // The folder has the name, and another one may have the capture.
  const real = (await foldersOf(id, manifestIds(store, passOver))).filter((folder) => folder !== first);
  if (real.length === 0) return capture;
  throw several(
    `The id ${id} is in the name of one folder and in manifest.json of another below ${store.location}`,
    store,
    [first, ...real],
  );
}

async function foldersOf(id: string, ids: ReturnType<typeof captureIds>): Promise<readonly string[]> {
  const wanted = plainId(id);
  const found: string[] = [];
  for await (const { folder, captureId } of ids) {
    if (!plainId(captureId).startsWith(wanted)) continue;
    found.push(folder);
    if (found.length > MAX_NAMED) break;
  }
  return found;
}

const plainId = (id: string): string => id.replaceAll('-', '').toLowerCase();

/**
 * Every capture and collection at a place or below it, one after the other, in the order of their names. `deleted`:
 * behind them those of which every object was deleted, where a bucket keeps versions. `leave`: what cannot be read is
 * told to it, and everything else is read.
 */
export async function* openAll(
  { store, only, short }: Place,
  { deleted = false, leave }: { readonly deleted?: boolean; readonly leave?: LeaveOut } = {},
): AsyncGenerator<OpenCapture> {
  if (only !== undefined) {
    yield await openCapture(store, only);
    return;
  }
  const folders = new Set<string>();
  for await (const { folder } of findCaptures(store, leave)) {
    folders.add(folder);
    const capture = await openOr(folder === '' ? store : store.enter(folder), leave);
    if (capture !== undefined) yield capture;
  }
  if (folders.size === 0 && short !== undefined) yield await openShort(short);
  if (!deleted || store.deleted === undefined) return;
  for await (const folder of store.deleted()) {
    if (folders.has(folder)) continue;
    folders.add(folder);
    const here = folder === '' ? store : store.enter(folder);
    if (!isCapture(await here.list())) continue;
    const capture = await openOr(here, leave);
    if (capture !== undefined) yield capture;
  }
}

async function openOr(store: CaseStore, leave: LeaveOut | undefined): Promise<OpenCapture | undefined> {
  try {
    return await openCapture(store);
  } catch (cause) {
    if (leave === undefined || !isAmberError(cause) || !cause.code.startsWith('CASE_')) throw cause;
    leave({ path: store.location, kind: 'unread', why: `${cause.code}: ${cause.message}` });
    return undefined;
  }
}
