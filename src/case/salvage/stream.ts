/**
 * Finds entries in a tar stream with holes. Behind a hole it looks for the next header. In a segment that goes on
 * inside of a body it looks for the manifest part at its end: everything before that is bytes of a file, whatever they
 * look like.
 */
import { roundUp } from '../../archive/header.ts';
import { isAmberError } from '../../errors.ts';
import { partNumber } from '../verify/manifest-part.ts';
import { isZero, TarReader } from '../tar/read-tar.ts';
import type { SalvageContents } from './contents.ts';
import { isHeader, readUstar } from '../tar/header.ts';

const BLOCK = 512;
/** Magic and version of POSIX ustar, at byte 257 of a header. */
const MAGIC = Buffer.from('ustar\u000000', 'latin1');
const MAGIC_AT = 257;
/** A manifest part has 4 MiB of lines and one item more; an item may have notes. */
const TAIL_BYTES = 12 * 1024 * 1024;

/** What is known of the beginning of a segment. */
export interface Beginning {
  /** The segment before it was read to its end. */
  readonly follows: boolean;
  /** It begins inside of a body; undefined where nobody says. */
  readonly continues: boolean | undefined;
  /** Tells the manifest part that closes it from what an attacker wrote into a file. */
  readonly isPart: (body: Buffer) => boolean;
}

export interface FragmentSink {
  /** Bytes of the body of a file that began in a segment that is not there. */
  readonly fragment: (bytes: Buffer) => void;
}

export class SalvageStream {
  readonly #contents: SalvageContents;
  readonly #sink: FragmentSink;
  #reader: TarReader | undefined;
  #mode: 'reading' | 'searching' | 'tail' = 'reading';
  #window: Buffer = Buffer.alloc(0);
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #offset = 0;
  #undecided = false;
  #segment: number | undefined;
  #isPart: Beginning['isPart'] = () => true;

  constructor(contents: SalvageContents, sink: FragmentSink) {
    this.#contents = contents;
    this.#sink = sink;
    this.#read(0);
  }

  begin(segment: number | undefined, { follows, continues, isPart }: Beginning): void {
    this.#contents.segment = segment;
    this.#segment = segment;
    this.#isPart = isPart;
    const goesOn = follows && this.#mode === 'reading' && (continues !== false || this.#reader?.open === undefined);
    if (goesOn) return;
    this.#lose();
    this.#offset = 0;
    this.#undecided = continues === undefined;
    if (continues === true) this.#mode = 'tail';
    else if (continues === false) this.#read(0);
  }

  push(chunk: Buffer): void {
    this.#offset += chunk.length;
    if (this.#undecided) this.#decide(chunk);
    else this.#take(chunk);
  }

  /** Bytes are missing inside of the segment. */
  gap(): void {
    if (this.#undecided) this.#settle();
    if (this.#mode === 'tail') return;
    this.#lose();
    this.#mode = 'searching';
  }

  endSegment(): void {
    if (this.#undecided) this.#settle();
    if (this.#mode === 'tail') this.#readTail();
    if (this.#mode !== 'reading') this.#lose();
  }

  finish(): void {
    this.#lose();
    this.#contents.finish();
  }

  #take(chunk: Buffer): void {
    if (this.#mode === 'tail') this.#keepTail(chunk);
    else if (this.#mode === 'searching') this.#search(chunk);
    else this.#pushTar(chunk, this.#offset - chunk.length);
  }

  /** Whether a segment begins with a header can be said once a block is there. */
  #decide(chunk: Buffer): void {
    this.#window = Buffer.concat([this.#window, chunk]);
    if (this.#window.length >= BLOCK) this.#settle();
  }

  #settle(): void {
    this.#undecided = false;
    const begun = this.#window;
    this.#window = Buffer.alloc(0);
    if (begun.length >= BLOCK && isHeader(begun, 0)) this.#read(0);
    else this.#mode = 'tail';
    this.#take(begun);
  }

  #read(offset: number): void {
    this.#mode = 'reading';
    this.#reader = new TarReader(this.#contents, offset);
  }

  /** `from` is the offset of the chunk in the segment, or in all that was read since the last hole. */
  #pushTar(chunk: Buffer, from: number): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const before = reader.offset;
    try {
      reader.push(chunk);
    } catch (cause) {
      if (!isAmberError(cause) || cause.code !== 'ARCHIVE_CORRUPT') throw cause;
      const eaten = Math.max(1, reader.offset - before);
      this.#lose();
      this.#mode = 'searching';
      if (eaten < chunk.length) this.#search(chunk.subarray(eaten), from + eaten);
    }
  }

  #search(chunk: Buffer, from: number = this.#offset - chunk.length): void {
    const window = Buffer.concat([this.#window, chunk]);
    const start = from - this.#window.length;
    this.#window = Buffer.alloc(0);
    for (let at = window.indexOf(MAGIC); at >= 0; at = window.indexOf(MAGIC, at + 1)) {
      const header = at - MAGIC_AT;
      if (header < 0 || header + BLOCK > window.length || !isHeader(window, header)) continue;
      if (header > 0) this.#sink.fragment(window.subarray(0, header));
      this.#read(start + header);
      this.#pushTar(window.subarray(header), start + header);
      return;
    }
    const kept = Math.min(window.length, BLOCK - 1);
    if (window.length > kept) this.#sink.fragment(window.subarray(0, window.length - kept));
    this.#window = Buffer.from(window.subarray(window.length - kept));
  }

  #keepTail(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    for (
      let first = this.#tail[0];
      first !== undefined && this.#tailBytes - first.length >= TAIL_BYTES;
      first = this.#tail[0]
    ) {
      this.#sink.fragment(first);
      this.#tail.shift();
      this.#tailBytes -= first.length;
    }
  }

  /** The last header in the segment that reaches to its end is the manifest part: nothing can stand behind it. */
  #readTail(): void {
    const tail = Buffer.concat(this.#tail);
    this.#tail = [];
    this.#tailBytes = 0;
    for (let at = tail.lastIndexOf(MAGIC); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(MAGIC, at - 1)) {
      const header = at - MAGIC_AT;
      if (header < 0 || header + BLOCK > tail.length || !isHeader(tail, header)) continue;
      const ustar = readUstar(tail, header);
      const number = typeof ustar === 'string' ? undefined : partNumber(ustar.path);
      if (
        typeof ustar === 'string' ||
        number === undefined ||
        (this.#segment !== undefined && number !== this.#segment)
      )
        continue;
      const body = header + BLOCK;
      const end = body + roundUp(ustar.size);
      if (end > tail.length || !isZero(tail.subarray(end)) || tail.length - end > 2 * BLOCK) continue;
      if (!this.#isPart(tail.subarray(body, body + ustar.size))) continue;
      if (header > 0) this.#sink.fragment(tail.subarray(0, header));
      this.#contents.foundPart(number, tail.subarray(body, body + ustar.size));
      return;
    }
    if (tail.length > 0) this.#sink.fragment(tail);
  }

  #lose(): void {
    if (this.#reader !== undefined) this.#contents.breakOff();
    this.#reader = undefined;
    this.#window = Buffer.alloc(0);
    this.#tail = [];
    this.#tailBytes = 0;
    this.#mode = 'searching';
  }
}
