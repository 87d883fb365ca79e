/**
 * Sorts lines by a number with bounded memory, however many there are: sorted runs in files, merged. The files have no
 * name any more as soon as they are open, so nothing is left behind, whatever ends the program.
 */
import { closeSync, readSync } from 'node:fs';
import { AmberError } from '../../errors.ts';
import { isPrintableAscii } from '../view/ascii.ts';
import { appendTo, openNameless } from './nameless.ts';

export interface SortedLine {
  /** A finite number. */
  readonly order: number;
  /** A word of printable ASCII without white space; may be empty. */
  readonly key: string;
  /** Printable ASCII. */
  readonly text: string;
}

/**
 * Bytes that are sorted in memory. Not as strings: of a million of these the heap would grow to three times as much
 * before it is collected.
 */
const BATCH = 8 * 1024 * 1024;
/** Files that are merged at a time; 512 MiB of lines are one such merge. */
const WIDTH = 64;
const BUFFER = 64 * 1024;

export class SortedLines {
  readonly #batchBytes: number;
  readonly #width: number;
  #batch: Batch | undefined;
  /** Runs by how often they were merged. */
  readonly #levels: Run[][] = [[]];
  count = 0;

  constructor(limits: { readonly batch?: number; readonly width?: number } = {}) {
    this.#batchBytes = limits.batch ?? BATCH;
    this.#width = limits.width ?? WIDTH;
  }

