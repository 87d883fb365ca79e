/** Rows gathered into entries of bounded size, numbered: `NAME-0000.jsonl`, `NAME-0001.jsonl`, … */
import type { JsonLinesEntry } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import type { Ledger } from './ledger.ts';

/** Text of one entry, before compression. */
export const ENTRY_BYTES: number = 4 * 1024 * 1024;

export interface RowSeries {
  /** Bytes that wait. */
  readonly waiting: () => number;
  readonly add: (row: unknown, bytes: number, mark: number) => void;
  /** The entry of what waits. `complete`: nothing follows in this series. Undefined if there is nothing to say. */
  readonly flush: (options: { readonly complete: boolean }) => JsonLinesEntry | undefined;
}

export interface SeriesOptions {
  /** Path without number and suffix; also the name in the ledger. */
  readonly stem: string;
  readonly source: string;
  readonly ledger: Ledger;
  /** Which of two marks is further on: later for logs, earlier for CloudTrail. */
  readonly further: (one: number, other: number) => number;
  /** An entry without rows says that the series is complete and has none. */
  readonly evenEmpty?: boolean;
}

/** A series that goes on where the ledger says an earlier run ended. */
export function openSeries({ stem, source, ledger, further, evenEmpty }: SeriesOptions): RowSeries {
  let number = ledger.series(stem).parts;
  let rows: unknown[] = [];
  let bytes = 0;
  let mark: number | undefined;
  return {
    waiting: () => bytes,
    add: (row, size, at) => {
      rows.push(row);
      bytes += size;
      mark = mark === undefined ? at : further(mark, at);
    },
    flush: ({ complete }) => {
      if (rows.length === 0 && !(complete && evenEmpty === true)) return undefined;
      const notes = { series: stem, rows: rows.length, complete, ...defined({ mark }) };
      const path = `${stem}-${String(number).padStart(4, '0')}.jsonl`;
      const entry: JsonLinesEntry = { kind: 'jsonl', path, source, method: 'api', rows, notes: () => notes };
      number += 1;
      rows = [];
      bytes = 0;
      return entry;
    },
  };
}
