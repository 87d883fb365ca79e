/** Age files of a capture to the tarball inside of them. */
import { createHash } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AmberError, isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { folderError } from '../../ship/folder.ts';
import type { CapturePart, OpenCapture } from './open.ts';
import { besideText, missingText } from './run.ts';
import { isOurKey, openAge, storedBytes } from '../tar/segment-bytes.ts';
import { append, fillFile } from './target.ts';

export interface DecryptOptions {
  readonly identity: AgeIdentity;
  /** A file for the joined tarball; a folder where the segments cannot be joined, because some are not there. */
  readonly to: string;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface DecryptResult {
  /** Paths and SHA-256 of what was written. */
  readonly files: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[];
  readonly joined: boolean;
  /** Why segments were not joined or not opened, and what does not belong. */
  readonly problems: readonly string[];
}

/**
 * One segment that does not open keeps no other from being written.
 *
 * @throws AmberError USAGE (nothing is encrypted), IDENTITY_INVALID and ARCHIVE_CORRUPT where nothing opens,
 *   CASE_EXISTS, DESTINATION_*.
 */
export async function decrypt(capture: OpenCapture, options: DecryptOptions): Promise<DecryptResult> {
  const parts = capture.parts.filter(({ sealed }) => sealed);
  if (parts.length === 0)
    throw new AmberError('USAGE', `Nothing in ${capture.location} is an age file: there is nothing to decrypt.`);
  const progress = progressOf(parts, options);
  const beside = besideText(capture);
  const told = beside === undefined ? [] : [beside];
  const { missing } = capture;
  if (missing.length > 0) {
    const { files, problems } = await apart(capture, parts, options);
    return { files, joined: false, problems: [...told, `${missingText(missing)}, so ${NOT_JOINED}`, ...problems] };
  }
  try {
    const { changed, ...file } = await write(capture, parts, options, { path: options.to, progress, strict: true });
    return { files: [file], joined: true, problems: [...told, ...changed] };
  } catch (cause) {
    const damage = damageOf(capture, cause, options.identity);
    if (parts.length === 1 && !(cause instanceof Changed)) throw damage;
    const { files, problems } = await apart(capture, parts, options);
    const why = problems.length === 0 ? [`${damage.message}, so ${NOT_JOINED}`] : [];
    return { files, joined: false, problems: [...told, ...why, ...problems] };
  }
}

const NOT_JOINED = 'the segments were not joined: each is written apart';

/** Other bytes than manifest.json names: who swaps age files makes a tarball that nobody captured. */
class Changed extends Error {}

async function apart(
  capture: OpenCapture,
  parts: readonly CapturePart[],
  options: DecryptOptions,
): Promise<Omit<DecryptResult, 'joined'>> {
  const progress = progressOf(parts, options);
  try {
    await mkdir(options.to, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw folderError(cause, options.to);
  }
  const files = [];
  const problems: string[] = [];
  const failed: AmberError[] = [];
  for (const part of parts) {
    try {
      const path = join(options.to, part.object.replace(/\.age$/u, ''));
      const { changed, ...file } = await write(capture, [part], options, { path, progress, strict: false });
      files.push(file);
      problems.push(...changed);
    } catch (cause) {
      failed.push(damageOf(capture, cause, options.identity));
    }
  }
  const [first] = failed;
  if (first !== undefined && files.length === 0) {
    await rmdir(options.to).catch(() => undefined); // it was there before, and holds something
    throw first;
  }
  return { files, problems: [...problems, ...failed.map(({ message }) => message)] };
}

/** Why one segment does not open. @throws anything else again. */
function damageOf(capture: OpenCapture, cause: unknown, identity: AgeIdentity): AmberError {
  if (cause instanceof Changed) return new AmberError('ARCHIVE_CORRUPT', cause.message);
  if (!isAmberError(cause) || (cause.code !== 'ARCHIVE_CORRUPT' && cause.code !== 'IDENTITY_INVALID')) throw cause;
  return isOurKey(capture, identity) ? new AmberError('ARCHIVE_CORRUPT', cause.message, { cause }) : cause;
}

interface Writing {
  readonly path: string;
  readonly progress: (bytes: number) => undefined;
  /** Write nothing where an age file is another one than manifest.json names. */
  readonly strict: boolean;
}

type Written = DecryptResult['files'][number] & { readonly changed: readonly string[] };

async function write(
  capture: OpenCapture,
  parts: readonly CapturePart[],
  { identity }: DecryptOptions,
  { path, progress, strict }: Writing,
): Promise<Written> {
  return fillFile(path, async (file) => {
    const digest = createHash('sha256');
    const changed: string[] = [];
    let bytes = 0;
    for (const part of parts) {
      const sealed = createHash('sha256');
      const stored = storedBytes(capture, part, (chunk) => {
        sealed.update(chunk);
        progress(chunk.length);
        return undefined;
      });
      for await (const chunk of openAge(stored, part, identity)) {
        digest.update(chunk);
        bytes += chunk.length;
        await append(file, chunk, path);
      }
      const told = differs(part, sealed.digest('hex'));
      if (told === undefined) continue;
      if (strict) throw new Changed(told);
      changed.push(told);
    }
    return { path, sha256: digest.digest('hex'), bytes, changed };
  });
}

function differs({ object, committed }: CapturePart, sha256: string): string | undefined {
  return committed === undefined || committed.sha256 === sha256
    ? undefined
    : `${object} is ${sha256}, manifest.json says ${committed.sha256}`;
}

function progressOf(parts: readonly CapturePart[], { onProgress }: DecryptOptions): (bytes: number) => undefined {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  return (bytes) => {
    done += bytes;
    onProgress?.(done, total);
    return undefined;
  };
}