  /**
   * @throws AmberError DESTINATION_FAILED where the folder for temporary files cannot take it; BUG for a line that
   * would not come back as it is.
   */
  add(line: SortedLine): void {
    demandPlain(line);
    this.count += 1;
    const written = write(line);
    if (this.#batch?.add(line.order, written) === true) return;
    if (this.#batch !== undefined) this.#store(this.#batch.sorted(), 0);
    this.#batch?.clear();
    if (this.#batch?.add(line.order, written) === true) return;
    this.#batch = new Batch(Math.max(this.#batchBytes, written.length));
    this.#batch.add(line.order, written);
  }

  /** All lines in order; of equal ones the first that came. Ask once. */
  *sorted(): Generator<SortedLine> {
    const runs = this.#levels
      .toReversed()
      .flat()
      .map((run) => run.lines());
    yield* merge(this.#batch === undefined ? runs : [...runs, this.#batch.sorted()]);
  }

  close(): void {
    for (const run of this.#levels.flat()) run.close();
    this.#levels.length = 0;
    this.#batch = undefined;
  }

  #store(lines: Iterable<SortedLine>, level: number): void {
    const runs = (this.#levels[level] ??= []);
    runs.push(new Run(lines));
    if (runs.length < this.#width) return;
    this.#store(merge(runs.map((run) => run.lines())), level + 1);
    for (const run of runs.splice(0)) run.close();
  }
}

function write({ order, key, text }: SortedLine): string {
  return `${order}\t${key}\t${text}\n`;
}

/** A newline or a tab in a line would become a line of its own, which an attacker has written. */
function demandPlain({ order, key, text }: SortedLine): void {
  if (Number.isFinite(order) && isPrintableAscii(text) && isPrintableAscii(key) && !key.includes(' ')) return;
  throw new AmberError(
    'BUG',
    'A line that is to be sorted has no order, or is not printable ASCII: it would not come back as it is.',
  );
}

/** Bytes of a line at the least, for the number of lines in a batch; shorter ones fill it earlier. */
const LEAST_LINE = 64;

/** Lines behind each other in one piece of memory. */
class Batch {
  readonly #bytes: Buffer;
  readonly #orders: Float64Array;
  readonly #ends: Uint32Array;
  #count = 0;
  #used = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
    this.#orders = new Float64Array(Math.ceil(bytes / LEAST_LINE));
    this.#ends = new Uint32Array(this.#orders.length);
  }

  /** False if it has no room. */
  add(order: number, line: string): boolean {
    if (this.#used + line.length > this.#bytes.length || this.#count === this.#orders.length) return false;
    this.#used += this.#bytes.write(line, this.#used, 'latin1');
    this.#orders[this.#count] = order;
    this.#ends[this.#count] = this.#used;
    this.#count += 1;
    return true;
  }

  clear(): void {
    this.#count = 0;
    this.#used = 0;
  }

  *sorted(): Generator<SortedLine> {
    const orders = this.#orders;
    const indexes = new Uint32Array(this.#count)
      .map((_, index) => index)
      .sort((one, other) => (orders[one] ?? 0) - (orders[other] ?? 0) || one - other);
    for (const index of indexes)
      yield parse(
        this.#bytes.toString('latin1', index === 0 ? 0 : this.#ends[index - 1], (this.#ends[index] ?? 1) - 1),
      );
  }
}

/** Of equal lines those of an earlier run come first. */
function* merge(runs: readonly Iterator<SortedLine>[]): Generator<SortedLine> {
  const heads: { line: SortedLine; readonly run: number }[] = [];
  const before = (one: number, other: number): boolean => {
    const [first, second] = [heads[one], heads[other]];
    if (first === undefined || second === undefined) return first !== undefined;
    return first.line.order < second.line.order || (first.line.order === second.line.order && first.run < second.run);
  };
  const swap = (one: number, other: number): void => {
    const [first, second] = [heads[one], heads[other]];
    if (first !== undefined && second !== undefined) [heads[one], heads[other]] = [second, first];
  };
  const sink = (from: number): void => {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      const child = left + 1 < heads.length && before(left + 1, left) ? left + 1 : left;
      if (child >= heads.length || !before(child, at)) return;
      swap(child, at);
      at = child;
    }
  };
  for (const [run, lines] of runs.entries()) {
    const step = lines.next();
    if (step.done !== true) heads.push({ line: step.value, run });
  }
  for (let at = heads.length >> 1; at >= 0; at -= 1) sink(at);
  for (let head = heads[0]; head !== undefined; head = heads[0]) {
    yield head.line;
    const step = runs[head.run]?.next();
    if (step !== undefined && step.done !== true) head.line = step.value;
    else {
      const last = heads.pop();
      if (last !== undefined && heads.length > 0) heads[0] = last;
    }
    sink(0);
  }
}

/** A file without a name. */
class Run {
  readonly #fd: number;
  #bytes = 0;

  constructor(lines: Iterable<SortedLine>) {
    this.#fd = openNameless();
    let text = '';
    for (const line of lines) {
      text += write(line);
      if (text.length < BUFFER) continue;
      this.#write(text);
      text = '';
    }
    this.#write(text);
  }

  /** Line by line out of one buffer: strings of whole buffers would live long enough to be taken for permanent. */
  *lines(): Generator<SortedLine> {
    let buffer = Buffer.allocUnsafeSlow(BUFFER);
    let [from, to, at] = [0, 0, 0];
    for (;;) {
      const newline = buffer.subarray(0, to).indexOf(0x0a, from);
      if (newline >= 0) {
        yield parse(buffer.toString('latin1', from, newline));
        from = newline + 1;
        continue;
      }
      if (at >= this.#bytes) return;
      const larger = from === 0 && to === buffer.length ? Buffer.allocUnsafeSlow(2 * to) : buffer;
      buffer.copy(larger, 0, from, to);
      [buffer, from, to] = [larger, 0, to - from];
      const read = readSync(this.#fd, buffer, to, buffer.length - to, at);
      if (read === 0) return;
      to += read;
      at += read;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    appendTo(this.#fd, bytes);
    this.#bytes += bytes.length;
  }
}

function parse(line: string): SortedLine {
  const first = line.indexOf('\t');
  const second = line.indexOf('\t', first + 1);
  return { order: Number(line.slice(0, first)), key: line.slice(first + 1, second), text: line.slice(second + 1) };
}
