/** The captures below a place, each with what its commit marker tells. */
import type { Outcome } from '../../contracts/evidence.ts';
import { isAmberError } from '../../errors.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { apartIn, completenessProblem, completenessText, notCollected } from './completeness.ts';
import { parseManifest } from './manifest-file.ts';
import { listedAlone, listedParts } from './listed-parts.ts';
import { isCapture, isOwn, isPart } from './object-names.ts';
import { idInPath, misplacedIn, placeOf, timeOfId } from './place.ts';
import { readWhole, type CaseStore, type LeaveOut, type StoredName } from './store.ts';

/** One folder that holds a capture. */
export interface FoundCapture {
  /** Relative to where the search began; empty for that place itself. */
  readonly folder: string;
  readonly objects: readonly StoredName[];
  /** What has a name of ours and is no plain file, with what it is. */
  readonly odd: ReadonlyMap<string, string>;
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
  /** As committed; else what a listing tells: segments are gone, or sizes or names contradict manifest.json. */
  readonly state: 'whole' | 'cut' | 'not all there' | 'not as committed' | 'unreadable';
  /** Why its host ended it before its time, such as an order to stop. */
  readonly endedEarly: string | undefined;
  readonly sealed: boolean;
  readonly segments: number;
  /** Segments that are not there, or are empty: named in manifest.json, or a gap in the numbers. */
  readonly missing: readonly number[];
  /** manifest.json calls them stored, and they are not there: somebody has removed them. */
  readonly removed: readonly number[];
  /** What contradicts manifest.json, or another object, one sentence each. */
  readonly problems: readonly string[];
  readonly bytes: number;
  /** Whether the evidence is all there, in words; undefined where no manifest.json tells. */
  readonly completeness: string | undefined;
  /** Items by outcome, other than collected, changed and empty; undefined where no manifest.json tells. */
  readonly notCollected: Readonly<Partial<Record<Outcome, number>>> | undefined;
  /** Those of them that are no shortfall: by design, or gone before they could be read. */
  readonly apart: Readonly<Partial<Record<Outcome, number>>> | undefined;
}

const MAX_MANIFEST = 64 * 1024 * 1024;
/** Objects that are kept of one folder. */
const MAX_OBJECTS = 100_000;
const IN_FLIGHT = 8;

/**
 * Folders that hold a manifest.json or something that has the name of a segment; one inside of another comes first. A
 * bucket lists keys in the order of their bytes, so that a folder comes in pieces around the folders in it.
 */
export async function* findCaptures(store: CaseStore, leave?: LeaveOut): AsyncGenerator<FoundCapture> {
  let open: OpenFolder[] = [];
  for await (const { folder, name, bytes, odd } of store.walk(leave)) {
    const [over, around] = [
      open.filter((one) => !isBelow(folder, one.folder)),
      open.filter((one) => isBelow(folder, one.folder)),
    ];
    for (const one of over.reverse()) yield* captureIn(one, store, leave);
    open = around;
    if (!isOwn(name)) continue;
    let here = open.at(-1);
    if (here?.folder !== folder) open.push((here = { folder, objects: [], odd: new Map() }));
    if (odd !== undefined) here.odd.set(name, odd);
    else if (here.objects.length < MAX_OBJECTS) here.objects.push({ name, bytes });
  }
  for (const one of open.reverse()) yield* captureIn(one, store, leave);
}

interface OpenFolder extends FoundCapture {
  readonly objects: StoredName[];
  readonly odd: Map<string, string>;
}

/** Where nothing but links has names of ours, there is no capture to tell of them. */
function* captureIn(found: OpenFolder, store: CaseStore, leave: LeaveOut | undefined): Generator<FoundCapture> {
  if (isCapture(found.objects)) yield found;
  else
    for (const [name, why] of found.odd)
      leave?.({ path: `${store.enter(found.folder).location}${name}`, kind: 'link', why });
}

function isBelow(folder: string, ancestor: string): boolean {
  return ancestor === '' || folder === ancestor || folder.startsWith(`${ancestor}/`);
}

/** Reads the commit markers, a few at a time. The order is that of the walk. */
export async function* listCaptures(store: CaseStore, leave?: LeaveOut): AsyncGenerator<CaptureSummary> {
  const waiting: Promise<CaptureSummary>[] = [];
  for await (const found of findCaptures(store, leave)) {
    const summary = summarise(store.enter(found.folder), found);
    summary.catch(() => undefined); // awaited in its turn
    waiting.push(summary);
    const first = waiting.length >= IN_FLIGHT ? waiting.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const summary of waiting) yield await summary;
}

