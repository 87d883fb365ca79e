/**
 * Bodies of exactly the size that their header declares, whatever the file does meanwhile: what grows is cut at that
 * size, what shrinks or fails is padded with zeros, and the manifest says so.
 */
import { createHash, hash } from 'node:crypto';
import { fstatSync, readSync } from 'node:fs';
import type { FileEntry, StreamEntry } from '../contracts/evidence.ts';
import { AmberError, describeError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import { BLOCK } from './header.ts';
import type { SegmentWriter } from './segments.ts';
import { many } from '../many.ts';

export interface BodyResult {
  /** Bytes that really were read. */
  readonly read: number;
  /** SHA-256 of them. */
  readonly sha256: string;
  /** Why fewer than declared were read, or undefined. */
  readonly failure: string | undefined;
  /** Why the file is not what it was when it was opened, or undefined. */
  readonly change: string | undefined;
}

export interface BodyOptions {
  readonly writer: SegmentWriter;
  /** Aborted at the hard stop: the rest of the body is padded. */
  readonly signal: AbortSignal;
  /** Called between parts: cuts the segment when it is full. */
  readonly betweenParts: () => Promise<void>;
}

/** Reads a file whose body fits in the free part. Synchronous: the hot path of ten thousand small files. */
export function readSmall(
  writer: SegmentWriter,
  fd: number,
  size: number,
): { read: number; sha256: string; failure: string | undefined } {
  const { part, used } = writer;
  let read = 0;
  let failure: string | undefined;
  try {
    while (read < size) {
      const got = readSync(fd, part, used + read, size - read, read);
      if (got === 0) break;
      read += got;
    }
  } catch (cause) {
    failure = describeError(cause);
  }
  const sha256 = hash('sha256', part.subarray(used, used + read), 'hex');
  writer.advance(read);
  writer.pad(size - read + padding(size));
  return { read, sha256, failure: failure ?? (read < size ? 'it shrank while it was read' : undefined) };
}

/** Reads a file of any size through the parts. */
export async function readLarge(options: BodyOptions, entry: FileEntry, size: number): Promise<BodyResult> {
  const { writer, signal } = options;
  const digest = createHash('sha256');
  let read = 0;
  let failure: string | undefined;
  try {
    while (read < size && !signal.aborted) {
      if (writer.space().length < BLOCK) await nextPart(options);
      const space = writer.space();
      const got = readSync(entry.fd, space, 0, Math.min(space.length, size - read), read);
      if (got === 0) break;
      digest.update(space.subarray(0, got));
      writer.advance(got);
      read += got;
      if (got === space.length) await nextPart(options);
    }
  } catch (cause) {
    failure = describeError(cause);
  }
  failure ??= shortfall(read, size, signal);
  await padRest(writer, size - read + padding(size));
  return { read, sha256: digest.digest('hex'), failure, change: changeOf(entry) };
}

/** Hashes a file without storing it; the free end of the part is the scratch space. */
export async function hashOnly(
  options: BodyOptions,
  entry: FileEntry,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<BodyResult> {
  const { writer, signal } = options;
  const size = Number(entry.stat.size);
  const digest = createHash('sha256');
  let read = 0;
  let failure: string | undefined;
  if (writer.space().length < Math.min(size, 64 * 1024)) await writer.flush();
  try {
    while (read < size && !signal.aborted) {
      const space = writer.space();
      const got = readSync(entry.fd, space, 0, Math.min(space.length, size - read), read);
      if (got === 0) break;
      digest.update(space.subarray(0, got));
      read += got;
      await yieldIfDue();
    }
  } catch (cause) {
    failure = describeError(cause);
  }
  return {
    read,
    sha256: digest.digest('hex'),
    failure: failure ?? shortfall(read, size, signal),
    change: changeOf(entry),
  };
}

/** Writes the chunks of a stream, cut or padded to its declared size. */
export async function writeStream(options: BodyOptions, entry: StreamEntry, size: number): Promise<BodyResult> {
  const { writer, signal } = options;
  const digest = createHash('sha256');
  let read = 0;
  let failure: string | undefined;
  try {
    for await (const chunk of entry.chunks()) {
      const piece = chunk.subarray(0, size - read);
      digest.update(piece);
      for (let at = 0; at < piece.length; ) {
        if (writer.space().length === 0) await nextPart(options);
        const part = piece.subarray(at, at + writer.space().length);
        writer.put(part);
        at += part.length;
      }
      read += piece.length;
      if (read >= size || signal.aborted) break;
    }
  } catch (cause) {
    failure = describeError(cause);
  }
  failure ??= shortfall(read, size, signal);
  await padRest(writer, size - read + padding(size));
  return { read, sha256: digest.digest('hex'), failure, change: undefined };
}

/** What an fstat after the read says that the one before did not. */
export function changeOf(entry: FileEntry): string | undefined {
  try {
    const now = fstatSync(entry.fd, { bigint: true });
    if (now.size !== entry.stat.size)
      return `its size went from ${entry.stat.size} to ${many(Number(now.size), 'byte')}`;
    return now.mtimeNs === entry.stat.mtimeNs ? undefined : 'its mtime moved while it was read';
  } catch (cause) {
    return describeError(cause);
  }
}

/** Zero bytes after a body of `size`, up to the next block. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function shortfall(read: number, size: number, signal: AbortSignal): string | undefined {
  if (read >= size) return undefined;
  return signal.aborted ? endOf(signal) : 'it shrank while it was read';
}

async function nextPart(options: BodyOptions): Promise<void> {
  await options.writer.flush();
  await options.betweenParts();
}

/** Below this, zeros go through the compressor like other bytes. */
const SMALL_PADDING = 1024 * 1024;
/**
 * Without compression no more than this is padded: beyond it the stream cannot go on, and the capture ends there as
 * cut.
 */
const MAX_PLAIN_PADDING = 64 * 1024 * 1024;

async function padRest(writer: SegmentWriter, count: number): Promise<void> {
  if (count > SMALL_PADDING && (await writer.zeros(count))) return;
  if (count > MAX_PLAIN_PADDING) {
    throw new AmberError(
      'CAPTURE_ABORTED',
      `A file lost ${many(count, 'byte')} while it was read, and without compression zeros cannot stand for them.`,
    );
  }
  const zeros = Buffer.alloc(Math.min(count, 64 * 1024));
  for (let left = count; left > 0; left -= zeros.length) {
    await writer.write(zeros.subarray(0, Math.min(left, zeros.length)));
  }
}
