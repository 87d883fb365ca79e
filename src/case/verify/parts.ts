/**
 * Reads every part of a capture once: digests of the stored bytes, and the tar stream inside. One bad part stops no
 * other.
 */
import type { Hash } from 'node:crypto';
import { isAmberError, type AmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import type { CheckList } from './checks.ts';
import type { LogDigests } from '../log/lines.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';
import { digestOf } from '../store/part.ts';
import { decompress } from '../tar/decompress.ts';
import { isOurKey, mayFleet, openAge, shielded, storedBytes, tarBytes } from '../tar/segment-bytes.ts';
import { hashStored, type StoredHasher } from './stored-hash.ts';
import type { TarCheck } from './tar-check.ts';
import type { Digests } from './outside.ts';
import { many } from '../../many.ts';

export interface Reading {
  readonly capture: OpenCapture;
  /** Undefined: nothing inside of the parts is read. */
  readonly tar: TarCheck | undefined;
  readonly identity: AgeIdentity | undefined;
  /** Takes what the age files hold, where an opened tarball is to be held against it. */
  readonly plain: Hash | undefined;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

/** A part of which the stored bytes could not be read, or the content not be opened. */
export interface BadPart {
  readonly part: CapturePart;
  readonly error: AmberError;
}

export interface PartsRead extends Digests {
  /** Their bytes were not read to the end. */
  readonly unread: readonly BadPart[];
  /** Age files that no identity opens, and how many were opened. */
  readonly unopened: readonly BadPart[];
  readonly opened: number;
}

/** What one object lacks: a permission, or it is gone. Others are worth a try. */
const OF_ONE_OBJECT: ReadonlySet<string> = new Set(['CASE_DENIED', 'CASE_MISSING']);

/** @throws AmberError CASE_* where no part can be read. */
export async function readParts(reading: Reading): Promise<PartsRead> {
  const { parts } = reading.capture;
  const total = parts.reduce((sum, part) => sum + part.bytes, 0);
  const hasher = hashStored(total);
  const bySegment = new Map<CapturePart, { sha256: string; bytes: number }>();
  const unread: BadPart[] = [];
  const unopened: BadPart[] = [];
  let opened = 0;
  try {
    let done = 0;
    for (const part of parts) {
      try {
        const { bytes, content } = await readPart(reading, part, { hasher, before: done, total });
        done += bytes;
        if (typeof content === 'object') unopened.push({ part, error: content });
        else if (content === 'read' && part.sealed) opened += 1;
        bySegment.set(part, { sha256: await hasher.endPart(), bytes });
      } catch (cause) {
        if (!isAmberError(cause) || !OF_ONE_OBJECT.has(cause.code) || unread.length + 1 === parts.length) throw cause;
        await hasher.endPart();
        reading.tar?.leaveOut();
        unread.push({ part, error: cause });
      }
    }
    return { whole: await hasher.finish(), bySegment, unread, unopened, opened };
  } finally {
    hasher.close();
  }
}

interface Position {
  readonly hasher: StoredHasher;
  readonly before: number;
  readonly total: number;
}

/** The content was read, as far as it is not damaged; or why no identity opens it. */
type Content = 'read' | 'passed over' | AmberError;

/** All stored bytes are hashed, whatever the reader of the tar stream makes of them. */
async function readPart(
  reading: Reading,
  part: CapturePart,
  { hasher, before, total }: Position,
): Promise<{ bytes: number; content: Content }> {
  const { capture, tar, onProgress } = reading;
  let bytes = 0;
  let content: Content = 'passed over';
  const stored = storedBytes(
    capture,
    part,
    (chunk) => {
      bytes += chunk.length;
      onProgress?.(before + bytes, total);
      return hasher.update(chunk);
    },
    { reuseBuffers: mayFleet(part) },
  );
  try {
    if (tar?.begin(part) === true) content = await readInto(tar, tarOf(shielded(stored), part, reading), part);
    for (let step = await stored.next(); step.done !== true; ) step = await stored.next();
  } finally {
    await stored.return(undefined);
  }
  return { bytes, content };
}

/** The tar stream of a part. What an age file holds is hashed where an opened tarball lies beside it. */
function tarOf(
  stored: AsyncIterable<Uint8Array>,
  part: CapturePart,
  { identity, plain }: Reading,
): AsyncIterable<Buffer> {
  return part.sealed && plain !== undefined
    ? decompress(hashed(openAge(stored, part, identity), plain), part.packing, { reuseBuffers: true })
    : tarBytes(stored, part, identity, { reuseBuffers: true });
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, digest: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    digest.update(chunk);
    yield chunk;
  }
}

/** An opened tarball beside age files must be what they hold: other commands show it in their place. */
export async function checkOpened(
  { capture, plain, tar }: Reading,
  { unread }: PartsRead,
  checks: CheckList,
): Promise<void> {
  const { opened, store, missing } = capture;
  if (opened === undefined || plain === undefined || tar?.incomplete !== false || unread.length + missing.length > 0)
    return;
  const [inside, beside] = [plain.digest('hex'), await digestOf(store, opened.object)];
  if (beside !== undefined && beside !== inside)
    checks.fail(
      'objects',
      `${JSON.stringify(opened.object)} does not belong: it is ${beside}, the age files hold ${inside}`,
    );
}

/** What an earlier `decrypt` made of the parts. */
export async function readOpened(capture: OpenCapture, part: CapturePart, tar: TarCheck): Promise<void> {
  if (tar.begin(part))
    await readInto(
      tar,
      tarBytes(storedBytes(capture, part, undefined, { reuseBuffers: mayFleet(part) }), part, undefined, {
        reuseBuffers: true,
      }),
      part,
    );
}

async function readInto(tar: TarCheck, stream: AsyncIterable<Buffer>, part: CapturePart): Promise<Content> {
  try {
    for await (const chunk of stream) tar.push(chunk);
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    if (cause.code === 'IDENTITY_INVALID') {
      tar.leaveOut();
      return cause;
    }
    // What is wrong with the capture is a finding; that it cannot be read is not.
    if (cause.code !== 'ARCHIVE_CORRUPT') throw cause;
    tar.damage(cause.message.startsWith(part.object) ? cause.message : `${part.object}: ${cause.message}`);
    return 'read';
  }
  tar.end(part);
  return 'read';
}

/**
 * A wrong identity opens nothing, and every digest holds: that is no finding about the capture. Else what does not open
 * is damaged, or somebody else's.
 *
 * @returns that the identity is a wrong one, in words: what can be judged without one was judged.
 */
export function judgeUnopened(
  { capture, identity }: Reading,
  { bySegment, unopened, opened }: PartsRead,
  checks: CheckList,
  log: LogDigests | undefined,
): string | undefined {
  const [first] = unopened;
  if (first === undefined) return undefined;
  const changed = ({ part: { number, committed }, part }: BadPart): boolean => {
    const sha256 = bySegment.get(part)?.sha256 ?? '';
    const logged = number === undefined ? undefined : log?.segments.get(number)?.sha256;
    return (
      (committed !== undefined && committed.sha256 !== sha256) ||
      (logged !== undefined && logged.size > 0 && !logged.has(sha256))
    );
  };
  const ours = isOurKey(capture, identity);
  if (opened === 0 && capture.parts.every((part) => part.sealed) && !ours && !unopened.some(changed)) {
    const told = wrongKey(capture, identity);
    for (const name of INSIDE) checks.skip(name, told);
    return told;
  }
  for (const bad of unopened) {
    const why =
      identity === undefined
        ? 'it is an age file, and no identity was given (--identity FILE)'
        : changed(bad)
          ? 'its digest says that it was changed'
          : 'it was changed, or it is encrypted to another recipient';
    checks.fail('structure', `${bad.part.object} was not opened: ${why}`);
  }
  return undefined;
}

/** What only who opens the segments can check. */
export const INSIDE = ['structure', 'entries', 'chain', 'head', 'totals'] as const;

function wrongKey({ manifest }: OpenCapture, identity: AgeIdentity | undefined): string {
  const given = identity?.recipients.length === 1 ? `, of ${identity.recipients[0] ?? ''},` : '';
  const named = typeof manifest?.recipient === 'string' ? ` of ${manifest.recipient}` : ' that they are encrypted to';
  return `the identity${given} does not open the segments; give the one${named}`;
}

/** @returns what could not be read, in words. */
export function tellUnread({ unread }: PartsRead, checks: CheckList): string | undefined {
  const [first] = unread;
  if (first === undefined) return undefined;
  const told =
    `${many(unread.length, 'segment was', 'segments were')} not read, the first is ` +
    `${first.part.object}: ${first.error.message}`;
  checks.skip('structure', told);
  return told;
}
