/**
 * Finds the end of one zstd frame (RFC 8878 section 3.1) by its block headers, over chunks of any size and without a
 * wait: the cost is that of the bytes, however small frames and blocks are.
 */
import { AmberError } from '../../errors.ts';

const MAGIC = 0xfd2fb528;
/** Skippable frames, section 3.1.2: sixteen magic numbers. */
const SKIPPABLE = 0x184d2a50;
/** Block_Maximum_Size, section 3.1.1.2.4. */
export const BLOCK_MAX: number = 128 * 1024;

/** The header with its largest members. */
const MAX_FIELD = 14;

/** What comes next: a field of a few bytes, or bytes that are passed over. */
type Stage = 'magic' | 'skip-size' | 'descriptor' | 'header' | 'block' | 'repeated' | 'passed' | 'checksum';

export class FrameWalk {
  #stage: Stage = 'magic';
  /** Bytes of the field, or bytes to pass over. */
  #need = 4;
  /** Made where a field lies in two chunks: a frame is walked a million times. */
  #field: Buffer | undefined;
  #have = 0;
  #flags = 0;
  #block = 0;
  readonly #start: number;
  /** Its last byte was seen. */
  ended = false;
  /** It holds nothing: section 3.1.2. */
  skippable = false;
  blocks = 0;
  /** Bytes of content, at most. */
  most = 0;
  /** Only raw and repeated blocks, and no checksum. */
  plain = true;
  /** Zeros that it stands for; NaN once anything else was seen. */
  zeros = 0;

  /** A frame that begins at byte `start` of the source. */
  constructor(start: number) {
    this.#start = start;
  }

  /** Index behind the bytes of `chunk` from `at` on that belong to the frame. @throws AmberError ARCHIVE_CORRUPT. */
  take(chunk: Buffer, at: number): number {
    let from = at;
    while (!this.ended && from < chunk.length) {
      const piece = Math.min(this.#need, chunk.length - from);
      if (this.#stage === 'passed') this.#need -= piece;
      else if (piece === this.#need && this.#have === 0) this.#read(chunk, from);
      else from = this.#gather(chunk, from, piece) - piece;
      from += piece;
      if (this.#stage === 'passed' && this.#need === 0) this.#endBlock();
    }
    return from;
  }

  /** Puts a field together that lies in several chunks. */
  #gather(chunk: Buffer, from: number, piece: number): number {
    this.#field ??= Buffer.alloc(MAX_FIELD);
    chunk.copy(this.#field, this.#have, from, from + piece);
    this.#have += piece;
    this.#need -= piece;
    if (this.#need === 0) {
      this.#have = 0;
      this.#read(this.#field, 0);
    }
    return from + piece;
  }

  /** A field is complete. */
  #read(bytes: Buffer, at: number): void {
    switch (this.#stage) {
      case 'magic':
        this.#magic(bytes.readUInt32LE(at));
        break;
      case 'skip-size':
        this.#pass(bytes.readUInt32LE(at));
        break;
      case 'descriptor':
        this.#descriptor(bytes[at] ?? 0);
        break;
      case 'header':
        this.#expect('block', 3);
        break;
      case 'block':
        this.#header(bytes.readUIntLE(at, 3));
        break;
      case 'repeated':
        this.#repeated(bytes[at] ?? 0);
        break;
      default:
        this.ended = true;
    }
  }

  #expect(stage: Stage, need: number): void {
    this.#stage = stage;
    this.#need = need;
  }

  #magic(word: number): void {
    this.skippable = (word & 0xfffffff0) >>> 0 === SKIPPABLE;
    if (this.skippable) {
      this.#expect('skip-size', 4);
      return;
    }
    if (word !== MAGIC) throw new AmberError('ARCHIVE_CORRUPT', `There is no zstd frame at byte ${this.#start}.`);
    this.#expect('descriptor', 1);
  }

  #descriptor(flags: number): void {
    this.#flags = flags;
    const rest = headerRest(flags);
    if (rest > 0) this.#expect('header', rest);
    else this.#expect('block', 3);
  }

  #header(word: number): void {
    this.#block = word;
    const kind = (word >> 1) & 3;
    const size = word >> 3;
    if (kind === 3 || size > BLOCK_MAX)
      throw new AmberError('ARCHIVE_CORRUPT', `A zstd block of the frame at byte ${this.#start} is damaged.`);
    this.blocks += 1;
    this.most += kind === 2 ? BLOCK_MAX : size;
    if (kind === 2) this.plain = false;
    if (kind !== 1 && size > 0) this.zeros = Number.NaN;
    if (kind === 1) this.#expect('repeated', 1);
    else this.#pass(size);
  }

  #repeated(byte: number): void {
    this.zeros += byte === 0 ? this.#block >> 3 : Number.NaN;
    this.#endBlock();
  }

  #pass(bytes: number): void {
    this.#expect('passed', bytes);
    if (bytes === 0) this.#endBlock();
  }

  #endBlock(): void {
    if (!this.skippable && (this.#block & 1) === 0) {
      this.#expect('block', 3);
      return;
    }
    if (this.skippable || (this.#flags & 4) === 0) {
      this.ended = true;
      return;
    }
    this.plain = false; // the checksum is for the decompressor to compare
    this.zeros = Number.NaN;
    this.#expect('checksum', 4);
  }
}

/** Bytes of the frame header behind its descriptor, section 3.1.1.1. */
function headerRest(flags: number): number {
  const single = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const content = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  return (single ? 0 : 1) + dictionary + content;
}

/**
 * True if the header of a frame with `content` bytes is one that every decompressor takes, so that what is plain can be
 * copied: no dictionary, no reserved bit, the content size that it says, a window from 128 KiB to 16 MiB.
 */
export function isUsualHeader(frame: Buffer, content: number): boolean {
  const flags = frame[4] ?? 0;
  if ((flags & 0x0b) !== 0) return false;
  const single = (flags & 0x20) !== 0;
  const window = 10 + ((frame[5] ?? 0) >> 3);
  if (!single && (window < 17 || window > 24)) return false;
  const at = single ? 5 : 6;
  switch (flags >> 6) {
    case 0:
      return !single || frame[at] === content;
    case 1:
      return frame.readUInt16LE(at) + 256 === content;
    case 2:
      return frame.readUInt32LE(at) === content;
    default:
      return frame.readBigUInt64LE(at) === BigInt(content);
  }
}

/**
 * The content of a whole frame of which {@link FrameWalk.plain} is true, written to `into` at `to`. Gives the index
 * behind it.
 */
export function plainContent(frame: Buffer, into: Buffer, to: number): number {
  let at = 5 + headerRest(frame[4] ?? 0);
  for (let last = false; !last; ) {
    const word = frame.readUIntLE(at, 3);
    const size = word >> 3;
    const repeats = ((word >> 1) & 3) === 1;
    last = (word & 1) === 1;
    at += 3;
    if (repeats) into.fill(frame[at] ?? 0, to, to + size);
    else frame.copy(into, to, at, at + size);
    at += repeats ? 1 : size;
    to += size;
  }
  return to;
}
