/**
 * Whether what a capture left in the bucket is what it says it left: every segment that was acknowledged is there with
 * the digest that the log holds, salvage reads all of it, and the inventory names what is not there.
 *
 * The truth comes from the bytes that were planted, and from each run of segments read apart; salvage has no part in
 * it.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManifestItem } from '../../../src/contracts/evidence.ts';
import { Extractor } from '../../../src/case/tar/extract.ts';
import { openCapture, type CapturePart, type OpenCapture } from '../../../src/case/store/open.ts';
import { TarReader } from '../../../src/case/tar/read-tar.ts';
import { salvage, type SalvageResult } from '../../../src/case/salvage/salvage.ts';
import type { SalvageRecord } from '../../../src/case/salvage/contents.ts';
import { storedBytes, tarBytes } from '../../../src/case/tar/segment-bytes.ts';
import { isHeader } from '../../../src/case/tar/header.ts';
import { isAmberError } from '../../../src/errors.ts';
import type { AgeIdentity } from '../../../src/seal/age-open.ts';
import { inMemory, type Objects } from './bucket.ts';
import type { PlantedScene } from './scene.ts';

/** A digest line of a segment. */
export interface SegmentLine {
  readonly capture: string;
  readonly segment: number;
  readonly object: string;
  readonly state: 'stored' | 'unknown' | 'lost';
  readonly sha256: string;
}

/** The JSON lines of one kind in a log. */
export function linesOf<T>(log: string, kind: string): T[] {
  const lines = log.split('\n').filter((line) => line.startsWith(`{"amber":"${kind}"`));
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as T];
    } catch {
      return []; // the last line of a process that was killed
    }
  });
}

export interface Evidence {
  readonly objects: Objects;
  readonly log: string;
  readonly scene: PlantedScene;
  readonly identity: AgeIdentity | undefined;
  /** Segments that somebody took away afterwards. */
  readonly removed?: ReadonlySet<number>;
}

export interface Salvaged {
  readonly capture: OpenCapture;
  readonly result: SalvageResult;
  /** What is not as it should be, one sentence each. */
  readonly problems: readonly string[];
}

export function openStored({ objects }: Pick<Evidence, 'objects'>): Promise<OpenCapture> {
  return openCapture(inMemory('memory:/', objects));
}

/** Acknowledged segments that are not there as they were acknowledged. */
export function checkAcknowledged({ objects, log, removed }: Evidence): string[] {
  return linesOf<SegmentLine>(log, 'segment')
    .filter(({ state }) => state !== 'lost')
    .flatMap(({ segment, object, sha256 }) => {
      const body = objects.get(object);
      if (body === undefined)
        return removed?.has(segment) === true ? [] : [`${object} was acknowledged and is not in the bucket`];
      return digest(body) === sha256 ? [] : [`${object} was acknowledged with another digest than it has`];
    });
}

