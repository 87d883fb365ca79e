/** The rows of a file of JSON lines, in bounded memory. A line that is not JSON takes no other with it. */
import { parseJson } from './bounded-json.ts';
import type { DocumentReader, Reading } from './json-rows.ts';
import { LineSplitter } from './lines.ts';
import { many } from '../../many.ts';

const MAX_LINE = 1024 * 1024;
const MAX_BYTES = 12 * 1024 * 1024;
const MAX_ROWS = 20_000;

export class JsonLines implements DocumentReader {
  readonly #splitter = new LineSplitter(MAX_LINE);
  readonly #rows: unknown[] = [];
  #bytes = 0;
  #left = 0;

  push(piece: Buffer): void {
    for (const line of this.#splitter.push(piece)) this.#take(line);
  }

  finish(): Reading {
    const rest = this.#splitter.rest();
    if (rest !== undefined) this.#take(rest);
    const left = this.#left + this.#splitter.dropped;
    return {
      value: this.#rows,
      problem:
        left === 0
          ? undefined
          : `${many(left, 'line')} of it cannot be shown: no JSON, too large, or ` + `one too many`,
    };
  }

  #take(line: string): void {
    if (line === '') return;
    const fits = this.#bytes + line.length <= MAX_BYTES && this.#rows.length < MAX_ROWS;
    const value = fits ? parseJson(line) : undefined;
    if (value === undefined) {
      this.#left += 1;
      return;
    }
    this.#bytes += line.length;
    this.#rows.push(value);
  }
}
