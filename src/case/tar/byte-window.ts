/** The last bytes of a stream, by their offsets in it. Nothing is copied until a range lies in several pieces. */
export class ByteWindow {
  #pieces: Buffer[] = [];
  #start = 0;
  #end = 0;

  /** Offset behind the last byte. */
  get end(): number {
    return this.#end;
  }

  /** `piece` is kept: nobody may write to it any more. */
  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#end += piece.length;
  }

  /** Forgets pieces that end at or before `offset`. */
  drop(offset: number): void {
    let gone = 0;
    for (const { length } of this.#pieces) {
      if (this.#start + length > offset) break;
      this.#start += length;
      gone += 1;
    }
    if (gone > 0) this.#pieces = this.#pieces.slice(gone);
  }

  /** The pieces from `offset` on. */
  from(offset: number): readonly Buffer[] {
    return this.#cut(offset, this.#end);
  }

  /** The bytes from `from` up to `to`, in one piece. */
  slice(from: number, to: number): Buffer {
    const cut = this.#cut(from, to);
    const [first] = cut;
    return cut.length === 1 && first !== undefined ? first : Buffer.concat(cut);
  }

  #cut(from: number, to: number): readonly Buffer[] {
    const cut: Buffer[] = [];
    let at = this.#start;
    for (const piece of this.#pieces) {
      if (at >= to) break;
      if (at + piece.length > from) cut.push(piece.subarray(Math.max(0, from - at), Math.min(piece.length, to - at)));
      at += piece.length;
    }
    return cut;
  }
}
