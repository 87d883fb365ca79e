/** One capture, opened for reading: its commit marker, and where the bytes of each segment lie. */
import { hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { AmberError } from '../../errors.ts';
import type { CaptureManifest, CommittedSegment } from '../../seal/commit.ts';
import { packingByName, packingOf, type Packing } from '../tar/decompress.ts';
import { findLate } from './late.ts';
import { parseManifest } from './manifest-file.ts';
import { JOINED, SEGMENT } from './object-names.ts';
import {
  openDirectory,
  readError,
  readWhole,
  type CaseStore,
  type Range,
  type StoredName,
  type Survey,
} from './store.ts';

/** Bytes that follow each other in one object: a segment, or a joined tarball of which the segments are not known. */
export interface CapturePart {
  /** Undefined for a joined tarball. */
  readonly number: number | undefined;
  readonly object: string;
  /** Where in the object; undefined: all of it. */
  readonly range: Range | undefined;
  /** Bytes that are there. */
  readonly bytes: number;
  readonly packing: Packing;
  /** An age file. */
  readonly sealed: boolean;
  /** What manifest.json says of it. */
  readonly committed: CommittedSegment | undefined;
}

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
  /** Objects that look like segments, and are empty, none that manifest.json names, or a second one of a number. */
  readonly unexpectedObjects: readonly CapturePart[];
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
  const marker = objects.some(({ name }) => name === 'manifest.json')
    ? await readWhole(store, 'manifest.json', MAX_MANIFEST)
    : undefined;
  const parsed = marker === undefined ? undefined : parseManifest(marker);
  const manifest = typeof parsed === 'object' ? parsed : undefined;
  const { parts, missing, unexpectedObjects } = await findParts({ store, objects, manifest, only });
  if (parts.length === 0 && unexpectedObjects.length === 0 && marker === undefined) {
    throw new AmberError(
      'CASE_MISSING',
      `There is no capture in ${store.location}: no manifest.json, no capture-NNNN.tar…; \`amber captures\` ` +
        'lists what lies below a folder.',
    );
  }
  return {
    store,
    objects,
    others,
    history,
    odd,
    manifest,
    parts,
    missing,
    unexpectedObjects,
    location: only === undefined ? store.location : `${store.location}${only}`,
    manifestSha256: marker === undefined ? undefined : hash('sha256', marker, 'hex'),
    manifestProblem: typeof parsed === 'string' ? parsed : odd.get('manifest.json'),
    alone: only !== undefined && SEGMENT.test(only),
    opened: manifest?.recipient == null || only !== undefined ? undefined : await findOpened(store, objects),
  };
}

async function surveyOf(store: CaseStore, only: string | undefined): Promise<Survey> {
  return store.survey === undefined
    ? { objects: await store.list(), others: { count: 0, atLeast: false }, history: undefined }
    : store.survey(only);
}

interface Found {
  readonly store: CaseStore;
  readonly objects: readonly StoredName[];
  readonly manifest: CaptureManifest | undefined;
  readonly only: string | undefined;
}

interface Committed {
  readonly manifest: CaptureManifest;
  readonly objects: readonly StoredName[];
  /** Objects of segments that it calls lost, by number. */
  readonly late: ReadonlyMap<number, StoredName>;
}

interface Parts {
  readonly parts: readonly CapturePart[];
  readonly missing: readonly number[];
  readonly unexpectedObjects: readonly CapturePart[];
}

async function findParts(found: Found): Promise<Parts> {
  const { store, objects, manifest, only } = found;
  if (only !== undefined) return { parts: [await singlePart(found, only)], missing: [], unexpectedObjects: [] };
  const joined = objects.find(({ name }) => JOINED.test(name));
  const all = await apartParts(store, objects);
  const segments = all.filter(({ bytes }) => bytes > 0);
  const empty = all.filter(({ bytes }) => bytes === 0);
  if (manifest !== undefined) {
    const late = await findLate(store, manifest, objects);
    const named = new Set(manifest.segments.map(({ number, name }) => late.get(number)?.name ?? name));
    const committed = committedParts({ ...found, manifest, late }, manifest.recipient === null ? joined : undefined);
    return { ...committed, unexpectedObjects: [...segments.filter(({ object }) => !named.has(object)), ...empty] };
  }
  const apart = ownForm(segments);
  const own = new Set(apart);
  const unexpectedObjects = all.filter((part) => !own.has(part));
  if (apart.length === 0 && joined !== undefined)
    return { parts: [await wholePart(store, joined, undefined)], missing: [], unexpectedObjects };
  const numbers = new Set(apart.map(({ number }) => number));
  const last = apart.at(-1)?.number ?? -1;
  const missing: number[] = [];
  for (let number = 0; number < last && missing.length < 10_000; number += 1)
    if (!numbers.has(number)) missing.push(number);
  return { parts: apart, missing, unexpectedObjects };
}

