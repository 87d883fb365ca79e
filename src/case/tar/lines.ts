/** Lines of bytes that come in pieces; what is longer than `most` bytes is dropped. */
export class LineSplitter {
  readonly #most: number;
  #rest: Buffer[] = [];
  #bytes = 0;
  #drops = false;
  /** Lines that were too long. */
  dropped = 0;

  constructor(most: number) {
    this.#most = most;
  }

  *push(piece: Buffer): Generator<string> {
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      if (this.#drops) this.#drops = false;
      else yield this.#take(piece.subarray(start, end));
      start = end + 1;
    }
    if (this.#drops || start === piece.length) return;
    this.#rest.push(Buffer.from(piece.subarray(start)));
    this.#bytes += piece.length - start;
    if (this.#bytes > this.#most) this.#drop();
  }

  /** What stands behind the last newline. */
  rest(): string | undefined {
    return this.#bytes === 0 ? undefined : this.#take(Buffer.alloc(0));
  }

  #take(last: Buffer): string {
    const text = this.#bytes === 0 ? last.toString('utf8') : Buffer.concat([...this.#rest, last]).toString('utf8');
    this.#rest = [];
    this.#bytes = 0;
    return text;
  }

  #drop(): void {
    this.#drops = true;
    this.dropped += 1;
    this.#rest = [];
    this.#bytes = 0;
  }
}
