/** A capture that lies parked in /tmp is hashed and not stored again: told by size and digest, never by a name. */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { Entry } from '../contracts/evidence.ts';

const CHUNK = 256 * 1024;

/** @param parked - size by lower-case hex SHA-256 of what this process has parked */
export function* unnested(entries: Iterable<Entry>, parked: ReadonlyMap<string, number>): Generator<Entry> {
  const sizes = new Set(parked.values());
  for (const entry of entries) {
    yield entry.kind === 'file' &&
    sizes.has(Number(entry.stat.size)) &&
    parked.has(digestOf(entry.fd, Number(entry.stat.size)))
      ? {
          ...entry,
          store: false,
          byDesign: 'stored-elsewhere',
          reason: 'a capture that this extension has parked here: its SHA-256 is that of the log',
        }
      : entry;
  }
}

/** Reads by position, so that the archive still begins at the start. */
function digestOf(fd: number, size: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK);
  try {
    for (let at = 0; at < size; ) {
      const count = readSync(fd, buffer, 0, Math.min(CHUNK, size - at), at);
      if (count === 0) break;
      hash.update(buffer.subarray(0, count));
      at += count;
    }
    return hash.digest('hex');
  } catch {
    return '';
  }
}
