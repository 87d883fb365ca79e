/**
 * Headers and bodies as one stream of segments: when a segment ends, and the manifest part that tells what is in it.
 *
 * A segment is closed by size, by age, at each border between tiers and after an entry that needed more than one.
 */
import { createHash } from 'node:crypto';
import type { Tier } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { padding, type BodyOptions } from './body.ts';
import { createCompressor, release, type Compressor } from './compress.ts';
import type { TarballOptions } from './contracts.ts';
import { BLOCK, encodeHeader, roundUp, type HeaderFields } from './header.ts';
import { SegmentWriter } from './segments.ts';

const MAX_PENDING_MANIFEST = 4 * 1024 * 1024;

export class TarStream {
  /** Where small entries are written without a turn of the event loop. */
  readonly writer: SegmentWriter;
  /** For bodies that are read piece by piece. */
  readonly body: BodyOptions;
  readonly #options: TarballOptions;
  readonly #compressor: Compressor;
  readonly #mostPending: number;
  #tier: Tier = 'volatile';

  constructor(options: TarballOptions) {
    this.#options = options;
    this.#mostPending = Math.min(MAX_PENDING_MANIFEST, options.segmentBytes / 4);
    this.#compressor = createCompressor(options.compression, options.partBytes);
    this.writer = new SegmentWriter({
      compressor: this.#compressor,
      onSegment: options.onSegment,
      partBytes: options.partBytes,
      segmentBytes: options.segmentBytes,
      yieldIfDue: options.budget.yieldIfDue,
      digestWhole: options.digestWhole ?? true,
      ...defined({ encryptor: options.encryptor }),
    });
    this.body = { writer: this.writer, signal: options.budget.signal, betweenParts: () => this.#cutInside() };
  }

  /** True if the manifest part of this segment has become long enough to close it. */
  get hasLongManifest(): boolean {
    return this.#options.manifest.pendingBytes() > this.#mostPending;
  }

  /** True if `more` bytes belong into a new segment. */
  isFull(more: number): boolean {
    if (this.hasLongManifest) return true;
    if (this.writer.tarBytes === 0) return false;
    return this.writer.continues || this.writer.bytes + more > this.#options.segmentBytes;
  }

  async startTier(next: Tier): Promise<void> {
    // what comes are lines that say so, and a segment takes time to close
    if (this.#options.budget.signal.aborted) return;
    if (this.writer.tarBytes > 0) await this.cut();
    this.#tier = next;
  }

  async age(): Promise<void> {
    if (this.writer.tarBytes > 0 && Date.now() - this.writer.openedMs >= this.#options.segmentMs) await this.cut();
  }

  /** Makes room for a header and the `body` bytes behind it, in a new segment where this one has too little left. */
  async writeHeader(fields: HeaderFields, body = 0): Promise<void> {
    const header = encodeHeader(fields);
    if (this.isFull(header.length + roundUp(body))) await this.cut();
    await this.writer.write(header);
  }

  /** An entry that is there as a whole. Resolves to the SHA-256 of its body. */
  async writeWhole(fields: HeaderFields, body: Uint8Array): Promise<string> {
    await this.writeHeader(fields, body.length);
    const digest = createHash('sha256');
    for (let at = 0; at < body.length; at += this.#options.partBytes) {
      const piece = body.subarray(at, at + this.#options.partBytes);
      digest.update(piece);
      await this.writer.write(piece);
      await this.#cutInside();
    }
    await this.writer.write(Buffer.alloc(padding(body.length)));
    return digest.digest('hex');
  }

  /** Ends the segment with its manifest part. */
  async cut(): Promise<void> {
    await this.#closeManifest(() => undefined);
  }

  async close(): Promise<{ sha256: string | null; bytes: number }> {
    await this.#closeManifest((writer) => writer.pad(2 * BLOCK)); // end of archive
    await this.writer.settle();
    this.#compressor.close();
    return { sha256: this.writer.digest(), bytes: this.writer.total };
  }

  abandon(): void {
    this.#compressor.close();
  }

  /** Inside a body: the segment ends without a manifest part, because there is no place for one. */
  async #cutInside(): Promise<void> {
    if (this.writer.bytes >= this.#options.segmentBytes) await this.writer.cut(this.#tier);
  }

  async #closeManifest(finish: (writer: SegmentWriter) => void): Promise<void> {
    const { path, body, head } = this.#options.manifest.close(this.writer.number);
    const header = encodeHeader({
      path,
      type: '0',
      mode: 0o444,
      size: body.length,
      mtimeSeconds: Math.floor(this.#options.startedMs / 1000),
    });
    for (const piece of [header, body, Buffer.alloc(padding(body.length))]) await this.writer.write(piece);
    release(body);
    if (!this.writer.fits(2 * BLOCK)) await this.writer.flush();
    finish(this.writer);
    await this.writer.cut(this.#tier, head);
  }
}
