/** Age files of a capture to the tarball inside of them. */
import { createHash } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AmberError, isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import type { CapturePart, OpenCapture } from './open.ts';
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
  /** Segments that could not be opened, and why. */
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
  if (capture.missing.length === 0) {
    try {
      return {
        files: [await write(capture, parts, options.to, options.identity, progress)],
        joined: true,
        problems: [],
      };
    } catch (cause) {
      const damage = damageOf(capture, cause, options.identity);
      if (parts.length === 1) throw damage;
    }
  }
  return apart(capture, parts, options);
}

async function apart(
  capture: OpenCapture,
  parts: readonly CapturePart[],
  options: DecryptOptions,
): Promise<DecryptResult> {
  const progress = progressOf(parts, options);
  await mkdir(options.to, { recursive: true, mode: 0o700 });
  const files = [];
  const failed: AmberError[] = [];
  for (const part of parts) {
    try {
      files.push(
        await write(capture, [part], join(options.to, part.object.replace(/\.age$/u, '')), options.identity, progress),
      );
    } catch (cause) {
      failed.push(damageOf(capture, cause, options.identity));
    }
  }
  const [first] = failed;
  if (first !== undefined && files.length === 0) {
    await rmdir(options.to).catch(() => undefined); // it was there before, and holds something
    throw first;
  }
  return { files, joined: false, problems: failed.map(({ message }) => message) };
}

/** Why one segment does not open. @throws anything else again. */
function damageOf(capture: OpenCapture, cause: unknown, identity: AgeIdentity): AmberError {
  if (!isAmberError(cause) || (cause.code !== 'ARCHIVE_CORRUPT' && cause.code !== 'IDENTITY_INVALID')) throw cause;
  return isOurKey(capture, identity) ? new AmberError('ARCHIVE_CORRUPT', cause.message, { cause }) : cause;
}

async function write(
  capture: OpenCapture,
  parts: readonly CapturePart[],
  path: string,
  identity: AgeIdentity,
  progress: (bytes: number) => undefined,
): Promise<DecryptResult['files'][number]> {
  return fillFile(path, async (file) => {
    const digest = createHash('sha256');
    let bytes = 0;
    for (const part of parts) {
      for await (const chunk of openAge(
        storedBytes(capture, part, (stored) => progress(stored.length)),
        part,
        identity,
      )) {
        digest.update(chunk);
        bytes += chunk.length;
        await append(file, chunk, path);
      }
    }
    return { path, sha256: digest.digest('hex'), bytes };
  });
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
