/**
 * Holds the tar stream against the manifest parts inside of it: every entry against its line, in order, and every part
 * against the one before it. Keeps only the entries since the last part.
 */
import { roundUp } from '../../archive/header.ts';
import type { ManifestItem } from '../../contracts/evidence.ts';
import type { ManifestPartHeader } from '../../seal/manifest.ts';
import { BodyDigest } from '../tar/body-digest.ts';
import { CaptureDocument } from './capture-document.ts';
import type { CheckList } from './checks.ts';
import { claimsEntry, differences, itemPath, type SeenEntry } from './compare.ts';
import { partNumber, readPart, type PartReader } from './manifest-part.ts';
import { EntryMatcher } from './match.ts';
import type { TarVisitor } from '../tar/read-tar.ts';
import type { TarEntry } from '../tar/header.ts';
import { Totals } from './totals.ts';
import { many } from '../../many.ts';

/** A manifest part that was read. */
export interface SeenPart {
  readonly segment: number;
  readonly sha256: string;
  /** Offset in the tar stream behind the part and its padding. */
  readonly end: number;
}

/** Our writer closes a segment at 4 MiB of manifest lines, none of which is shorter than 140 bytes. */
const MAX_WAITING = 30_000;
const OF_SANDBOX = /^(?:live_response|\[root\]|recovered)\//u;
const MAX_WAITING_PATHS = 64 * 1024 * 1024;

export class ContentCheck implements TarVisitor {
  readonly #checks: CheckList;
  #waiting: SeenEntry[] = [];
  #waitingPaths = 0;
  #flooded = false;
  #entry: TarEntry | undefined;
  #digest: BodyDigest | undefined;
  #part: PartReader | undefined;
  #matcher: EntryMatcher | undefined;
  #previous: string | null | undefined = null;
  #header: ManifestPartHeader | undefined;
  /** The capture that the parts name. */
  captureId: string | undefined;
  entries = 0;
  /** It holds what only a sandbox has: a collection has documents of the control plane alone. */
  ofSandbox = false;
  /** What the capture says of itself in its first entry. */
  readonly capture: CaptureDocument = new CaptureDocument();
  readonly parts: SeenPart[] = [];
  readonly totals: Totals = new Totals();

  constructor(checks: CheckList) {
    this.#checks = checks;
  }

  /**
   * Bytes went missing: what waited for its part has none, and the chain goes on from `head` (undefined: not known).
   */
  resume(head: string | null | undefined): void {
    this.#forget();
    this.#entry = undefined;
    this.#digest = undefined;
    this.#part = undefined;
    this.capture.end();
    this.#previous = head;
  }

  entry(entry: TarEntry): void {
    this.#entry = entry;
    this.ofSandbox ||= OF_SANDBOX.test(entry.path);
    if (partNumber(entry.path) === undefined) {
      this.#digest = new BodyDigest(entry.size);
      this.capture.begin(entry);
      return;
    }
    const matcher = new EntryMatcher(this.#waiting);
    this.#matcher = matcher;
    this.#header = undefined;
    this.#part = readPart({
      header: (header) => (this.#header = header),
      item: (item) => this.#takeItem(item, matcher),
      problem: (text) => this.#checks.fail('chain', `${entry.path}: ${text}`),
    });
  }

  body(piece: Buffer): void {
    if (this.#part !== undefined) this.#part.push(piece);
    else {
      this.#digest?.update(piece);
      this.capture.push(piece);
    }
  }

  end(): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    this.capture.end();
    if (this.#part !== undefined) this.#finishPart(entry, this.#part);
    else if (this.#digest !== undefined) this.#wait({ entry, digest: this.#digest });
    this.#digest = undefined;
    this.#part = undefined;
  }

  /** The stream has ended: nothing may wait any more. */
  finish(): void {
    if (this.#waiting.length > 0)
      this.#checks.fail(
        'entries',
        `${many(this.#waiting.length, 'entry', 'entries')} behind the last manifest part without a line in any, ` +
          `the first is ` +
          show(this.#waiting[0]),
      );
    this.#forget();
  }

  #wait(seen: SeenEntry): void {
    this.entries += 1;
    if (this.#flooded) return;
    this.#waiting.push(seen);
    this.#waitingPaths += seen.entry.path.length + seen.entry.target.length;
    if (this.#waiting.length <= MAX_WAITING && this.#waitingPaths <= MAX_WAITING_PATHS) return;
    this.#checks.fail(
      'entries',
      `more than ${MAX_WAITING} entries stand in a row without a manifest part; Amber does not write that`,
    );
    this.#flooded = true;
    this.#forget();
  }

  #forget(): void {
    this.#waiting = [];
    this.#waitingPaths = 0;
  }

  #takeItem(item: ManifestItem, matcher: EntryMatcher): void {
    this.totals.add(item);
    if (!claimsEntry(item) || this.#flooded) return;
    const path = itemPath(item);
    const match = matcher.take(path);
    if (match === undefined) {
      this.#checks.fail('entries', `${show(path)} has a line in the manifest and no entry: it was removed or renamed`);
      return;
    }
    if (match.moved) this.#checks.fail('entries', `${show(path)} is not at its place: the entries were reordered`);
    for (const difference of differences(item, match.seen))
      this.#checks.fail('entries', `${show(path)}: ${difference}`);
  }

  #finishPart(entry: TarEntry, part: PartReader): void {
    const number = partNumber(entry.path) ?? -1;
    const { sha256, items } = part.finish();
    const wrong = (text: string): void => this.#checks.fail('chain', `${entry.path}: ${text}`);
    if (!this.#flooded) {
      for (const seen of this.#matcher?.rest() ?? []) {
        this.#checks.fail('entries', `${show(seen)} has no line in the manifest: it was added, or is there twice`);
      }
    }
    this.#flooded = false;
    this.#forget();
    this.#checkHeader(number, items, wrong);
    const last = this.parts.at(-1);
    if (last !== undefined && number <= last.segment) wrong(`it stands behind part ${last.segment}`);
    this.parts.push({ segment: number, sha256, end: entry.bodyOffset + roundUp(entry.size) });
    this.#previous = sha256;
  }

  #checkHeader(number: number, items: number, wrong: (text: string) => void): void {
    const header = this.#header;
    if (header === undefined) return;
    this.captureId ??= header.capture;
    if (header.segment !== number) wrong(`it says that it closes segment ${header.segment}`);
    if (header.capture !== this.captureId) wrong(`it belongs to another capture, ${JSON.stringify(header.capture)}`);
    if (header.items !== items) wrong(`it has ${many(items, 'item')} and says ${header.items}`);
    if (this.#previous !== undefined && header.previous !== this.#previous) {
      wrong(
        `it follows on ${header.previous ?? 'nothing'}, but the part before it has ${this.#previous ?? 'none'}: ` +
          'the chain is broken',
      );
    }
  }
}

function show(what: SeenEntry | string | undefined): string {
  const path = typeof what === 'string' ? what : (what?.entry.path ?? '');
  return JSON.stringify(Buffer.from(path, 'latin1').toString('utf8'));
}
