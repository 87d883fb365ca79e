/**
 * Packed data in the middle of a text, as `cat a.log b.log.gz` makes it. A search for records passes over it in
 * silence, and what it holds may name a capture that is missing.
 */

/** More than a mark takes with what is looked at behind it. */
const OVERLAP = 96;
const BEHIND = 64;

const always = (): boolean => true;
/** Anybody can write a mark of plain characters into a log, and none of what follows it in packed data. */
const isNoText = (behind: Buffer): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(behind.subarray(0, BEHIND), { stream: true });
    return false;
  } catch {
    return true;
  }
};
/** Of the flags of gzip three have no meaning (RFC 1952 section 2.3.1). */
const isFlags = (behind: Buffer): boolean => (behind[0] ?? 0xff) < 0x20;

/** How packed data begins, and what has to follow. No UTF-8 text has the bytes of the first five in this order. */
const BEGINS: readonly (readonly [name: string, mark: Buffer, follows: (behind: Buffer) => boolean])[] = [
  ['gzip', Buffer.from('1f8b08', 'hex'), isFlags],
  ['zstd', Buffer.from('28b52ffd', 'hex'), always],
  ['xz', Buffer.from('fd377a585a00', 'hex'), always],
  ['7-Zip', Buffer.from('377abcaf271c', 'hex'), always],
  ['Snappy', Buffer.from('ff060000734e6150', 'hex'), always],
  ['bzip2', Buffer.from('314159265359', 'hex'), isNoText],
  ['ZIP', Buffer.from('504b0304', 'hex'), isNoText],
  ['LZ4', Buffer.from('04224d18', 'hex'), isNoText],
];
/** Passes the bytes of a text on and looks for packed data in them. */
export class PackedInside {
  #held: Buffer = Buffer.alloc(0);
  #passed = 0;
  #found: string | undefined;

  async *watch(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      if (this.#found === undefined) this.#look(chunk);
      yield chunk;
    }
    if (this.#found === undefined) this.#search(this.#held);
  }

  /** What it is and where it begins, where there is some. */
  get found(): string | undefined {
    return this.#found;
  }

  #look(chunk: Uint8Array): void {
    const text = Buffer.concat([this.#held, chunk]);
    this.#search(text);
    this.#held = Buffer.from(text.subarray(Math.max(0, text.length - OVERLAP)));
    this.#passed += text.length - this.#held.length;
  }

  #search(text: Buffer): void {
    const found = BEGINS.flatMap(([name, mark, follows]) => {
      for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
        if (follows(text.subarray(at + mark.length))) return [{ name, at }];
      }
      return [];
    }).sort((one, other) => one.at - other.at)[0];
    if (found === undefined) return;
    this.#found =
      `packed data (${found.name}) begins at byte ${this.#passed + found.at}: ` +
      'unpack it first, and give it as a file of its own';
  }
}
