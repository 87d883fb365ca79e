/** What a salvage makes of the entries that it finds: which of them the manifest parts confirm. */
import type { BytePath, ManifestItem } from '../../contracts/evidence.ts';
import { BodyDigest } from '../tar/body-digest.ts';
import { claimsEntry, differences, itemPath, type SeenEntry } from '../verify/compare.ts';
import type { Extractor } from '../tar/extract.ts';
import { Inventory } from '../view/inventory.ts';
import { partNumber, readPart, type PartReader } from '../verify/manifest-part.ts';
import { EntryMatcher } from '../verify/match.ts';
import type { TarVisitor } from '../tar/read-tar.ts';
import type { TarEntry } from '../tar/header.ts';
import { many } from '../../many.ts';

/**
 * `whole`: as its manifest line says. `unconfirmed`: its manifest part is not there, or not whole. `partial`: only its
 * beginning is there. `differs`: not what its line says. `unlisted`: the part was read whole and has no line of it, so
 * it may stand inside of a file that an attacker made. `lost`: a line claims it, and it is not there.
 */
export type SalvageState = 'whole' | 'unconfirmed' | 'partial' | 'differs' | 'unlisted' | 'lost';

export interface SalvageRecord {
  readonly path: BytePath;
  readonly state: SalvageState;
  /** Segment in which it begins; undefined in a joined tarball. */
  readonly segment: number | undefined;
  readonly size: number;
  /** Bytes of it that are there. */
  readonly have: number;
  readonly detail?: string;
}

/** Our writer makes a part of 4 MiB of lines at the most; past this, entries are told without waiting for one. */
const MAX_WAITING = 30_000;
const MAX_PARTIALS = 1000;

interface Waiting extends SeenEntry {
  readonly segment: number | undefined;
  /** Segment in which it ends: the part that closes that one has its line. */
  readonly ended: number | undefined;
}

export class SalvageContents implements TarVisitor {
  readonly #tell: (record: SalvageRecord) => void;
  readonly #extractor: Extractor | undefined;
  readonly #partials = new Set<BytePath>();
  #waiting: Waiting[] = [];
  #entry: TarEntry | undefined;
  #have = 0;
  /** Segment in which the entry in hand began. */
  #began: number | undefined;
  #digest: BodyDigest | undefined;
  #part: PartReader | undefined;
  /** Lines of the part in hand, as its header says. */
  #promised = 0;
  #matcher: EntryMatcher<Waiting> | undefined;
  readonly inventory: Inventory = new Inventory();
  /** Segment that is being read. */
  segment: number | undefined;
  /** Manifest parts that were read, by their numbers. */
  readonly parts: number[] = [];
  items = 0;
  captureId: string | undefined;
  /** The part in hand belongs to another capture: a file of the attacker, who cannot know this one's id beforehand. */
  /** Why the part that is read is none of ours, in words. */
  #foreign: string | undefined;

  constructor(tell: (record: SalvageRecord) => void, extractor: Extractor | undefined, captureId: string | undefined) {
    this.#tell = tell;
    this.#extractor = extractor;
    this.captureId = captureId;
  }

  entry(entry: TarEntry): void {
    this.#entry = entry;
    this.#have = 0;
    this.#began = this.segment;
    if (partNumber(entry.path) !== undefined) this.#part = this.#beginPart();
    else this.#digest = new BodyDigest(entry.size);
    this.inventory.begin(entry.path);
    this.inventory.seen(entry.path);
    this.#extractor?.entry(entry);
  }

  body(piece: Buffer): void {
    this.#have += piece.length;
    this.#part?.push(piece);
    this.#digest?.update(piece);
    this.inventory.body(piece);
    this.#extractor?.body(piece);
  }

