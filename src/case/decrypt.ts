/** Age files of a capture to the tarball inside of them. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AmberError } from '../errors.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import type { CapturePart, OpenCapture } from './open.ts';
import { openAge, storedBytes } from './segment-bytes.ts';
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
}

/** @throws AmberError USAGE (nothing is encrypted), IDENTITY_INVALID, ARCHIVE_CORRUPT, CASE_EXISTS, DESTINATION_*. */
export async function decrypt(capture: OpenCapture, options: DecryptOptions): Promise<DecryptResult> {
  const { parts } = capture;
  if (!parts.some(({ sealed }) => sealed)) throw new AmberError('USAGE', `Nothing in ${capture.location} is an age file: there is nothing to decrypt.`);
  const progress = progressOf(parts, options);
  if (capture.missing.length === 0) {
    return { files: [await write(capture, parts, options.to, options.identity, progress)], joined: true };
  }
  await mkdir(options.to, { recursive: true, mode: 0o700 });
  const files = [];
  for (const part of parts) {
    files.push(await write(capture, [part], join(options.to, part.object.replace(/\.age$/u, '')), options.identity, progress));
  }
  return { files, joined: false };
}

async function write(
  capture: OpenCapture, parts: readonly CapturePart[], path: string, identity: AgeIdentity, progress: (bytes: number) => undefined,
): Promise<DecryptResult['files'][number]> {
  return fillFile(path, async (file) => {
    const digest = createHash('sha256');
    let bytes = 0;
    for (const part of parts) {
      for await (const chunk of openAge(storedBytes(capture, part, (stored) => progress(stored.length)), part, identity)) {
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
