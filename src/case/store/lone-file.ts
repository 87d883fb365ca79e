/** Whether a single file that was named can be a segment or a tarball, before anything is judged by it. */
import { packingOf } from '../tar/decompress.ts';
import { isPart } from './object-names.ts';
import type { CaseStore } from './store.ts';

/**
 * By a name of ours or of a tarball, else by how it begins: packed, an age file, or the first header of a tar stream.
 */
export async function mayHoldCapture(store: CaseStore, name: string): Promise<boolean> {
  if (isPart(name) || /\.(?:tar(?:\.zst|\.gz)?|tgz)(?:\.age)?$/u.test(name)) return true;
  let start = Buffer.alloc(0);
  for await (const piece of store.read(name, { start: 0, bytes: MAGIC_AT + MAGIC.length }))
    start = Buffer.concat([start, piece]);
  return (
    packingOf(start) !== 'none' || start.subarray(0, AGE.length).equals(AGE) || start.subarray(MAGIC_AT).equals(MAGIC)
  );
}

/** POSIX.1-2017, pax, ustar interchange format. */
const MAGIC_AT = 257;
const MAGIC = Buffer.from('ustar');
/** "The age file encryption format", version line. */
const AGE = Buffer.from('age-encryption.org/');
