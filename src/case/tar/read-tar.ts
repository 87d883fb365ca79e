/**
 * Reads a tar stream that is pushed in pieces of any size, and calls a visitor, synchronously: bodies go by without
 * being copied or kept, so memory stays flat whatever the archive holds. `read-whole-tar.ts` hands over to it what
 * tar-stream would read in another way.
 */
import { BLOCK, roundUp } from '../../archive/header.ts';
import { AmberError } from '../../errors.ts';
import { joinHeaders, readPax, readUstar, type Pax, type TarEntry } from './header.ts';
import { many } from '../../many.ts';

export interface TarVisitor {
  readonly entry: (entry: TarEntry) => void;
  /** A piece of the body of that entry; it shares memory with what was pushed. */
  readonly body: (piece: Buffer) => void;
  /** The body is complete. */
  readonly end: () => void;
  /** The two zero blocks that end an archive were read. */
  readonly endOfArchive?: () => void;
}

type State = 'header' | 'pax' | 'body' | 'padding' | 'ended';

/** Names have 4096 bytes at most (PATH_MAX), two of them and the times: more is an attack on our memory. */
export const MAX_PAX: number = 64 * 1024;

export class TarReader {
  readonly #visitor: TarVisitor;
  #state: State = 'header';
  #carry: Buffer[] = [];
  #carried = 0;
  #left = 0;
  #padding = 0;
  #offset: number;
  #entryOffset = 0;
  #pax: Pax | undefined;
  #zeroBlocks = 0;
  #entry: TarEntry | undefined;

  /** `offset` is where in the whole stream the first byte stands. */
  constructor(visitor: TarVisitor, offset = 0) {
    this.#visitor = visitor;
    this.#offset = offset;
  }

  /** Goes on at `offset`, which lies in the body of `entry` or in the padding behind it. */
  static behind(visitor: TarVisitor, entry: TarEntry | undefined, offset: number): TarReader {
    const reader = new TarReader(visitor, offset);
    if (entry === undefined) return reader;
    const bodyEnd = entry.bodyOffset + entry.size;
    reader.#padding = roundUp(entry.size) - entry.size;
    if (offset < bodyEnd) {
      reader.#entry = entry;
      reader.#left = bodyEnd - offset;
      reader.#state = 'body';
    } else if (reader.#padding > 0) {
      reader.#left = reader.#padding;
      reader.#state = 'padding';
    }
    return reader;
  }

  /** Bytes of the stream so far. */
  get offset(): number {
    return this.#offset;
  }

  /** The entry whose body is not complete yet, and how many bytes of it are to come. */
  get open(): { entry: TarEntry; left: number } | undefined {
    return this.#entry === undefined || this.#state !== 'body' ? undefined : { entry: this.#entry, left: this.#left };
  }