  end(): void {
    const entry = this.#entry;
    this.#extractor?.end();
    if (entry !== undefined && this.#part !== undefined) this.#endPart(partNumber(entry.path) ?? -1, this.#part);
    else if (entry !== undefined && this.#digest !== undefined)
      this.#wait({ entry, digest: this.#digest, segment: this.#began, ended: this.segment });
    this.#clear();
  }

  /** The stream breaks off, maybe inside of a body. */
  breakOff(): void {
    const entry = this.#entry;
    this.#extractor?.end();
    if (entry !== undefined) {
      this.#record(entry, 'partial', {
        segment: this.#began,
        have: this.#have,
        detail:
          `${many(entry.size - this.#have, 'byte')} at its end ` +
          `${entry.size - this.#have === 1 ? 'is' : 'are'} missing`,
      });
      if (this.#partials.size < MAX_PARTIALS) this.#partials.add(entry.path);
    }
    this.#clear();
  }

  /** A part that was found apart from the stream. */
  foundPart(number: number, body: Buffer): void {
    const part = this.#beginPart();
    part.push(body);
    this.#endPart(number, part);
    this.#clear();
  }

  /** No part will come for what waits. */
  finish(): void {
    for (const seen of this.#waiting) this.#unconfirmed(seen);
    this.#waiting = [];
  }

  #unconfirmed({ entry, segment }: Waiting): void {
    this.#record(entry, 'unconfirmed', { segment, detail: 'the manifest part of its segment is not there' });
  }

  #beginPart(): PartReader {
    const matcher = new EntryMatcher(this.#waiting);
    this.#matcher = matcher;
    this.#foreign = 'a manifest part without a header';
    return readPart({
      header: ({ capture, segment, items }) => {
        this.captureId ??= capture;
        this.#promised = items;
        const isOther = this.segment !== undefined && segment !== this.segment;
        this.#foreign =
          capture !== this.captureId
            ? 'a manifest part of another capture'
            : isOther
              ? `the manifest part of segment ${segment}, in another segment`
              : undefined;
      },
      item: (item) => this.#takeItem(item, matcher),
      problem: () => undefined,
    });
  }

  #takeItem(item: ManifestItem, matcher: EntryMatcher<Waiting>): void {
    if (this.#foreign !== undefined) return;
    this.items += 1;
    const path = itemPath(item);
    this.inventory.seen(path);
    if (!claimsEntry(item)) return;
    const match = matcher.take(path);
    if (match === undefined) {
      if (!this.#partials.delete(path))
        this.#tell({ path, state: 'lost', segment: undefined, size: item.stored ?? 0, have: 0 });
      return;
    }
    const wrong = differences(item, match.seen);
    const { segment } = match.seen;
    this.#record(
      match.seen.entry,
      wrong.length === 0 ? 'whole' : 'differs',
      wrong.length === 0 ? { segment } : { segment, detail: wrong.join('; ') },
    );
  }

  #endPart(number: number, part: PartReader): void {
    const isWhole = part.finish().items === this.#promised;
    if (this.#foreign !== undefined) {
      if (this.#entry !== undefined) this.#record(this.#entry, 'unlisted', { detail: this.#foreign });
      return;
    }
    const follows = number === (this.parts.at(-1) ?? -1) + 1;
    this.parts.push(number);
    for (const seen of this.#matcher?.rest() ?? []) {
      const { segment, ended } = seen;
      // What began before another part that was not read may have its line there.
      const isOfPart = segment === number || (follows && (ended ?? number) === number);
      if (!isWhole || !isOfPart) this.#unconfirmed(seen);
      else
        this.#record(seen.entry, 'unlisted', {
          segment,
          detail: 'no line of the manifest part tells of it',
        });
    }
    this.#waiting = [];
  }

  #wait(seen: Waiting): void {
    this.#waiting.push(seen);
    if (this.#waiting.length > MAX_WAITING) this.finish();
  }

  #record(
    { path, size }: TarEntry,
    state: SalvageState,
    more: { segment?: number | undefined; have?: number; detail?: string },
  ): void {
    this.#tell({ path, state, segment: this.segment, size, have: size, ...more });
  }

  #clear(): void {
    this.#entry = undefined;
    this.#digest = undefined;
    this.#part = undefined;
  }
}
