/**
 * Verifies one capture in one pass, with flat memory: digests of the stored bytes, the tar stream against the manifest
 * parts inside of it, the chain of those, receipts, SHA256SUMS, and the digests that the log holds.
 */
import { AmberError, isAmberError } from '../errors.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import { CheckList, type Check } from './checks.ts';
import type { LogDigests } from './log-lines.ts';
import type { CapturePart, OpenCapture } from './open.ts';
import { mayFleet, shielded, storedBytes, tarBytes } from './segment-bytes.ts';
import { hashStored, type StoredHasher } from './stored-hash.ts';
import { TarCheck } from './tar-check.ts';
import { checkParked, readParkedNote } from './verify-parked.ts';
import { checkCommit, checkLog, checkObjects, checkReceipts, checkSender, checkSums, type Digests } from './verify-outside.ts';

export interface VerifyOptions {
  /** Opens the age files; without one their contents are not checked. */
  readonly identity?: AgeIdentity | undefined;
  /** Asked for the digests of the log once the id of the capture is known. */
  readonly log?: ((captureId: string) => Promise<LogDigests>) | undefined;
  /** Called now and then with the stored bytes that went by, and how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export type Verdict = 'verified' | 'failed' | 'cut';

export interface VerifyResult {
  readonly location: string;
  readonly captureId: string | undefined;
  /** `cut`: what is there holds, and something is not there. */
  readonly verdict: Verdict;
  /** One sentence. */
  readonly summary: string;
  readonly checks: readonly Check[];
  /** SHA-256 of all stored parts joined. */
  readonly sha256: string;
  readonly segments: number;
  readonly bytes: number;
  readonly tarBytes: number;
  readonly entries: number;
  readonly items: number;
}

/** Never rejects because of what the capture holds; only where it cannot be read, or no identity opens it. */
export async function verifyCapture(capture: OpenCapture, options: VerifyOptions = {}): Promise<VerifyResult> {
  const checks = new CheckList();
  const tar = new TarCheck(capture, checks);
  checkCommit(capture, checks);
  checkObjects(capture, checks);
  const readable: boolean = options.identity !== undefined || capture.parts.every(({ sealed }) => !sealed);
  const digests = await readParts({ capture, checks, tar: readable ? tar : undefined, options });
  const opened = readable ? undefined : capture.opened;
  if (opened !== undefined) await readTar(capture, opened, tar);
  const inside = readable || opened !== undefined;
  if (inside) tar.finish(!isWhole(capture));
  tellContents(capture, checks, inside ? tar : undefined);
  const parked = await readParkedNote(capture);
  const captureId = capture.manifest?.captureId ?? tar.contents.captureId ?? parked?.captureId;
  checkDigests(capture, checks, digests);
  checkReceipts(capture, checks, digests);
  await checkSums(capture, checks, digests);
  const log = captureId === undefined ? undefined : await options.log?.(captureId);
  checkLog(capture, checks, digests, log);
  checkParked(parked, checks, digests, log);
  checkSender(capture, checks);
  return {
    location: capture.location, captureId, ...verdictOf(capture, checks, tar),
    checks: checks.all(), sha256: digests.whole, segments: capture.parts.length,
    bytes: capture.parts.reduce((sum, part) => sum + part.bytes, 0), tarBytes: tar.bytes,
    entries: tar.contents.entries, items: tar.contents.totals.items,
  };
}

interface Reading {
  readonly capture: OpenCapture;
  readonly checks: CheckList;
  readonly tar: TarCheck | undefined;
  readonly options: VerifyOptions;
}

async function readParts(reading: Reading): Promise<Digests> {
  const { parts } = reading.capture;
  const hasher = hashStored(parts.reduce((sum, part) => sum + part.bytes, 0));
  const bySegment = new Map<CapturePart, { sha256: string; bytes: number }>();
  try {
    let done = 0;
    for (const part of parts) {
      const bytes = await readPart(reading, part, { hasher, before: done });
      done += bytes;
      bySegment.set(part, { sha256: await hasher.endPart(), bytes });
    }
    return { whole: await hasher.finish(), bySegment };
  } finally {
    hasher.close();
  }
}

/** Gives the number of stored bytes. All of them are hashed, whatever the reader of the tar stream makes of them. */
async function readPart(reading: Reading, part: CapturePart, { hasher, before }: { hasher: StoredHasher; before: number }): Promise<number> {
  const { capture, tar, options } = reading;
  const total = capture.parts.reduce((sum, one) => sum + one.bytes, 0);
  let bytes = 0;
  const stored = storedBytes(capture, part, (chunk) => {
    bytes += chunk.length;
    options.onProgress?.(before + bytes, total);
    return hasher.update(chunk);
  }, mayFleet(part));
  try {
    if (tar?.begin(part) === true) await readInto(tar, tarBytes(shielded(stored), part, options.identity, true), part);
    for (let step = await stored.next(); step.done !== true; ) step = await stored.next();
  } finally {
    await stored.return(undefined);
  }
  return bytes;
}

async function readTar(capture: OpenCapture, part: CapturePart, tar: TarCheck): Promise<void> {
  if (tar.begin(part)) await readInto(tar, tarBytes(storedBytes(capture, part, undefined, mayFleet(part)), part, undefined, true), part);
}

function isWhole({ manifest, alone }: OpenCapture): boolean {
  return manifest?.state === 'whole' && !alone;
}

