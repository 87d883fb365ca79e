/**
 * Brings a capture into a local folder: as it was stored where that is what its digests are of (age files, segments of
 * a cut capture), else joined to one tarball. Digests are compared on the way; what differs is told and kept, because
 * it is evidence too.
 */
import { many } from '../../many.ts';
import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readable } from '../../archive/item.ts';
import { isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { DEFAULT_LIMITS, Extractor, type ExtractLimits, type NotExtracted } from '../tar/extract.ts';
import { isUnnamed } from './marker.ts';
import type { CapturePart, OpenCapture } from './open.ts';
import { readWholeTar } from '../tar/read-whole-tar.ts';
import { openAge, storedBytes, wholeBytes } from '../tar/segment-bytes.ts';
import { surplus } from './surplus.ts';
import { append, createFile, fillFolder } from './target.ts';

export interface PullOptions {
  readonly identity?: AgeIdentity | undefined;
  /** Unpack it into `extracted/` as well. */
  readonly extract?: boolean;
  readonly limits?: ExtractLimits | undefined;
  /** Hears of entries that are not made. */
  readonly onNotExtracted?: ((entry: NotExtracted) => void) | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface PullResult {
  readonly folder: string;
  readonly captureId: string | undefined;
  /** Names and SHA-256 of what was written. */
  readonly files: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** The tarball, where there is one. */
  readonly tarball: string | undefined;
  readonly whole: boolean;
  /** Why its segments were not joined, in words; undefined where it is whole. */
  readonly apart: string | undefined;
  /** Digests that are not those of manifest.json, in words. */
  readonly problems: readonly string[];
  readonly extracted:
    | { readonly files: number; readonly links: number; readonly notMade: number; readonly unsafe: number }
    | undefined;
}

/**
 * What cannot be opened or unpacked is a problem in the result: what was stored is brought home all the same.
 *
 * @throws AmberError CASE_EXISTS, CASE_MISSING, CASE_DENIED, CASE_UNREADABLE, DESTINATION_*.
 */
export async function pull(capture: OpenCapture, target: string, options: PullOptions = {}): Promise<PullResult> {
  return fillFolder(target, async (folder) => {
    const all = createHash('sha256');
    const work: Work = { capture, folder, options, all, files: new Map(), problems: [], done: 0 };
    const sealed = capture.parts.some((part) => part.sealed);
    const whole = capture.manifest?.state === 'whole' && capture.missing.length === 0 && !capture.alone;
    const joined = `capture.tar${suffixOf(capture)}`;
    if (whole && !sealed) await writeJoined(work, joined, (part) => countedBytes(work, part));
    else for (const part of capture.parts) await writeApart(work, part);
    if (whole) checkWhole(work);
    await writeSurplus(work);
    for (const part of capture.unexpectedObjects.slice(0, MAX_UNEXPECTED)) {
      const name = nameOf(work, part);
      work.problems.push(`${part.object} does not belong: ${part.why}; it is copied as ${name}`);
      await writeFile(work, name, () => countedBytes(work, part));
    }
    const left = capture.unexpectedObjects.length - MAX_UNEXPECTED;
    if (left > 0)
      work.problems.push(`${many(left, 'more foreign object was', 'more foreign objects were')} not copied`);
    work.problems.push(...capture.misplaced);
    for (const { name, deleted, read } of capture.history?.changed ?? []) {
      work.problems.push(
        `${name} was ${deleted === undefined ? 'put over' : `deleted at ${deleted}`}: its ${read} version is ` +
          'copied (`amber verify` tells)',
      );
    }
    if (whole && sealed && options.identity !== undefined) await writeOpened(work, joined, options.identity);
    await writeMarker(work);
    const extracted = options.extract === true ? await extract(work, { whole }) : undefined;
    return {
      folder: target,
      captureId: capture.manifest?.captureId,
      files: Object.fromEntries(work.files),
      bytes: work.done,
      tarball: isUndecided(capture) || !work.files.has(joined) ? undefined : joined,
      whole,
      apart: whole ? undefined : whyApart(capture),
      problems: work.problems,
      extracted,
    };
  });
}

function whyApart({ manifest, manifestProblem, missing, alone }: OpenCapture): string {
  if (alone) return 'one segment alone was named';
  if (manifestProblem !== undefined) return `manifest.json is not usable: ${manifestProblem}`;
  if (manifest === undefined) return 'there is no manifest.json';
  if (manifest.state !== 'whole') return 'the capture was cut';
  return `${many(missing.length, 'segment is', 'segments are')} not there`;
}

/** Objects that do not belong, and are copied all the same: one of them may be ours. */
const MAX_UNEXPECTED = 100;

interface Work {
  readonly capture: OpenCapture;
  readonly folder: string;
  readonly options: PullOptions;
  readonly files: Map<string, string>;
  readonly problems: string[];
  /** Takes the stored bytes of the parts, one behind the other. */
  readonly all: Hash;
  done: number;
}

/** A joined file and segments, and no manifest.json: only the log tells which of them is the capture. */
function isUndecided({ manifest, parts, unexpectedObjects }: OpenCapture): boolean {
  const forms = [...parts, ...unexpectedObjects.filter(({ bytes }) => bytes > 0)];
  return manifest === undefined && new Set(forms.map(({ number }) => number === undefined)).size > 1;
}

/** One that does not belong keeps its name, unless that would claim to be the tarball. */
function nameOf({ capture, files }: Work, { object, number }: CapturePart): string {
  const claims = files.has(object) || (number === undefined && isUndecided(capture));
  return claims ? `foreign-${object}` : object;
}

function suffixOf({ manifest, parts }: OpenCapture): string {
  const packing = manifest?.compression ?? parts[0]?.packing;
  return packing === 'zstd' ? '.zst' : packing === 'gzip' ? '.gz' : '';
}

/** The stored bytes of a part, counted and compared with manifest.json at their end. */
async function* countedBytes(work: Work, part: CapturePart): AsyncGenerator<Uint8Array> {
  const { capture, options } = work;
  const total = capture.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const digest = createHash('sha256');
  const isOwn = capture.parts.includes(part);
  for await (const chunk of storedBytes(capture, part)) {
    digest.update(chunk);
    if (isOwn) work.all.update(chunk);
    work.done += chunk.length;
    options.onProgress?.(work.done, total);
    yield chunk;
  }
  const sha256 = digest.digest('hex');
  if (part.committed !== undefined && sha256 !== part.committed.sha256) {
    work.problems.push(`${part.committed.name} is ${sha256}, manifest.json says ${part.committed.sha256}`);
  }
}

/** The whole against manifest.json, which a small sandbox may have ended without digesting. */
function checkWhole({ capture, all, problems }: Work): void {
  const { manifest, parts } = capture;
  if (manifest === undefined || (isUnnamed(capture) && manifest.recipient !== null)) return;
  const { sha256, bytes } = manifest.tarball;
  const [found, size] = [all.digest('hex'), parts.reduce((sum, part) => sum + part.bytes, 0)];
  if (size !== bytes) problems.push(`the joined segments have ${many(size, 'byte')}, manifest.json says ${bytes}`);
  if (sha256 !== null && found !== sha256)
    problems.push(`the joined segments are ${found}, manifest.json says ${sha256}`);
}

/** Bytes behind the segments are no part of the tarball, and evidence of what somebody did. */
async function writeSurplus(work: Work): Promise<void> {
  const more = surplus(work.capture);
  if (more === undefined) return;
  const name = `surplus-${more.object}`;
  work.problems.push(`${more.text}; they are copied as ${name}`);
  await writeFile(work, name, () => countedBytes(work, more.part));
}

async function writeJoined(
  work: Work,
  name: string,
  bytesOf: (part: CapturePart) => AsyncIterable<Uint8Array>,
): Promise<void> {
  await writeFile(work, name, async function* () {
    for (const part of work.capture.parts) yield* bytesOf(part);
  });
}

/** The tarball inside of the age files, which stay beside it: their digests are the ones that the log holds. */
async function writeOpened(work: Work, name: string, identity: AgeIdentity): Promise<void> {
  try {
    await writeJoined(work, name, (part) => openAge(storedBytes(work.capture, part), part, identity));
  } catch (cause) {
    work.problems.push(`it was not decrypted: ${damageOf(cause)}`);
    rmSync(join(work.folder, name), { force: true });
  }
}

/** What keeps the content from being opened, not the stored bytes from being copied. */
const OF_CONTENT: ReadonlySet<string> = new Set(['ARCHIVE_CORRUPT', 'CASE_UNSAFE', 'IDENTITY_INVALID']);

/** Words for damage. @throws anything else again. */
function damageOf(cause: unknown): string {
  if (isAmberError(cause) && OF_CONTENT.has(cause.code)) return cause.message;
  throw cause;
}

async function writeApart(work: Work, part: CapturePart): Promise<void> {
  await writeFile(work, part.range === undefined ? part.object : (part.committed?.name ?? part.object), () =>
    countedBytes(work, part),
  );
}

async function writeFile(work: Work, name: string, chunks: () => AsyncIterable<Uint8Array>): Promise<void> {
  const path = join(work.folder, name);
  const file = await createFile(path);
  const digest = createHash('sha256');
  try {
    for await (const chunk of chunks()) {
      digest.update(chunk);
      await append(file, chunk, path);
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  work.files.set(name, digest.digest('hex'));
}

/** manifest.json byte for byte, and SHA256SUMS for sha256sum(1). */
async function writeMarker(work: Work): Promise<void> {
  const { capture } = work;
  if (capture.objects.some(({ name }) => name === 'manifest.json'))
    await writeFile(work, 'manifest.json', () => capture.store.read('manifest.json'));
  const lines = [...work.files].map(([name, sha256]) => `${sha256}  ${name}\n`);
  await writeFile(work, 'SHA256SUMS', async function* () {
    yield await Promise.resolve(Buffer.from(lines.join('')));
  });
  work.files.delete('SHA256SUMS');
}

async function extract(work: Work, { whole }: { readonly whole: boolean }): Promise<PullResult['extracted']> {
  const { capture, options } = work;
  if (!whole) {
    work.problems.push(
      'it was not unpacked, because it is cut: `amber salvage LOCATION --to DIR` unpacks what is there',
    );
    return undefined;
  }
  const target = join(work.folder, 'extracted');
  mkdirSync(target, { mode: 0o700 });
  const log = openSync(join(work.folder, 'not-extracted.jsonl'), 'wx', 0o600);
  let notMade = 0;
  let unsafe = 0;
  const extractor = new Extractor(
    target,
    (entry) => {
      notMade += 1;
      if (entry.unsafe) unsafe += 1;
      writeSync(log, `${JSON.stringify({ ...entry, path: readable(entry.path), target: readable(entry.target) })}\n`);
      options.onNotExtracted?.(entry);
    },
    options.limits ?? DEFAULT_LIMITS,
  );
  try {
    await readWholeTar(wholeBytes(capture, options.identity), extractor);
  } catch (cause) {
    work.problems.push(`it was not unpacked to its end: ${damageOf(cause)}`);
  } finally {
    extractor.finish();
    closeSync(log);
  }
  return { files: extractor.files, links: extractor.links, notMade, unsafe };
}
