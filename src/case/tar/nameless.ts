/**
 * A file for what does not fit in memory, without a name as soon as it is open: nothing is left behind, whatever ends
 * the program.
 */
import { mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AmberError } from '../../errors.ts';

/** A descriptor, to read and to write. @throws AmberError DESTINATION_FAILED, with the folder. */
export function openNameless(): number {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'amber-sort-'));
    const path = join(folder, 'run');
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    rmdirSync(folder);
    return fd;
  } catch (cause) {
    throw new AmberError(
      'DESTINATION_FAILED',
      `The folder for temporary files, ${JSON.stringify(tmpdir())}, cannot be written; TMPDIR names another.`,
      { cause },
    );
  }
}

/** Writes all of it at the end of the file. @throws AmberError DESTINATION_FAILED. */
export function appendTo(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (cause) {
      throw new AmberError(
        'DESTINATION_FAILED',
        `The folder for temporary files, ${JSON.stringify(tmpdir())}, is full or cannot be written; TMPDIR ` +
          'names another.',
        { cause },
      );
    }
  }
}
