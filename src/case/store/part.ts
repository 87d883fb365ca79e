/** One object of a capture, or a range of it, as a piece of the stored bytes. */
import { createHash } from 'node:crypto';
import { isAmberError } from '../../errors.ts';
import type { CommittedSegment } from '../../seal/commit.ts';
import { decompress, packingByName, packingOf, type Packing } from '../tar/decompress.ts';
import { isHeader } from '../tar/header.ts';
import { SEGMENT } from './object-names.ts';
import type { CaseStore, Range, StoredName } from './store.ts';

/** Bytes that follow each other in one object: a segment, or a joined tarball of which the segments are not known. */
export interface CapturePart {
  /** Undefined for a joined tarball. */
  readonly number: number | undefined;
  readonly object: string;
  /** Where in the object; undefined: all of it. */
  readonly range: Range | undefined;
  /** Bytes that are there. */
  readonly bytes: number;
  readonly packing: Packing;
  /** An age file. */
  readonly sealed: boolean;
  /** What manifest.json says of it. */
  readonly committed: CommittedSegment | undefined;
}

/** An object with a name of ours that is no part of the capture. */
export interface ForeignPart extends CapturePart {
  /** In words, behind its name. */
  readonly why: string;
}

/** The objects of a capture, told apart from what lies beside them. */
export interface Parts {
  /** In order, as far as they are there. */
  readonly parts: readonly CapturePart[];
  readonly missing: readonly number[];
  readonly unexpectedObjects: readonly ForeignPart[];
}

/** All of an object. */
export async function wholePart(
  store: CaseStore,
  { name, bytes }: StoredName,
  committed?: CommittedSegment,
): Promise<CapturePart> {
  const [, digits] = SEGMENT.exec(name) ?? [];
  return {
    number: digits === undefined ? undefined : Number(digits),
    object: name,
    range: undefined,
    bytes,
    committed,
    packing: packingByName(name) ?? packingOf(await firstBytes(store, name)),
    sealed: name.endsWith('.age'),
  };
}

async function firstBytes(store: CaseStore, name: string): Promise<Uint8Array> {
  for await (const piece of store.read(name, { start: 0, bytes: 4 })) return piece;
  return new Uint8Array(0);
}

/** SHA-256 in lower-case hex; undefined where it may not be read: then it is not known whose it is. */
export async function digestOf(store: CaseStore, name: string, range?: Range): Promise<string | undefined> {
  const digest = createHash('sha256');
  try {
    for await (const chunk of store.read(name, range, { reuseBuffers: true })) digest.update(chunk);
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    return undefined;
  }
  return digest.digest('hex');
}

const BLOCK = 512;
/** "The age file encryption format", version line. */
const AGE = Buffer.from('age-encryption.org/');

/** True if an object begins as its name says: an age file, or packed bytes with the header of an entry in front. */
export async function begins(store: CaseStore, part: CapturePart): Promise<boolean> {
  if (part.bytes === 0) return false;
  try {
    if (part.sealed)
      return (await firstOf(store.read(part.object, { start: 0, bytes: AGE.length }), AGE.length)).equals(AGE);
    const start = await firstOf(decompress(store.read(part.object), part.packing), BLOCK);
    // A later segment may go on inside of a body.
    return (part.number ?? 0) > 0 ? start.length > 0 : start.length === BLOCK && isHeader(start, 0);
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    return false;
  }
}

async function firstOf(source: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  let start = Buffer.alloc(0);
  for await (const piece of source) {
    start = Buffer.concat([start, piece.subarray(0, most)]);
    if (start.length >= most) break;
  }
  return start.subarray(0, most);
}
