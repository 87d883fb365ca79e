/**
 * The tar stream cut into segments. Bytes fill one part while the other is compressed. A finished part becomes one
 * frame, which is encrypted where there is a recipient and kept until the segment is cut. Memory: two parts, one
 * segment being filled, one being handed over, and what `onSegment` still holds. Bodies serve again when their taker
 * says so: V8 collects dead buffers only once there are 64 MB of them, half of a small function.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Segment, Tier } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { release, type Compressor } from './compress.ts';

/** One age file a segment: a fresh file key each. */
export interface SegmentEncryptor {
  readonly push: (bytes: Uint8Array) => readonly Uint8Array[];
  readonly finish: () => readonly Uint8Array[];
}

export interface SegmentOptions {
  readonly compressor: Compressor;
  readonly encryptor?: () => SegmentEncryptor;
  /** Takes a finished segment; the promise is the back pressure: it resolves when another may follow. */
  readonly onSegment: (segment: Segment) => Promise<void>;
  readonly partBytes: number;
  /** What a segment is expected to come to; it may come to more. */
  readonly segmentBytes: number;
  readonly digestWhole?: boolean; // false: of the segments alone, which determine it
  /** Whole frames larger than this are not pushed through the encryptor and the digest at a stretch. */
  readonly yieldIfDue: () => Promise<void> | undefined;
}

export class SegmentWriter {
  readonly #options: SegmentOptions;
  readonly #whole: Hash | undefined;
  #own: Hash | undefined; // of the segment being filled; the first one's is that of the whole so far, if there is that
  #part: Buffer;
  #spare: Buffer;
  #used = 0;
  #frame: Promise<readonly Uint8Array[]> | undefined; // of the part that was flushed last
  /** The segment being filled, up to `#bytes`. */
  #body: Buffer;
  readonly #free: Buffer[] = [];
  #handing: Promise<void> | undefined;
  #encryptor: SegmentEncryptor | undefined;
  #number = 0;
  #continues = false;
  #bytes = 0;
  #total = 0;
  #tarOffset = 0;
  #tarBytes = 0;
  #openedMs = Date.now();

