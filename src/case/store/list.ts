/** The captures below a place, each with what its commit marker tells. */
import type { Outcome } from '../../contracts/evidence.ts';
import { isAmberError } from '../../errors.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { completenessText } from './completeness.ts';
import { parseManifest } from './manifest-file.ts';
import { isOwn, isPart, JOINED, SEGMENT } from './object-names.ts';
import { readWhole, type CaseStore, type StoredName } from './store.ts';

/** One folder that holds a capture. */
export interface FoundCapture {
  /** Relative to where the search began; empty for that place itself. */
  readonly folder: string;
  readonly objects: readonly StoredName[];
}

export interface CaptureSummary {
  readonly location: string;
  readonly captureId: string | undefined;
  /** ISO 8601. Of a cut capture from its id (a UUIDv7 begins with the time), else from manifest.json. */
  readonly started: string | undefined;
  readonly functionName: string | undefined;
  /** The sandbox: one log stream each. */
  readonly logStream: string | undefined;
  readonly trigger: string | undefined;
  /** Id of the order behind it. */
  readonly order: string | undefined;
  readonly reason: string | undefined;
  readonly state: 'whole' | 'cut' | 'unreadable';
  /** Why its host ended it before its time, such as an order to stop. */
  readonly endedEarly: string | undefined;
  readonly sealed: boolean;
  readonly segments: number;
  /** Segments that are not there, or are empty: named in manifest.json, or a gap in the numbers. */
  readonly missing: readonly number[];
  /** manifest.json calls them stored, and they are not there: somebody has removed them. */
  readonly removed: readonly number[];
  readonly bytes: number;
  /** Whether the evidence is all there, in words; undefined where no manifest.json tells. */
  readonly completeness: string | undefined;
  /** Items by outcome, other than collected, changed and empty; undefined where no manifest.json tells. */
  readonly notCollected: Readonly<Partial<Record<Outcome, number>>> | undefined;
}

const MAX_MANIFEST = 64 * 1024 * 1024;
/** Objects that are kept of one folder. */
const MAX_OBJECTS = 100_000;
const IN_FLIGHT = 8;
const MAX_GAPS = 10_000;

/**
 * Folders that hold a manifest.json or something that has the name of a segment; one inside of another comes first. A
 * bucket lists keys in the order of their bytes, so that a folder comes in pieces around the folders in it.
 */
export async function* findCaptures(store: CaseStore): AsyncGenerator<FoundCapture> {
  let open: { folder: string; objects: StoredName[] }[] = [];
  for await (const { folder, name, bytes } of store.walk()) {
    const [over, around] = [
      open.filter((one) => !isBelow(folder, one.folder)),
      open.filter((one) => isBelow(folder, one.folder)),
    ];
    for (const one of over.reverse()) if (isCapture(one.objects)) yield one;
    open = around;
    if (!isOwn(name)) continue;
    let here = open.at(-1);
    if (here?.folder !== folder) open.push((here = { folder, objects: [] }));
    if (here.objects.length < MAX_OBJECTS) here.objects.push({ name, bytes });
  }
  for (const one of open.reverse()) if (isCapture(one.objects)) yield one;
}

function isBelow(folder: string, ancestor: string): boolean {
  return ancestor === '' || folder === ancestor || folder.startsWith(`${ancestor}/`);
}

/** Whether a folder with these objects holds a capture. */
export function isCapture(objects: readonly StoredName[]): boolean {
  return objects.some(({ name }) => isPart(name) || name === 'manifest.json');
}

/** Reads the commit markers, a few at a time. The order is that of the walk. */
export async function* listCaptures(store: CaseStore): AsyncGenerator<CaptureSummary> {
  const waiting: Promise<CaptureSummary>[] = [];
  for await (const found of findCaptures(store)) {
    const summary = summarise(store.enter(found.folder), found.objects);
    summary.catch(() => undefined); // awaited in its turn
    waiting.push(summary);
    const first = waiting.length >= IN_FLIGHT ? waiting.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const summary of waiting) yield await summary;
}

