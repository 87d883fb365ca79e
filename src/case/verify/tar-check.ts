/**
 * The tar stream of a whole capture, part by part: goes on behind damage and gaps where manifest.json says that it can.
 */
import { BLOCK } from '../../archive/header.ts';
import { isAmberError } from '../../errors.ts';
import type { CommittedSegment } from '../../seal/commit.ts';
import type { CheckList } from './checks.ts';
import { ContentCheck } from './contents.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';
import { TarReader } from '../tar/read-tar.ts';
import { many } from '../../many.ts';

export class TarCheck {
  readonly contents: ContentCheck;
  readonly #capture: OpenCapture;
  readonly #checks: CheckList;
  #reader: TarReader | undefined;
  #next: number | undefined = 0;
  #partBytes = 0;
  /** Bytes of the tar stream that were read. */
  bytes = 0;
  /** Something was left out: sums cannot add up. */
  incomplete = false;

  constructor(capture: OpenCapture, checks: CheckList) {
    this.#capture = capture;
    this.#checks = checks;
    this.contents = new ContentCheck(checks);
    this.#reader = new TarReader(this.contents);
  }

  /** A part begins; false if the stream cannot be read from here. */
  begin(part: CapturePart): boolean {
    this.#partBytes = 0;
    if (part.number !== undefined && part.number !== this.#next) this.#lose();
    this.#next = part.number === undefined ? undefined : part.number + 1;
    const { committed } = part;
    if (this.#reader === undefined && committed !== undefined && !committed.continues) {
      this.#reader = new TarReader(this.contents, committed.tarOffset);
      this.contents.resume(headBefore(this.#capture, committed));
    }
    return this.#reader !== undefined;
  }

  /** Never throws: what is wrong is in the checks, and the rest of the part is not read. */
  push(chunk: Buffer): void {
    this.#partBytes += chunk.length;
    this.bytes += chunk.length;
    try {
      this.#reader?.push(chunk);
    } catch (cause) {
      this.damage(isAmberError(cause) ? cause.message : String(cause));
    }
  }

  /** The part cannot be read on. */
  damage(reason: string): void {
    this.#checks.fail('structure', reason);
    this.#lose();
  }

  /** The part is not read: what it holds is not known. */
  leaveOut(): void {
    this.#lose();
  }

  /** All of the part went by. */
  end(part: CapturePart): void {
    const expected = part.committed?.tarBytes;
    if (this.#reader !== undefined && expected !== undefined && expected !== this.#partBytes) {
      this.#checks.fail(
        'structure',
        `${part.object} holds ${many(this.#partBytes, 'byte')} of tar, manifest.json says ${expected}`,
      );
    }
  }

  /** All parts went by. `cut`: the stream may end anywhere. */
  finish({ cut }: { readonly cut: boolean }): void {
    const reader = this.#reader;
    if (cut) this.incomplete ||= reader?.ended !== true;
    else if (reader !== undefined && !reader.ended) {
      const open = reader.open;
      this.#checks.fail(
        'structure',
        open === undefined
          ? 'the tar stream ends without the two zero blocks that close it'
          : `the tar stream ends ${many(open.left, 'byte')} before the end of ${JSON.stringify(open.entry.path)}`,
      );
      this.incomplete = true;
    }
    if (!this.incomplete) {
      this.contents.finish();
      this.#checkBytes();
    }
    this.#checkBorders();
  }

  #checkBytes(): void {
    const said = this.#capture.manifest?.tarball.tarBytes ?? this.bytes;
    if (said !== this.bytes)
      this.#checks.fail(
        'structure',
        `the segments hold ${many(this.bytes, 'byte')} of tar, manifest.json says ${said} in all`,
      );
  }

  /** Every manifest part ends its segment, and is the one that manifest.json names. */
  #checkBorders(): void {
    const { manifest } = this.#capture;
    if (manifest === undefined) return;
    const last = manifest.segments.at(-1);
    const parts = new Map(this.contents.parts.map((part) => [part.segment, part]));
    for (const segment of manifest.segments) {
      const part = parts.get(segment.number);
      if (part === undefined) {
        if (segment.chainHead !== null && !this.incomplete)
          this.#checks.fail('chain', `the part that closes segment ${segment.number} is not there`);
        continue;
      }
      const end = segment.tarOffset + segment.tarBytes - (segment === last ? 2 * BLOCK : 0);
      if (part.end !== end)
        this.#checks.fail(
          'chain',
          `the part of segment ${segment.number} ends at byte ${part.end} of the tar stream, the segment at ${end}`,
        );
      if (part.sha256 !== segment.chainHead)
        this.#checks.fail(
          'head',
          `the part of segment ${segment.number} is ${part.sha256}, manifest.json says ${segment.chainHead ?? 'none'}`,
        );
    }
  }

  #lose(): void {
    this.#reader = undefined;
    this.incomplete = true;
  }
}

/** The head of the chain before a segment, as manifest.json has it. */
function headBefore(capture: OpenCapture, committed: CommittedSegment): string | null {
  const before = capture.manifest?.segments.filter(
    ({ number, chainHead }) => number < committed.number && chainHead !== null,
  );
  return before?.at(-1)?.chainHead ?? null;
}
