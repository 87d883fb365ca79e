/**
 * The manifest inside the tarball: one line an item, in parts that close each segment. Each part names the SHA-256 of
 * the part before it, so an item that is taken out, added, moved or changed breaks every later part. The heads of the
 * chain stand in the log, where the function's role cannot rewrite them.
 */
import { hash } from 'node:crypto';
import type { ManifestItem, Outcome } from '../contracts/evidence.ts';
import { Shortfalls } from './completeness.ts';

/** First line of each part. */
export interface ManifestPartHeader {
  readonly manifest: 1;
  readonly capture: string;
  readonly segment: number;
  /** SHA-256 of the part before this one, null for the first. */
  readonly previous: string | null;
  readonly items: number;
}

export interface ManifestWriter {
  readonly add: (item: ManifestItem) => void;
  readonly pendingBytes: () => number;
  readonly close: (segment: number) => { readonly path: string; readonly body: Uint8Array; readonly head: string };
  /** Head of the chain after the last closed part. */
  readonly head: () => string | null;
  readonly outcomes: () => Partial<Record<Outcome, number>>;
  readonly byCollector: () => Record<string, Partial<Record<Outcome, number>>>;
  /** The first items that were not simply collected, bounded; for manifest.json. */
  readonly exceptions: () => readonly ManifestItem[];
  readonly redactions: () => number;
  /** Items that are not in it as they should be. */
  readonly shortfalls: Shortfalls;
}

const MAX_EXCEPTIONS = 100;

/** The first items that manifest.json names, bounded: those that were not simply collected. */
export class Exceptions {
  readonly #items: ManifestItem[] = [];

  add(item: ManifestItem): void {
    if (!UNREMARKABLE.has(item.outcome) && this.#items.length < MAX_EXCEPTIONS) this.#items.push(item);
  }

  all(): readonly ManifestItem[] {
    return this.#items;
  }
}

const UNREMARKABLE: ReadonlySet<Outcome> = new Set(['collected', 'empty', 'skipped']);

export function openManifest(captureId: string): ManifestWriter {
  const lines = new Lines();
  let head: string | null = null;
  let redactions = 0;
  const shortfalls = new Shortfalls();
  const exceptions = new Exceptions();
  const byCollector: Record<string, Partial<Record<Outcome, number>>> = {};
  return {
    add: (item) => {
      lines.add(JSON.stringify(item));
      const counts = (byCollector[item.collector] ??= {});
      counts[item.outcome] = (counts[item.outcome] ?? 0) + 1;
      shortfalls.add(item);
      redactions += item.redactions?.length ?? 0;
      exceptions.add(item);
    },
    pendingBytes: () => lines.bytes,
    close: (segment) => {
      const header: ManifestPartHeader = {
        manifest: 1,
        capture: captureId,
        segment,
        previous: head,
        items: lines.count,
      };
      const body = lines.take(`${JSON.stringify(header)}\n`);
      head = hash('sha256', body, 'hex');
      return { path: manifestPath(segment), body, head };
    },
    head: () => head,
    outcomes: () => total(Object.values(byCollector)),
    byCollector: () => byCollector,
    exceptions: () => exceptions.all(),
    redactions: () => redactions,
    shortfalls,
  };
}

const FIRST_BYTES = 64 * 1024;

/**
 * Lines as UTF-8, in memory that serves again: as strings they would outlive many collections and swell the young heap.
 */
class Lines {
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  bytes = 0;
  count = 0;

  add(line: string): void {
    const most = this.bytes + line.length * 3 + 1; // no UTF-16 unit takes more than three bytes
    if (most > this.#memory.length) this.#grow(most);
    this.bytes += this.#memory.write(line, this.bytes, 'utf8');
    this.#memory[this.bytes] = 0x0a;
    this.bytes += 1;
    this.count += 1;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#memory.length * 2));
    larger.set(this.#memory.subarray(0, this.bytes));
    this.#memory = larger;
  }

  /** All lines behind `first`, in memory of their own. */
  take(first: string): Buffer {
    const head = Buffer.from(first, 'utf8');
    const body = Buffer.allocUnsafeSlow(head.length + this.bytes);
    body.set(head);
    body.set(this.#memory.subarray(0, this.bytes), head.length);
    this.bytes = 0;
    this.count = 0;
    return body;
  }
}

/** Name of the part that closes segment `segment`. */
export function manifestPath(segment: number): string {
  return `manifest/${String(segment).padStart(4, '0')}.jsonl`;
}

function total(counts: readonly Partial<Record<Outcome, number>>[]): Partial<Record<Outcome, number>> {
  const sum: Partial<Record<Outcome, number>> = {};
  for (const count of counts) {
    for (const [outcome, number] of Object.entries(count) as [Outcome, number][])
      sum[outcome] = (sum[outcome] ?? 0) + number;
  }
  return sum;
}