async function readInto(tar: TarCheck, stream: AsyncIterable<Buffer>, part: CapturePart): Promise<void> {
  try {
    for await (const chunk of stream) tar.push(chunk);
  } catch (cause) {
    // What is wrong with the capture is a finding; that it cannot be read, or not be opened, is not.
    if (!isAmberError(cause) || cause.code !== 'ARCHIVE_CORRUPT') throw cause;
    tar.damage(`${part.object}: ${cause.message}`);
    return;
  }
  tar.end(part);
}

function checkDigests(capture: OpenCapture, checks: CheckList, digests: Digests): void {
  let compared = 0;
  for (const [part, { sha256, bytes }] of digests.bySegment) {
    if (part.committed === undefined) continue;
    compared += 1;
    if (bytes !== part.committed.bytes) checks.fail('segments', `${part.committed.name} has ${bytes} bytes, manifest.json says ${part.committed.bytes}`);
    else if (sha256 !== part.committed.sha256) checks.fail('segments', `${part.committed.name} is ${sha256}, manifest.json says ${part.committed.sha256}`);
  }
  if (compared > 0) checks.ok('segments', `${compared} segments have the digests of manifest.json`);
  else checks.skip('segments', 'there is no manifest.json to compare with');
  const { manifest } = capture;
  if (manifest === undefined || capture.parts.length < manifest.segments.length) {
    checks.skip('whole', `not all segments are there; what is there has ${digests.whole}`);
  } else if (manifest.tarball.sha256 === null) {
    checks.skip('whole', `manifest.json has no digest of it, as at the end of a small sandbox: those of its segments stand for it; the joined segments are ${digests.whole}`);
  } else if (digests.whole !== manifest.tarball.sha256) {
    checks.fail('whole', `the joined segments are ${digests.whole}, manifest.json says ${manifest.tarball.sha256}`);
  } else checks.ok('whole', digests.whole);
}

function tellContents(capture: OpenCapture, checks: CheckList, tar: TarCheck | undefined): void {
  if (tar === undefined) {
    for (const name of ['structure', 'entries', 'chain', 'head', 'totals'] as const) checks.skip(name, 'the segments are age files: give the identity with --identity FILE');
    return;
  }
  const { contents } = tar;
  checks.ok('structure', `${tar.bytes} bytes of tar`);
  checks.ok('entries', `${contents.entries} entries, ${contents.totals.items} lines`);
  checks.ok('chain', `${contents.parts.length} parts, the last is ${contents.parts.at(-1)?.sha256 ?? 'none'}`);
  const { manifest } = capture;
  if (contents.parts.length === 0 && capture.parts.length > 0 && !tar.incomplete) checks.fail('chain', 'there is no manifest part: this is not an Amber capture');
  if (manifest === undefined) return;
  if (contents.captureId !== undefined && contents.captureId !== manifest.captureId) {
    checks.fail('commit', `manifest.json is of capture ${manifest.captureId}, the tarball of ${contents.captureId}`);
  }
  if (tar.incomplete) {
    checks.skip('totals', 'parts of the stream are not there or damaged');
    checks.skip('head', 'the end of the stream is not there or damaged');
    return;
  }
  for (const difference of contents.totals.differences(manifest)) checks.fail('totals', difference);
  checks.ok('totals', `${contents.totals.items} items, ${contents.totals.redactions} redactions`);
  const head = contents.parts.at(-1)?.sha256 ?? null;
  if (head !== manifest.chain.head) checks.fail('head', `the last part is ${head ?? 'none'}, manifest.json says ${manifest.chain.head ?? 'none'}`);
  if (contents.parts.length !== manifest.chain.parts) checks.fail('head', `there are ${contents.parts.length} parts, manifest.json says ${manifest.chain.parts}`);
  checks.ok('head', head ?? 'none');
}

function verdictOf(capture: OpenCapture, checks: CheckList, tar: TarCheck): { verdict: Verdict; summary: string } {
  if (checks.anyFailed) {
    const failed = checks.all().filter(({ state }) => state === 'failed');
    return { verdict: 'failed', summary: `FAILED: ${failed.map(({ what }) => what).join('; ')}` };
  }
  const { manifest, missing } = capture;
  if (isWhole(capture)) {
    const open = checks.all().filter(({ state }) => state === 'not-checked').length;
    return { verdict: 'verified', summary: `verified: everything that was checked holds${open === 0 ? '' : `; ${open} checks could not be made`}` };
  }
  const last = tar.contents.parts.at(-1);
  const reached = last === undefined ? 'no manifest part was read' : `verified up to segment ${last.segment} (byte ${last.end} of the tar stream)`;
  const gap = missing.length === 0 ? '' : `; ${missing.length} segments are not there, the first is ${missing[0] ?? 0}`;
  if (capture.alone) return { verdict: 'cut', summary: `one segment alone: ${reached}; verify the folder for all of them` };
  const why = manifest === undefined ? 'there is no manifest.json, so the capture was never committed' : 'manifest.json says that segments were lost';
  return { verdict: 'cut', summary: `cut: ${why}; ${reached}${gap}. \`amber salvage\` reads what is there` };
}

/** For a caller that wants an exception. @throws AmberError ARCHIVE_CORRUPT unless the verdict is `verified`. */
export function demandVerified(result: VerifyResult): void {
  if (result.verdict !== 'verified') throw new AmberError('ARCHIVE_CORRUPT', `${result.location}: ${result.summary}`);
}
