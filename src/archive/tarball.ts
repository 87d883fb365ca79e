/**
 * Entries in, segments out. Every entry ends in exactly one manifest item; no entry can break the archive.
 *
 * A segment is closed by size, by age, at each border between tiers and after an entry that needed more than one, and
 * ends with the part of the manifest that tells what is in it.
 */
import { createHash, hash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { Budget, Entry, FileEntry, ManifestItem, Segment, Tier } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { describeError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import type { Redactor } from '../secrets/contracts.ts';
import { changeOf, hashOnly, padding, readLarge, readSmall, writeStream, type BodyOptions } from './body.ts';
import { createCompressor, release, type CompressionName, type Compressor } from './compress.ts';
import {
  BLOCK,
  encodeHeader,
  HOT_HEADER,
  roundUp,
  timesOf,
  writeHeader,
  type HeaderFields,
  type Times,
  type TypeFlag,
} from './header.ts';
import { LinkTargets } from './link-target.ts';
import { fileOutcome, manifestItem, specialType, type Stored } from './item.ts';
import { SegmentWriter, type SegmentEncryptor } from './segments.ts';
import { render, withoutSecrets, type Rendered } from './structured.ts';

/** Where manifest items go. It gives back the text that closes each segment. */
export interface ManifestSink {
  readonly add: (item: ManifestItem) => void;
  /** Bytes of the items since the last close. */
  readonly pendingBytes: () => number;
  /** The manifest part for this segment and the head of the chain after it. */
  readonly close: (segment: number) => { readonly path: string; readonly body: Uint8Array; readonly head: string };
}

export interface TarballOptions {
  readonly compression: CompressionName;
  readonly segmentBytes: number;
  /** Age in milliseconds at which a segment is closed though it is small. */
  readonly segmentMs: number;
  readonly partBytes: number;
  readonly digestWhole?: boolean; // false: none of the joined segments
  readonly startedMs: number;
  readonly redactor: Redactor;
  readonly budget: Budget;
  readonly spend: (bytes: number) => void;
  readonly manifest: ManifestSink;
  readonly encryptor?: () => SegmentEncryptor;
  readonly onSegment: (segment: Segment) => Promise<void>;
}

const MAX_PENDING_MANIFEST = 4 * 1024 * 1024;

export class Tarball {
  readonly #options: TarballOptions;
  readonly #writer: SegmentWriter;
  readonly #body: BodyOptions;
  readonly #compressor: Compressor;
  readonly #links = new LinkTargets();
  /** 52 bits of a digest of each path: a path itself may have 4096 bytes. */
  readonly #directories = new Set<number>();
  readonly #mostPending: number;
  #tier: Tier = 'volatile';

  constructor(options: TarballOptions) {
    this.#options = options;
    this.#mostPending = Math.min(MAX_PENDING_MANIFEST, options.segmentBytes / 4);
    this.#compressor = createCompressor(options.compression, options.partBytes);
    this.#writer = new SegmentWriter({
      compressor: this.#compressor,
      onSegment: options.onSegment,
      partBytes: options.partBytes,
      segmentBytes: options.segmentBytes,
      yieldIfDue: options.budget.yieldIfDue,
      digestWhole: options.digestWhole ?? true,
      ...defined({ encryptor: options.encryptor }),
    });
    this.#body = { writer: this.#writer, signal: options.budget.signal, betweenParts: () => this.#cutInside() };
  }

  /** Number of the segment being filled: an entry that was added before lies in it or in an earlier one. */
  get segment(): number {
    return this.#writer.number;
  }

  /** Stores one entry. Resolves to its manifest item; rejects only if a segment can no longer be handed over. */
  add(entry: Entry, collector: string): ManifestItem | Promise<ManifestItem> {
    if (entry.kind === 'file') {
      const size = Number(entry.stat.size);
      const room = HOT_HEADER + roundUp(size);
      if (
        entry.store !== false &&
        entry.notes === undefined &&
        entry.path.length < BLOCK &&
        this.#writer.fits(room) &&
        !this.#isFull(room) &&
        size <= this.#options.budget.remainingBytes()
      )
        return this.#addSmall(entry, collector, size);
    }
    return this.#addAny(entry, collector);
  }

  /** A border between tiers: what was collected so far is on its way before anything else is read. */
  async startTier(next: Tier): Promise<void> {
    // what comes are lines that say so, and a segment takes time to close
    if (this.#options.budget.signal.aborted) return;
    if (this.#writer.tarBytes > 0) await this.#cut();
    this.#tier = next;
  }

  /** Closes a segment that has waited too long. Call it between entries. */
  async age(): Promise<void> {
    if (this.#writer.tarBytes > 0 && Date.now() - this.#writer.openedMs >= this.#options.segmentMs) await this.#cut();
  }

  /** Ends the tar stream. Resolves to the digest and the size of the joined segments. */
  async close(): Promise<{ sha256: string | null; bytes: number }> {
    await this.#closeManifest((writer) => writer.pad(2 * BLOCK)); // end of archive
    await this.#writer.settle();
    this.#compressor.close();
    return { sha256: this.#writer.digest(), bytes: this.#writer.total };
  }

  /** Drops what was not handed over. For a capture that cannot go on. */
  abandon(): void {
    this.#compressor.close();
  }

  #addSmall(entry: FileEntry, collector: string, size: number): ManifestItem {
    try {
      const writer = this.#writer;
      const { path, stat } = entry;
      const times = timesOf(stat);
      writer.advance(
        writeHeader(writer.part, writer.used, {
          path,
          type: '0',
          mode: Number(stat.mode),
          size,
          mtimeSeconds: 0,
          stat,
          times,
        }),
      );
      const body = readSmall(writer, entry.fd, size);
      this.#options.spend(size);
      return this.#finish(entry, collector, fileOutcome(size, size, { ...body, change: changeOf(entry) }), times);
    } finally {
      closeSync(entry.fd);
    }
  }

  async #addAny(given: Entry, collector: string): Promise<ManifestItem> {
    try {
      const { entry, redactions } = withoutSecrets(this.#once(given), this.#options.redactor);
      const { reason, ...stored } = await this.#store(entry);
      return this.#finish(entry, collector, {
        redactions,
        ...stored,
        reason: reason && this.#options.redactor.text(reason).value,
      });
    } finally {
      if (given.kind === 'file') closeSync(given.fd);
    }
  }

  async #store(entry: Entry): Promise<Stored> {
    switch (entry.kind) {
      case 'absent':
        if (this.#options.manifest.pendingBytes() > this.#mostPending) await this.#cut();
        return {
          outcome: entry.outcome,
          reason: entry.reason,
          ...(entry.stat === undefined ? {} : { size: Number(entry.stat.size) }),
        };
      case 'link':
        return this.#storeLink(entry);
      case 'directory':
        await this.#writeHeader({
          ...this.#header(entry, '5', Number(entry.stat?.mode ?? 0o755), 0),
          path: `${entry.path}/`,
        });
        return { outcome: entry.outcome ?? 'collected' };
      case 'special':
        return this.#storeSpecial(entry);
      case 'file':
        return this.#storeFile(entry);
      case 'stream':
        return this.#storeStream(entry);
      default:
        return this.#storeBody(entry);
    }
  }

  /**
   * A directory that comes again is a line alone: a reader that keeps the last entry of a name would lose what lies
   * below it.
   */
  #once(entry: Entry): Entry {
    if (entry.kind !== 'directory') return entry;
    const known = this.#directories.size;
    if (this.#directories.add(parseInt(hash('sha256', entry.path, 'hex').slice(0, 13), 16)).size > known) return entry;
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

  async #storeLink(entry: Entry & { kind: 'link' }): Promise<Stored> {
    const target = this.#links.store(entry.path, entry.target);
    await this.#writeHeader({ ...this.#header(entry, '2', 0o777, 0), target });
    return { outcome: entry.outcome ?? 'collected', ...(target === entry.target ? {} : { storedTarget: target }) };
  }

  async #storeSpecial(entry: Entry & { kind: 'special' }): Promise<Stored> {
    const type = specialType(Number(entry.stat.mode));
    if (type === undefined)
      return {
        outcome: entry.outcome ?? 'skipped',
        byDesign: 'no-content',
        reason: entry.reason ?? 'a socket has no tar type; its metadata is this line',
      };
    await this.#writeHeader(this.#header(entry, type, Number(entry.stat.mode), 0));
    return { outcome: entry.outcome ?? 'collected' };
  }

  async #storeBody(entry: Entry & { kind: 'json' | 'jsonl' | 'bytes' }): Promise<Stored> {
    const rendered = await this.#render(entry);
    if ('outcome' in rendered) return rendered;
    const { body, redactions, spent } = rendered;
    const size = body.length;
    const mode = entry.kind === 'bytes' && entry.stat !== undefined ? Number(entry.stat.mode) : 0o444;
    const sha256 = await this.#writeBody(this.#header(entry, '0', mode, size), body);
    if (spent !== undefined) release(spent);
    return { outcome: entry.outcome ?? (size === 0 ? 'empty' : 'collected'), size, stored: size, sha256, redactions };
  }

  /** Nothing is written yet: a value of the function whose members throw is a line, and not the end of the capture. */
  async #render(entry: Entry & { kind: 'json' | 'jsonl' | 'bytes' }): Promise<Rendered | Stored> {
    try {
      return await render(entry, this.#options.redactor, this.#options.budget.yieldIfDue);
    } catch (cause) {
      return { outcome: 'failed', reason: describeError(cause) };
    }
  }

  async #storeFile(entry: FileEntry): Promise<Stored> {
    const size = Number(entry.stat.size);
    if (entry.store === false) {
      const hashed = await hashOnly(this.#body, entry, this.#options.budget.yieldIfDue);
      return {
        ...fileOutcome(size, 0, hashed),
        outcome: hashed.failure === undefined ? 'skipped' : 'failed',
        stored: undefined,
        padded: undefined,
        reason: hashed.failure ?? entry.reason,
      };
    }
    const limit = Math.min(size, this.#options.budget.remainingBytes());
    if (limit === 0 && size > 0) return { outcome: 'skipped', size, reason: 'the byte budget is spent' };
    if (this.#options.budget.signal.aborted)
      return { outcome: 'skipped', size, reason: endOf(this.#options.budget.signal) };
    await this.#writeHeader(this.#header(entry, '0', Number(entry.stat.mode), limit), limit);
    this.#options.spend(limit);
    return fileOutcome(size, limit, await readLarge(this.#body, entry, limit));
  }

  async #storeStream(entry: Entry & { kind: 'stream' }): Promise<Stored> {
    const limit = Math.min(entry.size, this.#options.budget.remainingBytes());
    if (limit === 0 && entry.size > 0)
      return { outcome: 'skipped', size: entry.size, reason: 'the byte budget is spent' };
    await this.#writeHeader(this.#header(entry, '0', Number(entry.stat?.mode ?? 0o400), limit), limit);
    this.#options.spend(limit);
    return fileOutcome(entry.size, limit, await writeStream(this.#body, entry, limit));
  }

  #header(entry: Entry, type: TypeFlag, mode: number, size: number): HeaderFields {
    const stat = 'stat' in entry ? entry.stat : undefined;
    return {
      path: entry.path,
      type,
      mode,
      size,
      mtimeSeconds: Math.floor(this.#options.startedMs / 1000),
      ...defined({ stat }),
    };
  }

  /**
   * Makes room for a header and the `body` bytes that follow it, in a new segment if they would not fit in this one.
   */
  async #writeHeader(fields: HeaderFields, body = 0): Promise<void> {
    const header = encodeHeader(fields);
    if (this.#isFull(header.length + roundUp(body))) await this.#cut();
    await this.#writer.write(header);
  }

  async #writeBody(fields: HeaderFields, body: Uint8Array): Promise<string> {
    await this.#writeHeader(fields, body.length);
    const digest = createHash('sha256');
    for (let at = 0; at < body.length; at += this.#options.partBytes) {
      const piece = body.subarray(at, at + this.#options.partBytes);
      digest.update(piece);
      await this.#writer.write(piece);
      await this.#cutInside();
    }
    await this.#writer.write(Buffer.alloc(padding(body.length)));
    return digest.digest('hex');
  }

  /** What the collector knew before the read stands where the read itself went well. */
  #finish(entry: Entry, collector: string, stored: Stored, times?: Times): ManifestItem {
    const known =
      stored.outcome === 'collected' && entry.outcome !== undefined ? { ...stored, outcome: entry.outcome } : stored;
    const item = manifestItem(entry, collector, known, times);
    this.#options.manifest.add(item);
    return item;
  }

  #isFull(more: number): boolean {
    if (this.#options.manifest.pendingBytes() > this.#mostPending) return true;
    if (this.#writer.tarBytes === 0) return false;
    return this.#writer.continues || this.#writer.bytes + more > this.#options.segmentBytes;
  }

  /** Inside a body: the segment ends without a manifest part, because there is no place for one. */
  async #cutInside(): Promise<void> {
    if (this.#writer.bytes >= this.#options.segmentBytes) await this.#writer.cut(this.#tier);
  }

  async #cut(): Promise<void> {
    await this.#closeManifest(() => undefined);
  }

  async #closeManifest(finish: (writer: SegmentWriter) => void): Promise<void> {
    const { path, body, head } = this.#options.manifest.close(this.#writer.number);
    const header = encodeHeader({
      path,
      type: '0',
      mode: 0o444,
      size: body.length,
      mtimeSeconds: Math.floor(this.#options.startedMs / 1000),
    });
    for (const piece of [header, body, Buffer.alloc(padding(body.length))]) await this.#writer.write(piece);
    release(body);
    if (!this.#writer.fits(2 * BLOCK)) await this.#writer.flush();
    finish(this.#writer);
    await this.#writer.cut(this.#tier, head);
  }
}