  /** True where an entry may begin, that is also where a segment may end. */
  get atBorder(): boolean {
    return (
      this.#state === 'ended' ||
      (this.#state === 'header' && this.#carried === 0 && this.#pax === undefined && this.#zeroBlocks === 0)
    );
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** @throws AmberError ARCHIVE_CORRUPT, after which nothing more can be read; `details.offset` says where. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const before = at;
      if (this.#state === 'body') at = this.#takeBody(chunk, at);
      else if (this.#state === 'padding') at = this.#takePadding(chunk, at);
      else if (this.#state === 'header') at = this.#takeHeader(chunk, at);
      else if (this.#state === 'pax') at = this.#takePax(chunk, at);
      else at = this.#takeRest(chunk, at);
      this.#offset += at - before;
    }
  }

  #takeBody(chunk: Buffer, at: number): number {
    const piece = at === 0 && chunk.length <= this.#left ? chunk : chunk.subarray(at, at + this.#left);
    this.#visitor.body(piece);
    this.#left -= piece.length;
    if (this.#left === 0) this.#finishBody();
    return at + piece.length;
  }

  #finishBody(): void {
    this.#visitor.end();
    this.#entry = undefined;
    this.#left = this.#padding;
    this.#state = this.#padding === 0 ? 'header' : 'padding';
  }

  #takePadding(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    for (let index = at; index < end; index += 1)
      if (chunk[index] !== 0) throw this.#corrupt('the padding behind a body is not zero');
    this.#left -= end - at;
    if (this.#left === 0) this.#state = 'header';
    return end;
  }

  #takeHeader(chunk: Buffer, at: number): number {
    // Nearly always the block lies in one piece in the chunk: then nothing is made for it.
    if (this.#carried === 0 && chunk.length - at >= BLOCK) {
      this.#header(chunk, at, BLOCK);
      return at + BLOCK;
    }
    const block = this.#gather(chunk, at, BLOCK);
    if (block === undefined) return chunk.length;
    this.#header(block.bytes, block.at, block.taken);
    return at + block.taken;
  }

  /** `taken` bytes of the block are new. */
  #header(bytes: Buffer, at: number, taken: number): void {
    if (bytes[at] === 0 && isZero(bytes.subarray(at, at + BLOCK))) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#endArchive();
      return;
    }
    if (this.#zeroBlocks > 0) throw this.#corrupt('a zero block stands between entries');
    const ustar = readUstar(bytes, at);
    if (typeof ustar === 'string') throw this.#corrupt(`there is no tar header: ${ustar}`);
    if (this.#pax === undefined) this.#entryOffset = this.#offset - (BLOCK - taken);
    if (ustar.type === 'x') this.#beginPax(ustar.size);
    else this.#beginEntry(joinHeaders(ustar, this.#pax, this.#entryOffset, this.#offset + taken));
  }

  #beginPax(size: number): void {
    if (this.#pax !== undefined) throw this.#corrupt('two pax headers follow each other');
    if (size === 0 || size > MAX_PAX) throw this.#corrupt(`a pax header of ${many(size, 'byte')}`);
    this.#left = size;
    this.#state = 'pax';
  }

  #takePax(chunk: Buffer, at: number): number {
    const block = this.#gather(chunk, at, roundUp(this.#left));
    if (block === undefined) return chunk.length;
    const records = readPax(block.bytes, block.at, this.#left);
    if (typeof records === 'string') throw this.#corrupt(records);
    this.#pax = records;
    this.#state = 'header';
    return at + block.taken;
  }

  #beginEntry(entry: TarEntry | string): void {
    if (typeof entry === 'string') throw this.#corrupt(entry);
    this.#pax = undefined;
    this.#entry = entry;
    this.#left = entry.size;
    this.#padding = roundUp(entry.size) - entry.size;
    this.#visitor.entry(entry);
    if (entry.size === 0) this.#finishBody();
    else this.#state = 'body';
  }

  #endArchive(): void {
    this.#state = 'ended';
    this.#visitor.endOfArchive?.();
  }

  #takeRest(chunk: Buffer, at: number): number {
    if (!isZero(chunk.subarray(at))) throw this.#corrupt('there is data behind the end of the archive');
    return chunk.length;
  }

  /** `size` bytes in one piece, from what was carried over and from `chunk`; undefined until there are enough. */
  #gather(chunk: Buffer, at: number, size: number): { bytes: Buffer; at: number; taken: number } | undefined {
    const needed = size - this.#carried;
    if (this.#carried === 0 && chunk.length - at >= size) return { bytes: chunk, at, taken: size };
    const piece = chunk.subarray(at, at + needed);
    this.#carry.push(Buffer.from(piece)); // a copy: a small rest must not keep a large chunk alive
    this.#carried += piece.length;
    if (this.#carried < size) return undefined;
    const bytes = Buffer.concat(this.#carry);
    this.#carry = [];
    this.#carried = 0;
    return { bytes, at: 0, taken: piece.length };
  }

  #corrupt(reason: string): AmberError {
    return new AmberError('ARCHIVE_CORRUPT', `At byte ${this.#offset} of the tar stream, ${reason}.`, {
      details: { offset: this.#offset },
    });
  }
}

/**
 * Reads a stream that may break off anywhere. @throws AmberError ARCHIVE_CORRUPT, and what the visitor or the source
 * throws.
 */
export async function readStrictly(
  chunks: AsyncIterable<Buffer>,
  visitor: TarVisitor,
): Promise<{ readonly ended: boolean }> {
  const reader = new TarReader(visitor);
  for await (const chunk of chunks) reader.push(chunk);
  return reader;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** True if all bytes are zero. */
export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}
