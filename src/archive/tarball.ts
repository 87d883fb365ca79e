/**
 * Entries in, segments out. Every entry ends in exactly one manifest item; no entry can break the archive.
 */
import { closeSync } from 'node:fs';
import type { Entry, FileEntry, ManifestItem, Tier } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { describeError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import { changeOf, hashOnly, readLarge, readSmall, writeStream } from './body.ts';
import { release } from './compress.ts';
import type { TarballOptions } from './contracts.ts';
import {
  BLOCK,
  HOT_HEADER,
  roundUp,
  timesOf,
  writeHeader,
  type HeaderFields,
  type Times,
  type TypeFlag,
} from './header.ts';
import { fileOutcome, manifestItem, specialType, type Stored } from './item.ts';
import { KnownDirectories } from './known-directories.ts';
import { LinkTargets } from './link-target.ts';
import { render, withoutSecrets, type Rendered } from './structured.ts';
import { TarStream } from './tar-stream.ts';

export class Tarball {
  readonly #options: TarballOptions;
  readonly #stream: TarStream;
  readonly #links = new LinkTargets();
  readonly #directories = new KnownDirectories();

  constructor(options: TarballOptions) {
    this.#options = options;
    this.#stream = new TarStream(options);
  }

  /** Number of the segment being filled: an entry that was added before lies in it or in an earlier one. */
  get segment(): number {
    return this.#stream.writer.number;
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
        this.#stream.writer.fits(room) &&
        !this.#stream.isFull(room) &&
        size <= this.#options.budget.remainingBytes()
      )
        return this.#addSmall(entry, collector, size);
    }
    return this.#addAny(entry, collector);
  }

  /** A border between tiers: what was collected so far is on its way before anything else is read. */
  startTier(next: Tier): Promise<void> {
    return this.#stream.startTier(next);
  }

  /** Closes a segment that has waited too long. Call it between entries. */
  age(): Promise<void> {
    return this.#stream.age();
  }

  /** Ends the tar stream. Resolves to the digest and the size of the joined segments. */
  close(): Promise<{ sha256: string | null; bytes: number }> {
    return this.#stream.close();
  }

  /** Drops what was not handed over. For a capture that cannot go on. */
  abandon(): void {
    this.#stream.abandon();
  }

  #addSmall(entry: FileEntry, collector: string, size: number): ManifestItem {
    try {
      const writer = this.#stream.writer;
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
      const { entry, redactions } = withoutSecrets(this.#directories.once(given), this.#options.redactor);
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
        if (this.#stream.hasLongManifest) await this.#stream.cut();
        return {
          outcome: entry.outcome,
          reason: entry.reason,
          ...(entry.stat === undefined ? {} : { size: Number(entry.stat.size) }),
        };
      case 'link':
        return this.#storeLink(entry);
      case 'directory':
        await this.#stream.writeHeader({
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

  async #storeLink(entry: Entry & { kind: 'link' }): Promise<Stored> {
    const target = this.#links.store(entry.path, entry.target);
    await this.#stream.writeHeader({ ...this.#header(entry, '2', 0o777, 0), target });
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
    await this.#stream.writeHeader(this.#header(entry, type, Number(entry.stat.mode), 0));
    return { outcome: entry.outcome ?? 'collected' };
  }

  async #storeBody(entry: Entry & { kind: 'json' | 'jsonl' | 'bytes' }): Promise<Stored> {
    const rendered = await this.#render(entry);
    if ('outcome' in rendered) return rendered;
    const { body, redactions, spent } = rendered;
    const size = body.length;
    const mode = entry.kind === 'bytes' && entry.stat !== undefined ? Number(entry.stat.mode) : 0o444;
    const sha256 = await this.#stream.writeWhole(this.#header(entry, '0', mode, size), body);
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
      const hashed = await hashOnly(this.#stream.body, entry, this.#options.budget.yieldIfDue);
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
    await this.#stream.writeHeader(this.#header(entry, '0', Number(entry.stat.mode), limit), limit);
    this.#options.spend(limit);
    return fileOutcome(size, limit, await readLarge(this.#stream.body, entry, limit));
  }

  async #storeStream(entry: Entry & { kind: 'stream' }): Promise<Stored> {
    const limit = Math.min(entry.size, this.#options.budget.remainingBytes());
    if (limit === 0 && entry.size > 0)
      return { outcome: 'skipped', size: entry.size, reason: 'the byte budget is spent' };
    await this.#stream.writeHeader(this.#header(entry, '0', Number(entry.stat?.mode ?? 0o400), limit), limit);
    this.#options.spend(limit);
    return fileOutcome(entry.size, limit, await writeStream(this.#stream.body, entry, limit));
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

  /** What the collector knew before the read stands where the read itself went well. */
  #finish(entry: Entry, collector: string, stored: Stored, times?: Times): ManifestItem {
    const known =
      stored.outcome === 'collected' && entry.outcome !== undefined ? { ...stored, outcome: entry.outcome } : stored;
    const item = manifestItem(entry, collector, known, times);
    this.#options.manifest.add(item);
    return item;
  }
}