async function summarise(store: CaseStore, objects: readonly StoredName[]): Promise<CaptureSummary> {
  const parts = objects.filter(({ name }) => isPart(name));
  const manifest = objects.some(({ name }) => name === 'manifest.json') ? await readManifest(store) : undefined;
  const facts = { location: store.location, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
  const place = placeOf(store.location);
  if (typeof manifest === 'object')
    return { ...facts, ...committed(manifest, place.functionName), ...missingOf(manifest, parts) };
  return {
    ...facts,
    ...place,
    started: place.captureId === undefined ? undefined : timeOfId(place.captureId),
    logStream: undefined,
    trigger: undefined,
    order: undefined,
    reason: manifest,
    endedEarly: undefined,
    state: manifest === undefined ? 'cut' : 'unreadable',
    sealed: parts.some(({ name }) => name.endsWith('.age')),
    segments: parts.length,
    missing: gaps(parts),
    removed: [],
    notCollected: undefined,
    completeness: undefined,
  };
}

type Missing = Pick<CaptureSummary, 'missing' | 'removed'>;

/** What manifest.json names and no object holds. One that it calls lost may have come later, under another name. */
function missingOf({ segments, recipient }: CaptureManifest, parts: readonly StoredName[]): Missing {
  const filled = parts.filter(({ bytes }) => bytes > 0);
  const names = new Set(filled.map(({ name }) => name));
  const numbers = new Set(filled.map(({ name }) => numberOf(name)));
  let left = recipient === null ? (filled.find(({ name }) => JOINED.test(name))?.bytes ?? 0) : 0;
  const missing = segments.filter(({ name, number, state, bytes }) => {
    if (names.has(name) || (state === 'lost' && numbers.has(number))) return false;
    if (state === 'lost' || left <= 0) return true;
    left -= bytes;
    return false;
  });
  return {
    missing: missing.map(({ number }) => number),
    removed: missing.filter(({ state }) => state !== 'lost').map(({ number }) => number),
  };
}

/** Without manifest.json: the numbers below the last one that no object has. */
function gaps(parts: readonly StoredName[]): readonly number[] {
  const numbers = new Set(parts.filter(({ bytes }) => bytes > 0).map(({ name }) => numberOf(name)));
  const last = Math.max(-1, ...[...numbers].filter((number) => number !== undefined));
  const missing: number[] = [];
  for (let number = 0; number < last && missing.length < MAX_GAPS; number += 1)
    if (!numbers.has(number)) missing.push(number);
  return numbers.has(undefined) ? [] : missing;
}

function numberOf(name: string): number | undefined {
  const digits = SEGMENT.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * The manifest, or why there is none that can be read. A folder that we may not read is no reason to hide the others.
 */
async function readManifest(store: CaseStore): Promise<CaptureManifest | string> {
  try {
    const parsed = parseManifest(await readWhole(store, 'manifest.json', MAX_MANIFEST));
    return typeof parsed === 'string' ? `manifest.json is not usable: ${parsed}` : parsed;
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    return cause.message;
  }
}

const FINE: ReadonlySet<string> = new Set(['collected', 'changed', 'empty']);

/** Items that are not among the evidence as they should be, by outcome. */
export function notCollected(
  outcomes: Readonly<Partial<Record<Outcome, number>>>,
): Readonly<Partial<Record<Outcome, number>>> {
  return Object.fromEntries(Object.entries(outcomes).filter(([outcome, count]) => !FINE.has(outcome) && count > 0));
}

function committed(
  manifest: CaptureManifest,
  functionInPath: string | undefined,
): Omit<CaptureSummary, 'location' | 'bytes' | 'missing' | 'removed'> {
  const { captureId, clocks, cause, state, recipient, segments, outcomes } = manifest;
  const name: unknown = 'functionName' in manifest.identity ? manifest.identity.functionName : undefined;
  const stream: unknown = 'logStream' in manifest.identity ? manifest.identity.logStream : undefined;
  return {
    captureId,
    state,
    segments: segments.length,
    sealed: recipient !== null,
    started: clocks.started,
    functionName: typeof name === 'string' ? name : functionInPath,
    logStream: typeof stream === 'string' ? stream : undefined,
    trigger: cause.trigger,
    order: cause.order?.id,
    reason: cause.reason,
    endedEarly: typeof manifest.endedEarly === 'string' ? manifest.endedEarly : undefined,
    completeness: completenessText(manifest),
    notCollected: notCollected(outcomes),
  };
}

/** `capture=ID` as stored, `capture-ID` as `amber pull` names a folder. */
const IN_PATH = /(?:^|\/)(?:capture=([^/]+)|capture-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))(?:\/[^/]*)?$/u;

/** What the folder's own names say: `…/function=NAME/date=…/capture=ID/`. */
export function placeOf(location: string): { captureId: string | undefined; functionName: string | undefined } {
  const [, stored, pulled] = IN_PATH.exec(location) ?? [];
  return { captureId: stored ?? pulled, functionName: /(?:^|\/)function=([^/]+)\//u.exec(location)?.[1] };
}

/**
 * Ids of the captures below a place, from the names of their folders, or from manifest.json where those do not tell.
 */
export async function* captureIds(
  store: CaseStore,
): AsyncGenerator<{ readonly folder: string; readonly captureId: string }> {
  for await (const { folder, objects } of findCaptures(store)) {
    const here = folder === '' ? store : store.enter(folder);
    const captureId = idInPath(here.location) ?? (await summarise(here, objects)).captureId;
    if (captureId !== undefined) yield { folder, captureId };
  }
}

/** Ids as manifest.json has them, which takes a request for each capture. */
export async function* manifestIds(
  store: CaseStore,
): AsyncGenerator<{ readonly folder: string; readonly captureId: string }> {
  for await (const { folder, objects } of findCaptures(store)) {
    const { captureId } = await summarise(folder === '' ? store : store.enter(folder), objects);
    if (captureId !== undefined) yield { folder, captureId };
  }
}

/** The id of the capture in the name of its folder. */
export function idInPath(location: string): string | undefined {
  return placeOf(location).captureId;
}

/** The first 48 bits of a UUIDv7 are milliseconds since the epoch (RFC 9562 section 5.7). */
export function timeOfId(id: string): string | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/u.exec(id) ?? [];
  return high === undefined || low === undefined ? undefined : new Date(Number.parseInt(high + low, 16)).toISOString();
}