/**
 * Without manifest.json: the form (compression, encryption) of the segments of a capture is one, so those of another
 * form are somebody else's. It is the form in which most of the first numbers are there. Of two of a number the one
 * with digits came second, because the plain name was taken; more of them are a flood.
 */
function ownForm(segments: readonly CapturePart[]): readonly CapturePart[] {
  const forms = Map.groupBy(segments, ({ object }) => SEGMENT.exec(object)?.[3] ?? '');
  const chosen = [...forms.values()].map((parts) => {
    const apart = [...Map.groupBy(parts, ({ number }) => number).values()].flatMap((same) =>
      same.length === 2 ? same.slice(1) : same.slice(0, 1),
    );
    return { apart, run: apart.findIndex(({ number }, index) => number !== index) };
  });
  const length = ({ apart, run }: (typeof chosen)[number]): number => (run < 0 ? apart.length : run);
  chosen.sort((one, other) => length(other) - length(one) || other.apart.length - one.apart.length);
  return chosen[0]?.apart ?? [];
}

/** Segments apart under their names; the others one after the other in the joined file. */
function committedParts(
  { manifest, objects, late }: Committed,
  joined: StoredName | undefined,
): Omit<Parts, 'unexpectedObjects'> {
  // Amber writes no empty segment: somebody who emptied one has removed it.
  const byName = new Map(objects.flatMap((object) => (object.bytes === 0 ? [] : [[object.name, object] as const])));
  const parts: CapturePart[] = [];
  const missing: number[] = [];
  let start = 0;
  for (const committed of manifest.segments) {
    const { number, name } = committed;
    const facts = { number, packing: manifest.compression, sealed: manifest.recipient !== null, committed };
    const apart = late.get(number) ?? byName.get(name);
    if (apart !== undefined) parts.push({ ...facts, object: apart.name, range: undefined, bytes: apart.bytes });
    else if (joined !== undefined && committed.state !== 'lost' && start < joined.bytes) {
      const bytes = Math.min(committed.bytes, joined.bytes - start);
      parts.push({ ...facts, object: joined.name, range: { start, bytes }, bytes });
      start += committed.bytes;
    } else missing.push(number);
  }
  return { parts, missing };
}

/** In order; of two with one number the plain name first. */
async function apartParts(store: CaseStore, objects: readonly StoredName[]): Promise<readonly CapturePart[]> {
  const parts: CapturePart[] = [];
  for (const object of objects) if (SEGMENT.test(object.name)) parts.push(await wholePart(store, object, undefined));
  const digits = ({ object }: CapturePart): number => (SEGMENT.exec(object)?.[2] === undefined ? 0 : 1);
  return parts.sort((one, other) => (one.number ?? 0) - (other.number ?? 0) || digits(one) - digits(other));
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

async function findOpened(store: CaseStore, objects: readonly StoredName[]): Promise<CapturePart | undefined> {
  const joined = objects.find(({ name }) => JOINED.test(name));
  return joined === undefined ? undefined : wholePart(store, joined, undefined);
}

async function wholePart(
  store: CaseStore,
  { name, bytes }: StoredName,
  committed: CommittedSegment | undefined,
): Promise<CapturePart> {
  const [, digits] = SEGMENT.exec(name) ?? [];
  return {
    number: digits === undefined ? undefined : Number(digits),
    object: name,
    range: undefined,
    bytes,
    committed,
    packing: packingByName(name) ?? packingOf(await firstBytes(store, name)),
    sealed: name.endsWith('.age'),
  };
}

async function firstBytes(store: CaseStore, name: string): Promise<Uint8Array> {
  for await (const piece of store.read(name, { start: 0, bytes: 4 })) return piece;
  return new Uint8Array(0);
}
