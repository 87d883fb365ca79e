/**
 * The manifest inside the tarball: one line an item, in parts that close each segment. Each part names the SHA-256 of
 * the part before it, so no item can be taken out, added, moved or changed without breaking every later part, and the
 * heads of the chain stand in the log, where the function's role cannot rewrite them.
 */
import { hash } from 'node:crypto';
import type { ManifestItem, Outcome } from '../contracts.ts';

/** First line of each part. */
export interface ManifestPartHeader {
  readonly manifest: 1;
  readonly capture: string;
  readonly segment: number;
  /** SHA-256 of the part before this one, null for the first. */
  readonly previous: string | null;
  readonly items: number;
}

export interface ManifestBook {
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
}

const MAX_EXCEPTIONS = 100;
const UNREMARKABLE: ReadonlySet<Outcome> = new Set(['collected', 'empty', 'skipped']);

export function openManifest(captureId: string): ManifestBook {
  let lines: string[] = [];
  let pending = 0;
  let head: string | null = null;
  let redactions = 0;
  const exceptions: ManifestItem[] = [];
  const byCollector: Record<string, Partial<Record<Outcome, number>>> = {};
  return {
    add: (item) => {
      const line = JSON.stringify(item);
      lines.push(line);
      pending += line.length + 1;
      const counts = (byCollector[item.collector] ??= {});
      counts[item.outcome] = (counts[item.outcome] ?? 0) + 1;
      redactions += item.redactions?.length ?? 0;
      if (!UNREMARKABLE.has(item.outcome) && exceptions.length < MAX_EXCEPTIONS) exceptions.push(item);
    },
    pendingBytes: () => pending,
    close: (segment) => {
      const header: ManifestPartHeader = { manifest: 1, capture: captureId, segment, previous: head, items: lines.length };
      const body = Buffer.from([JSON.stringify(header), ...lines, ''].join('\n'), 'utf8');
      head = hash('sha256', body, 'hex');
      lines = [];
      pending = 0;
      return { path: manifestPath(segment), body, head };
    },
    head: () => head,
    outcomes: () => total(Object.values(byCollector)),
    byCollector: () => byCollector,
    exceptions: () => exceptions,
    redactions: () => redactions,
  };
}

/** Name of the part that closes segment `segment`. */
export function manifestPath(segment: number): string {
  return `manifest/${String(segment).padStart(4, '0')}.jsonl`;
}

function total(counts: readonly Partial<Record<Outcome, number>>[]): Partial<Record<Outcome, number>> {
  const sum: Partial<Record<Outcome, number>> = {};
  for (const count of counts) {
    for (const [outcome, number] of Object.entries(count) as [Outcome, number][]) sum[outcome] = (sum[outcome] ?? 0) + number;
  }
  return sum;
}
