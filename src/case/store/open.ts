/** One capture, opened for reading: its commit marker, and where the bytes of each segment lie. */
import { hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { AmberError, isAmberError } from '../../errors.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { committedParts } from './committed-parts.ts';
import { parseManifest } from './manifest-file.ts';
import { joinedName, SEGMENT } from './object-names.ts';
import { begins, wholePart, type CapturePart, type ForeignPart, type Parts } from './part.ts';
import { misplacedIn } from './place.ts';
import { uncommittedParts } from './uncommitted-parts.ts';
import { openDirectory, readError, readWhole, type CaseStore, type StoredName, type Survey } from './store.ts';

export type { CapturePart, ForeignPart } from './part.ts';

export interface OpenCapture {
  readonly store: CaseStore;
  readonly location: string;
  /** What has a name of ours. */
  readonly objects: readonly StoredName[];
  /** How much else lies there, and what the versions of the objects tell. */
  readonly others: Survey['others'];
  readonly history: Survey['history'];
  /** What has a name of ours and is no plain file, with what it is. */
  readonly odd: ReadonlyMap<string, string>;
  readonly manifest: CaptureManifest | undefined;
  readonly manifestSha256: string | undefined;
  /** Why manifest.json is not usable, where it is there and is not. */
  readonly manifestProblem: string | undefined;
  /** One segment of several was asked for. */
  readonly alone: boolean;
  /** In order, as far as they are there. */
  readonly parts: readonly CapturePart[];
  /** Segments that are not there: named in manifest.json, or a gap in the numbers. */
  readonly missing: readonly number[];
  /** Objects with a name of ours that do not belong: empty ones, those that manifest.json does not name, doubles. */
  readonly unexpectedObjects: readonly ForeignPart[];
  /** What the names of its folders and objects say otherwise than manifest.json and their bytes, one sentence each. */
  readonly misplaced: readonly string[];
  /** A joined tarball beside age files: what an earlier `pull` or `decrypt` made of them. */
  readonly opened: CapturePart | undefined;
}

const MAX_MANIFEST = 64 * 1024 * 1024;
const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Opens a capture in a local folder, or a single tarball or segment.
 *
 * @throws AmberError CASE_MISSING, CASE_DENIED, CASE_UNREADABLE.
 */
export async function openLocal(path: string): Promise<OpenCapture> {
  const target = resolve(path);
  if (!(await isPlainFile(target))) return openCapture(openDirectory(target));
  return openCapture(openDirectory(dirname(target)), basename(target));
}

/**
 * A file, not a folder. @throws AmberError USAGE for what is neither (a pipe, a device), CASE_MISSING, CASE_DENIED,
 * CASE_UNREADABLE.
 */
export async function isPlainFile(path: string): Promise<boolean> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (cause) {
    throw readError(path, cause);
  }
  if (!found.isFile() && !found.isDirectory())
    throw new AmberError('USAGE', `${JSON.stringify(path)} is neither a file nor a folder; expected one of them.`);
  return found.isFile();
}

/** Opens the capture in `store`; with `only`, just that object of it. */
export async function openCapture(store: CaseStore, only?: string): Promise<OpenCapture> {
  const { objects, others, history, odd = NONE } = await surveyOf(store, only);
  const marker = objects.some(({ name }) => name === 'manifest.json') ? await readMarker(store) : undefined;
  const parsed = typeof marker === 'object' ? parseManifest(marker) : marker;
  const manifest = typeof parsed === 'object' ? parsed : undefined;
  const { parts, missing, unexpectedObjects } = await findParts({ store, objects, manifest, only });
  if (parts.length === 0 && unexpectedObjects.length === 0 && marker === undefined) {
    throw new AmberError(
      'CASE_MISSING',
      `There is no capture in ${store.location}: no manifest.json, no capture-NNNN.tar…; \`amber captures\` ` +
        'lists what lies below a folder.',
    );
  }
  const location = only === undefined ? store.location : `${store.location}${only}`;
  return {
    store,
    location,
    objects,
    others,
    history,
    odd,
    manifest,
    parts,
    missing,
    unexpectedObjects,
    manifestSha256: typeof marker === 'object' ? hash('sha256', marker, 'hex') : undefined,
    manifestProblem: typeof parsed === 'string' ? parsed : odd.get('manifest.json'),
    misplaced: [...(manifest === undefined ? [] : misplacedIn(location, manifest)), ...(await notSealed(store, parts))],
    alone: only !== undefined && SEGMENT.test(only),
    opened: only === undefined ? await findOpened(store, objects, manifest) : undefined,
  };
}

/** Age files that are looked into; the digests of all are compared. */
const MAX_LOOKED = 16;

/** Objects with the name of an age file that are none. */
async function notSealed(store: CaseStore, parts: readonly CapturePart[]): Promise<string[]> {
  const looked = parts.filter(({ sealed, bytes }) => sealed && bytes > 0).slice(0, MAX_LOOKED);
  const isAge = await Promise.all(looked.map((part) => begins(store, part)));
  return looked
    .filter((_, at) => isAge[at] !== true)
    .map(({ object }) => `${object} has the name of an age file, and is none`);
}

/** Its bytes; or, in words, that it is too large to be one. @throws AmberError CASE_*. */
async function readMarker(store: CaseStore): Promise<Buffer | string> {
  try {
    return await readWhole(store, 'manifest.json', MAX_MANIFEST);
  } catch (cause) {
    if (!isAmberError(cause) || cause.code !== 'ARCHIVE_CORRUPT') throw cause;
    return cause.message;
  }
}

async function surveyOf(store: CaseStore, only: string | undefined): Promise<Survey> {
  return store.survey === undefined
    ? { objects: await store.list(), others: { count: 0, atLeast: false }, history: undefined }
    : store.survey(only);
}

async function findParts({ store, objects, manifest, only }: Found): Promise<Parts> {
  if (only === undefined)
    return manifest === undefined ? uncommittedParts(store, objects) : committedParts({ store, objects, manifest });
  // The joined file that was named is the segments of its manifest.json, as it is where its folder is named.
  if (manifest?.recipient === null && only === joinedName(manifest.compression))
    return committedParts({ store, objects: objects.filter(({ name }) => name === only), manifest });
  return { parts: [await singlePart({ store, objects, manifest, only }, only)], missing: [], unexpectedObjects: [] };
}

interface Found {
  readonly store: CaseStore;
  readonly objects: readonly StoredName[];
  readonly manifest: CaptureManifest | undefined;
  readonly only: string | undefined;
}

async function singlePart({ store, objects, manifest }: Found, name: string): Promise<CapturePart> {
  const object = objects.find((candidate) => candidate.name === name);
  if (object === undefined)
    throw new AmberError('CASE_MISSING', `${JSON.stringify(name)} is not a plain file of ${store.location}.`);
  return wholePart(
    store,
    object,
    manifest?.segments.find((segment) => segment.name === name),
  );
}

/** What an earlier `pull` or `decrypt` made of the age files. */
async function findOpened(
  store: CaseStore,
  objects: readonly StoredName[],
  manifest: CaptureManifest | undefined,
): Promise<CapturePart | undefined> {
  if (manifest === undefined || manifest.recipient === null) return undefined;
  const joined = objects.find(({ name }) => name === joinedName(manifest.compression));
  return joined === undefined ? undefined : wholePart(store, joined);
}
