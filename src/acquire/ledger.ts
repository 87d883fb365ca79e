/**
 * What a collection has got already, in a file beside the case: a second run goes on from there. A line is written only
 * when the segments that hold the item are acknowledged, so what stands in it is safe.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { AmberError, systemCode } from '../errors.ts';

/** First line of the file: what the collection is of. */
export interface LedgerHead {
  readonly collection: 1;
  readonly functionArn: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** ISO 8601. */
  readonly started: string;
}

/** An item that is safe. */
export interface LedgerLine {
  readonly path: string;
  /** The collection's capture that holds it. */
  readonly capture: string;
  /** For items that are parts of a series, such as a log stream: which, and how far it has come. */
  readonly series?: string;
  readonly mark?: number;
  readonly complete?: boolean;
}

export interface SeriesState {
  readonly parts: number;
  readonly mark: number | undefined;
  readonly complete: boolean;
}

export interface Ledger {
  readonly head: LedgerHead | undefined;
  readonly done: (path: string) => boolean;
  readonly series: (name: string) => SeriesState;
  readonly size: () => number;
  readonly begin: (head: LedgerHead) => void;
  readonly record: (lines: readonly LedgerLine[]) => void;
  /** Nothing is left to do: the file gets a name under which no later run finds it. */
  readonly finish: (captureId: string) => void;
}

const FRESH: SeriesState = { parts: 0, mark: undefined, complete: false };

/**
 * Reads the file if it is there; without one, `path` undefined, nothing is kept. @throws AmberError CASE_UNREADABLE.
 */
export function openLedger(path: string | undefined): Ledger {
  const paths = new Set<string>();
  const series = new Map<string, SeriesState>();
  const take = (line: LedgerLine): void => {
    paths.add(line.path);
    if (line.series === undefined) return;
    const { parts, mark, complete } = series.get(line.series) ?? FRESH;
    series.set(line.series, {
      parts: parts + 1,
      mark: line.mark ?? mark,
      complete: complete || line.complete === true,
    });
  };
  const { head, lines, torn } = path === undefined ? EMPTY : readLedger(path);
  for (const line of lines) take(line);
  let before = torn ? '\n' : ''; // what follows half a line must not continue it
  const append = (records: readonly object[]): void => {
    if (path === undefined || records.length === 0) return;
    appendFileSync(path, before + records.map((record) => `${JSON.stringify(record)}\n`).join(''), { flush: true });
    before = '';
  };
  return {
    head,
    done: (item) => paths.has(item),
    series: (name) => series.get(name) ?? FRESH,
    size: () => paths.size,
    begin: (fresh) => {
      if (path === undefined || head !== undefined) return;
      mkdirSync(dirname(path), { recursive: true });
      append([fresh]);
    },
    record: (records) => {
      for (const line of records) take(line);
      append(records);
    },
    finish: (captureId) => {
      if (path !== undefined) renameSync(path, path.replace(/\.jsonl$/u, `-${captureId}.done.jsonl`));
    },
  };
}

interface Read {
  readonly head: LedgerHead | undefined;
  readonly lines: readonly LedgerLine[];
  /** The last line has no end. */
  readonly torn: boolean;
}

const EMPTY: Read = { head: undefined, lines: [], torn: false };

function readLedger(path: string): Read {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return EMPTY;
    throw new AmberError(
      'CASE_UNREADABLE',
      `The state of the collection in ${JSON.stringify(path)} cannot be read (${systemCode(cause) ?? 'unknown'}).`,
      { cause },
    );
  }
  // A run that was killed may have left half a line at the end: what it stood for is collected again.
  const records = text.split('\n').flatMap((line) => parse(line));
  const [head, ...rest] = records;
  const torn = text !== '' && !text.endsWith('\n');
  if (head === undefined) return { ...EMPTY, torn };
  if (head['collection'] !== 1 || typeof head['functionArn'] !== 'string') {
    throw new AmberError(
      'CASE_UNREADABLE',
      `${JSON.stringify(path)} is not the state of a collection; move it away, or name another with --state.`,
    );
  }
  return {
    head: head as unknown as LedgerHead,
    lines: rest.filter((line) => typeof line['path'] === 'string') as unknown as LedgerLine[],
    torn,
  };
}

function parse(line: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [value as Record<string, unknown>] : [];
  } catch {
    return [];
  }
}