async function summarise(
  store: CaseStore,
  { objects, odd }: Pick<FoundCapture, 'objects' | 'odd'>,
): Promise<CaptureSummary> {
  const parts = objects.filter(({ name }) => isPart(name));
  const marker = objects.some(({ name }) => name === 'manifest.json') ? await readManifest(store) : undefined;
  const facts = { location: store.location, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
  const place = placeOf(store.location);
  if (marker?.manifest !== undefined)
    return { ...facts, ...committed(marker.manifest, store.location, { parts, odd }) };
  const listed = listedAlone(parts);
  const unusable = marker?.unusable ?? odd.get('manifest.json');
  const problems = [...listed.problems, ...oddTexts(odd)];
  if (unusable !== undefined) problems.push(`manifest.json is not usable: ${unusable}`);
  return {
    ...facts,
    ...place,
    started: place.captureId === undefined ? undefined : timeOfId(place.captureId),
    logStream: undefined,
    trigger: undefined,
    order: undefined,
    reason: marker?.unread ?? unusable,
    endedEarly: undefined,
    state: marker?.unread !== undefined ? 'unreadable' : unusable === undefined ? 'cut' : 'not as committed',
    sealed: parts.some(({ name }) => name.endsWith('.age')),
    segments: parts.length,
    ...listed,
    problems: marker?.unread === undefined ? problems : [...problems, marker.unread],
    notCollected: undefined,
    apart: undefined,
    completeness: undefined,
  };
}

/** A link, a folder or a FIFO in the place of an object is not read. */
function oddTexts(odd: ReadonlyMap<string, string>): readonly string[] {
  return [...odd].flatMap(([name, kind]) => (name === 'manifest.json' ? [] : [`${name} is not a file: ${kind}`]));
}

interface Marker {
  readonly manifest?: CaptureManifest;
  /** It is none. */
  readonly unusable?: string;
  /** It could not be read. A folder that we may not read is no reason to hide the others. */
  readonly unread?: string;
}

async function readManifest(store: CaseStore): Promise<Marker> {
  try {
    const parsed = parseManifest(await readWhole(store, 'manifest.json', MAX_MANIFEST));
    return typeof parsed === 'string' ? { unusable: parsed } : { manifest: parsed };
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    return cause.code === 'ARCHIVE_CORRUPT'
      ? { unusable: cause.message }
      : { unread: `${cause.code}: ${cause.message}` };
  }
}

function committed(
  manifest: CaptureManifest,
  location: string,
  { parts, odd }: { readonly parts: readonly StoredName[]; readonly odd: ReadonlyMap<string, string> },
): Omit<CaptureSummary, 'location' | 'bytes'> {
  const { captureId, clocks, cause, state, recipient, segments, outcomes } = manifest;
  const name: unknown = 'functionName' in manifest.identity ? manifest.identity.functionName : undefined;
  const stream: unknown = 'logStream' in manifest.identity ? manifest.identity.logStream : undefined;
  const listed = listedParts(manifest, parts);
  const evidence = completenessProblem(manifest) ?? [];
  const problems = [...misplacedIn(location, manifest), ...listed.problems, ...oddTexts(odd)].concat(evidence);
  return {
    captureId,
    ...listed,
    problems,
    state: problems.length > 0 ? 'not as committed' : listed.removed.length > 0 ? 'not all there' : state,
    segments: segments.length,
    sealed: recipient !== null,
    started: clocks.started,
    functionName: typeof name === 'string' ? name : placeOf(location).functionName,
    logStream: typeof stream === 'string' ? stream : undefined,
    trigger: cause.trigger,
    order: cause.order?.id,
    reason: cause.reason,
    endedEarly: typeof manifest.endedEarly === 'string' ? manifest.endedEarly : undefined,
    completeness: listed.missing.length === 0 ? completenessText(manifest) : 'not checked',
    notCollected: notCollected(outcomes),
    apart: apartIn(manifest),
  };
}

/**
 * Ids of the captures below a place, from the names of their folders, or from manifest.json where those do not tell.
 */
export async function* captureIds(
  store: CaseStore,
  leave?: LeaveOut,
): AsyncGenerator<{ readonly folder: string; readonly captureId: string }> {
  for await (const found of findCaptures(store, leave)) {
    const { folder } = found;
    const here = folder === '' ? store : store.enter(folder);
    const captureId = idInPath(here.location) ?? (await summarise(here, found)).captureId;
    if (captureId !== undefined) yield { folder, captureId };
  }
}

/** Ids as manifest.json has them, which takes a request for each capture. */
export async function* manifestIds(
  store: CaseStore,
  leave?: LeaveOut,
): AsyncGenerator<{ readonly folder: string; readonly captureId: string }> {
  for await (const found of findCaptures(store, leave)) {
    const { folder } = found;
    const { captureId } = await summarise(folder === '' ? store : store.enter(folder), found);
    if (captureId !== undefined) yield { folder, captureId };
  }
}