  constructor(options: SegmentOptions) {
    this.#options = options;
    this.#whole = options.digestWhole === false ? undefined : createHash('sha256');
    if (this.#whole === undefined) this.#own = createHash('sha256');
    this.#part = Buffer.allocUnsafeSlow(options.partBytes);
    this.#spare = Buffer.allocUnsafeSlow(options.partBytes);
    this.#body = this.#newBody();
  }

  /** Number of the segment being filled. */
  get number(): number {
    return this.#number;
  }

  /** An upper bound of what the segment holds: stored bytes, and the bytes of parts that are not compressed yet. */
  get bytes(): number {
    return this.#bytes + this.#used + (this.#frame === undefined ? 0 : this.#options.partBytes);
  }

  /** Bytes of tar in the segment being filled. */
  get tarBytes(): number {
    return this.#tarBytes;
  }

  /** True if the segment began inside the body of an entry. */
  get continues(): boolean {
    return this.#continues;
  }

  get openedMs(): number {
    return this.#openedMs;
  }

  /** All stored bytes so far. */
  get total(): number {
    return this.#total + this.#bytes;
  }

  /**
   * The free end of the part, to read into; call {@link advance} with what was filled. Never empty after {@link flush}.
   */
  space(): Buffer {
    return this.#part.subarray(this.#used);
  }

  advance(count: number): void {
    this.#used += count;
    this.#tarBytes += count;
  }

  /** The part itself and the offset of its free end, for writers that fill it in place. */
  get part(): Buffer {
    return this.#part;
  }

  get used(): number {
    return this.#used;
  }

  /** True if `count` bytes fit in the part as it is. */
  fits(count: number): boolean {
    return this.#used + count <= this.#part.length;
  }

  /** Copies bytes that are known to fit. */
  put(bytes: Uint8Array): void {
    this.#part.set(bytes, this.#used);
    this.advance(bytes.length);
  }

  /** Copies bytes of any length. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === this.#part.length) await this.flush();
      const piece = bytes.subarray(at, at + this.#part.length - this.#used);
      this.put(piece);
      at += piece.length;
    }
  }

  /** Adds zeros that are known to fit (padding to a block). */
  pad(count: number): void {
    if (count === 0) return;
    this.#part.fill(0, this.#used, this.#used + count);
    this.advance(count);
  }

  /** Adds any number of zeros; false if this compression cannot do so in a small space. */
  async zeros(count: number): Promise<boolean> {
    const frames = this.#options.compressor.zeros(count);
    if (frames === undefined) return false;
    await this.#drain();
    await this.#append(frames);
    this.#tarBytes += count;
    return true;
  }

  /** Hands the part to the compressor and goes on with the other one; waits while that is still being compressed. */
  async flush(): Promise<void> {
    const { compressor } = this.#options;
    const before = await this.#frame;
    this.#frame = undefined;
    if (this.#used > 0) {
      const full = this.#part.subarray(0, this.#used);
      [this.#part, this.#spare] = [this.#spare, this.#part];
      this.#used = 0;
      this.#frame = compressor.frame(full);
      this.#frame.catch(() => undefined); // reported by the next await of it
    }
    if (before !== undefined) await this.#append(before).then(() => compressor.release(before));
  }

  /** Waits until all that was written stands in the segment. */
  async #drain(): Promise<void> {
    while (this.#used > 0 || this.#frame !== undefined) await this.flush();
  }

  /**
   * Ends the segment. `chainHead` is the digest of the manifest segment that closes it. Without one the cut is inside
   * the body of an entry, which goes on in the next segment. Waits for the segment before this one to be handed over.
   */
  async cut(tier: Tier, chainHead?: string): Promise<void> {
    await this.#drain();
    await this.#handing;
    if (this.#tarBytes === 0) return;
    if (this.#encryptor !== undefined) this.#keep(this.#encryptor.finish());
    const facts = {
      number: this.#number,
      name: this.#name(),
      bytes: this.#bytes,
      continues: this.#continues,
      tarOffset: this.#tarOffset,
      tarBytes: this.#tarBytes,
      tier,
      ...defined({ chainHead }),
    };
    const memory = this.#body;
    const sha256 = (this.#own ?? this.#whole?.copy())?.digest('hex') ?? '';
    const recycle = (): void => void this.#free.push(memory);
    this.#handing = this.#options.onSegment({ ...facts, body: [memory.subarray(0, facts.bytes)], sha256, recycle });
    this.#handing.catch(() => undefined); // reported by the next await of it
    this.#reset({ inside: chainHead === undefined });
  }

  /** Waits until every segment was handed over. */
  async settle(): Promise<void> {
    await this.#handing;
  }

  #newBody(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#options.segmentBytes + 2 * this.#options.partBytes);
  }

  /** SHA-256 of all segments joined, null where none was wanted. Call it once, after the last cut. */
  digest(): string | null {
    return this.#whole?.digest('hex') ?? null;
  }

  async #append(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#options.encryptor !== undefined) this.#encryptor ??= this.#options.encryptor();
    for (const piece of pieces) {
      const sealed = this.#encryptor?.push(piece) ?? [piece];
      this.#keep(sealed);
      if (this.#encryptor !== undefined) sealed.forEach(release);
      await this.#options.yieldIfDue();
    }
  }

  #keep(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#whole?.update(piece);
      this.#own?.update(piece);
      const end = this.#bytes + piece.length;
      if (end > this.#body.length) this.#grow(end);
      this.#body.set(piece, this.#bytes);
      this.#bytes = end;
    }
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#body.length * 1.5)));
    larger.set(this.#body.subarray(0, this.#bytes));
    this.#body = larger;
  }

  #name(): string {
    const sealed = this.#options.encryptor === undefined ? '' : '.age';
    return `capture-${String(this.#number).padStart(4, '0')}.tar${this.#options.compressor.extension}${sealed}`;
  }

  #reset({ inside }: { readonly inside: boolean }): void {
    this.#continues = inside;
    this.#tarOffset += this.#tarBytes;
    this.#total += this.#bytes;
    this.#number += 1;
    this.#tarBytes = 0;
    this.#bytes = 0;
    this.#body = this.#newBody();
    // Not at once in the thread pool: Node copies what it digests there, and a small function has no memory for that.
    this.#own = createHash('sha256');
    this.#encryptor = undefined;
    this.#openedMs = Date.now();
  }
}
