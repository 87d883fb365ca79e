/** From what a responder types to the store of a place, or to one capture. */
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AmberError } from '../errors.ts';
import type { S3ReadOptions } from '../ship/s3-read.ts';
import { findCaptures } from './list.ts';
import { isPlainFile, openCapture, type OpenCapture } from './open.ts';
import { openPrefix } from './store-s3.ts';
import { openDirectory, type CaseStore } from './store.ts';

export interface Place {
  readonly store: CaseStore;
  /** A single object of it that was named. */
  readonly only: string | undefined;
  readonly close: () => void;
}

/**
 * `s3://BUCKET/PREFIX`, `file:///DIR`, or a path.
 *
 * @throws AmberError USAGE, CASE_MISSING, CASE_DENIED, CASE_UNREADABLE.
 */
export async function openPlace(location: string, s3: S3ReadOptions): Promise<Place> {
  if (/^s3:/iu.test(location)) return openBucket(location, s3);
  if (/^[a-z][a-z0-9+.-]+:\/\//iu.test(location) && !/^file:/iu.test(location)) {
    throw new AmberError('USAGE', `${JSON.stringify(location)} is neither s3://BUCKET/PREFIX nor file:///DIR nor a path.`);
  }
  const path = resolve(/^file:/iu.test(location) ? localPath(location) : location);
  const isFile = await isPlainFile(path);
  return { store: openDirectory(isFile ? dirname(path) : path), only: isFile ? basename(path) : undefined, close: () => undefined };
}

function localPath(location: string): string {
  try {
    return fileURLToPath(location);
  } catch (cause) {
    throw new AmberError('USAGE', `${JSON.stringify(location)} is not a file: URL with an absolute path.`, { cause });
  }
}

const BUCKET_URL = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:\/(.*))?$/iu;
const OBJECT = /^(?:capture(?:-\d{4,9}(?:-[0-9a-f]{8})?)?\.tar(?:\.zst|\.gz)?(?:\.age)?|manifest\.json)$/u;

async function openBucket(location: string, s3: S3ReadOptions): Promise<Place> {
  const [, bucket, rest = ''] = BUCKET_URL.exec(location) ?? [];
  if (bucket === undefined) throw new AmberError('USAGE', `${JSON.stringify(location)} names no bucket; for example s3://evidence-bucket/amber`);
  const { openS3Reader } = await import('../ship/s3-read.ts');
  const reader = await openS3Reader(bucket, s3);
  const parts = rest.split('/').filter((part) => part !== '');
  const last = parts.at(-1);
  const only = last !== undefined && !rest.endsWith('/') && OBJECT.test(last) ? last : undefined;
  const folder = (only === undefined ? parts : parts.slice(0, -1)).map((part) => `${part}/`).join('');
  return { store: openPrefix(reader, bucket, folder), only: only === 'manifest.json' ? undefined : only, close: () => reader.close() };
}

/** Captures that an error names. */
const MAX_NAMED = 10;

/**
 * The capture at a place: in the folder itself, or the only one below it.
 *
 * @throws AmberError CASE_MISSING, naming the captures where there are several.
 */
export async function openOnly({ store, only }: Place): Promise<OpenCapture> {
  if (only !== undefined) return openCapture(store, only);
  const found: string[] = [];
  for await (const { folder } of findCaptures(store)) {
    if (folder === '') return openCapture(store);
    found.push(folder);
    if (found.length > MAX_NAMED) break;
  }
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return openCapture(store.enter(first));
  if (first === undefined) throw new AmberError('CASE_MISSING', `There is no capture in ${store.location} or below it.`);
  const names = found.slice(0, MAX_NAMED).map((folder) => `${store.location}${folder}`).join(' ');
  throw new AmberError('CASE_MISSING', `There are several captures below ${store.location}: name one of ${names}${found.length > MAX_NAMED ? ' …' : ''}`);
}

/** Every capture and collection at a place or below it, one after the other, in the order of their names. */
export async function* openAll({ store, only }: Place): AsyncGenerator<OpenCapture> {
  if (only !== undefined) {
    yield await openCapture(store, only);
    return;
  }
  for await (const { folder } of findCaptures(store)) yield await openCapture(folder === '' ? store : store.enter(folder));
}
