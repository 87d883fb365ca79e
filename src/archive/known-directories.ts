/**
 * Directories that stand in the tarball already. One that comes again is a line alone: a reader that keeps the last
 * entry of a name would lose what lies below it.
 */
import { hash } from 'node:crypto';
import type { Entry } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';

export class KnownDirectories {
  /** 52 bits of a digest of each path: a path itself may have 4096 bytes. */
  readonly #paths = new Set<number>();

  /** The entry as it is to be stored: a directory once, everything else as it is. */
  once(entry: Entry): Entry {
    if (entry.kind !== 'directory') return entry;
    const known = this.#paths.size;
    if (this.#paths.add(parseInt(hash('sha256', entry.path, 'hex').slice(0, 13), 16)).size > known) return entry;
    const { path, source, method, stat } = entry;
    return {
      kind: 'absent',
      path,
      source,
      method,
      outcome: 'skipped',
      byDesign: 'stored-elsewhere',
      reason: 'this directory stands in the tarball already',
      ...defined({ stat }),
    };
  }
}