/** Salvages what is there, and holds it against what must be readable. */
export async function checkSalvage(evidence: Evidence): Promise<Salvaged> {
  const { identity, scene } = evidence;
  const capture = await openStored(evidence);
  // Whatever manifest.json says: somebody may have forged it.
  const runs = await readRuns(
    await openStored({ objects: new Map([...evidence.objects].filter(([name]) => name !== 'manifest.json')) }),
    identity,
  );
  const folder = mkdtempSync(join(tmpdir(), 'amber-salvaged-'));
  const records: SalvageRecord[] = [];
  const fragments: Buffer[] = [];
  try {
    const extractor = new Extractor(folder, () => undefined);
    const result = await salvage(capture, {
      identity,
      extractor,
      onRecord: (record) => records.push(record),
      onFragment: (_, bytes) => fragments.push(Buffer.from(bytes)),
    });
    extractor.finish();
    const problems = [
      ...result.holes.map(({ segment, reason }) => `segment ${segment ?? '?'} does not read: ${reason}`),
      ...checkRecords(records, result.missing.length > 0),
      ...checkEntries(runs, records),
      ...checkContents({ scene, runs, records, fragments: Buffer.concat(fragments), folder }),
      ...checkInventory(scene, runs, result),
    ];
    return { capture, result, problems };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The tar bytes of segments that follow each other, joined. */
interface Run {
  readonly first: number;
  readonly bytes: Buffer;
  /** Entries that are complete in it; none where it begins inside of a body. */
  readonly whole: readonly string[];
  /** Whatever has a header or a manifest line in it. */
  readonly mentioned: ReadonlySet<string>;
  /** Zeros at the end of bodies that time cut short, as their manifest lines tell. */
  readonly padded: ReadonlyMap<string, number>;
}

async function readRuns(capture: OpenCapture, identity: AgeIdentity | undefined): Promise<Run[]> {
  const found: { first: number; last: number; pieces: Buffer[] }[] = [];
  for (const part of capture.parts) {
    const pieces = await readPart(capture, part, identity);
    if (pieces === undefined) continue;
    const number = part.number ?? 0;
    const before = found.at(-1);
    const run = before?.last === number - 1 ? before : { first: number, last: number, pieces: [] };
    if (run !== before) found.push(run);
    run.last = number;
    run.pieces.push(...pieces);
  }
  return found.map(({ first, pieces }) => readRun(first, Buffer.concat(pieces)));
}

/** Undefined for a segment that is none: salvage has to tell of it. */
async function readPart(
  capture: OpenCapture,
  part: CapturePart,
  identity: AgeIdentity | undefined,
): Promise<Buffer[] | undefined> {
  const pieces: Buffer[] = [];
  try {
    for await (const chunk of tarBytes(storedBytes(capture, part), part, identity)) pieces.push(chunk);
    return pieces;
  } catch (cause) {
    if (isAmberError(cause) && cause.code === 'ARCHIVE_CORRUPT') return undefined;
    throw cause;
  }
}

function readRun(first: number, bytes: Buffer): Run {
  const whole: string[] = [];
  const mentioned = new Set<string>();
  let open = '';
  const reader = new TarReader({
    entry: ({ path }) => {
      open = path;
      mentioned.add(path.replace(/\/$/u, ''));
    },
    body: () => undefined,
    end: () => whole.push(open),
  });
  if (bytes.length >= 512 && isHeader(bytes, 0)) reader.push(bytes);
  const padded = new Map<string, number>();
  // Manifest lines stand in clear in the tar stream; planted contents are digests and hold none.
  for (const [line] of bytes.toString('latin1').matchAll(/^\{"path":.*\}$/gmu)) {
    const item = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as ManifestItem;
    const path = Buffer.from(item.path, 'utf8').toString('latin1');
    mentioned.add(path);
    padded.set(path, item.padded ?? 0);
  }
  return { first, bytes, whole, mentioned, padded };
}

function checkRecords(records: readonly SalvageRecord[], holed: boolean): string[] {
  return records
    .filter(({ state }) => state === 'differs' || state === 'unlisted' || (state === 'lost' && !holed))
    .map(({ path, state, detail }) => `${JSON.stringify(path)} is ${state}: ${detail ?? ''}`);
}

function checkEntries(runs: readonly Run[], records: readonly SalvageRecord[]): string[] {
  const readable = new Set(
    records.filter(({ state }) => state === 'whole' || state === 'unconfirmed').map(({ path }) => path),
  );
  return runs.flatMap(({ whole }) =>
    whole
      .filter((path) => !path.startsWith('manifest/') && !readable.has(path))
      .map((path) => `${JSON.stringify(path)} is in the bucket, and salvage does not give it`),
  );
}

interface Contents {
  readonly scene: PlantedScene;
  readonly runs: readonly Run[];
  readonly records: readonly SalvageRecord[];
  readonly fragments: Buffer;
  readonly folder: string;
}

function checkContents({ scene, runs, records, fragments, folder }: Contents): string[] {
  const byPath = new Map(records.map((record) => [record.path, record]));
  return [...scene.files].flatMap(([path, body]) => {
    const name = `[root]${path}`;
    const record = byPath.get(name);
    const there = body.length > 0 && runs.some(({ bytes }) => bytes.includes(body));
    const complete = record?.state === 'whole' || record?.state === 'unconfirmed';
    const zeros = Math.max(0, ...runs.map(({ padded }) => padded.get(name) ?? 0));
    const expected = Buffer.concat([body.subarray(0, body.length - zeros), Buffer.alloc(zeros)]);
    if (complete && !readFileSync(join(folder, name)).equals(expected))
      return [`${name} was salvaged with other bytes than it has`];
    if (
      record?.state === 'partial' &&
      record.have > 0 &&
      !readFileSync(join(folder, name)).equals(body.subarray(0, record.have))
    )
      return [`the beginning of ${name} was salvaged with other bytes than it has`];
    return there && !complete && !fragments.includes(body)
      ? [`the bytes of ${name} are in the bucket, and salvage does not give them`]
      : [];
  });
}

/**
 * The inventory stands in segment 0. It names every planted path, and salvage says which of them nothing is there of.
 */
function checkInventory(scene: PlantedScene, runs: readonly Run[], result: SalvageResult): string[] {
  const first = runs.find((run) => run.first === 0);
  if (first?.mentioned.has('bodyfile/bodyfile.txt') !== true) return [];
  const missing = new Set(result.notThere());
  const expected = [...scene.paths].filter((path) => !runs.some(({ mentioned }) => mentioned.has(`[root]${path}`)));
  const shown = expected.map(bodyfileName);
  return [
    ...(result.inventory.listed < scene.paths.size
      ? [`the inventory has ${result.inventory.listed} of ${scene.paths.size} paths`]
      : []),
    ...shown
      .filter((path) => !missing.has(path))
      .map((path) => `the inventory does not tell that ${path} is not there`),
    ...[...missing]
      .filter((path) => !shown.includes(path))
      .map((path) => `the inventory tells that ${path} is not there, and it is`),
  ];
}

/** The one odd name that is planted, in the form of the inventory. */
function bodyfileName(path: string): string {
  return path.replaceAll('|', '%7C').replaceAll('\n', '\\x0a').replaceAll('\u001b', '\\x1b');
}

export function digest(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
