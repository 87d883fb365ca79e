/**
 * Reads the tar stream of a whole capture with tar-stream, and calls a visitor. tar-stream finds the headers and
 * bodies. Names, links and numbers come from the raw header blocks, because it decodes pax records as UTF-8 and so
 * loses bytes. Where both readings differ, the strict reader goes on from there: it says what is wrong as it does for
 * `verify`.
 */
import type { Extract, Header } from 'tar-stream';
import { AmberError } from '../../errors.ts';
import { ByteWindow } from './byte-window.ts';
import { TarReader, type TarVisitor } from './read-tar.ts';
import { agrees, readHead } from './tar-head.ts';
import type { TarEntry } from './header.ts';

export interface WholeTar {
  /** The two zero blocks that end an archive were read. */
  readonly ended: boolean;
  /** Offset at which the strict reader took over: where entries end, or where the two readings differ. */
  readonly strictFrom: number;
}

/** tar-stream gets so much at a time, and may read on so far without an entry: headers have 130 KiB at most. */
const PIECE = 64 * 1024;
const MAX_HEAD = 4 * PIECE;
/** A header block's own names keep their bytes so. The types of tar-stream do not know this option. */
const OPTIONS = { highWaterMark: PIECE, filenameEncoding: 'latin1' };

/**
 * A chunk of `chunks` must stay as it is. @throws AmberError ARCHIVE_CORRUPT, and what the visitor or the source
 * throws.
 */
export async function readWholeTar(chunks: AsyncIterable<Buffer>, visitor: TarVisitor): Promise<WholeTar> {
  // Loaded here: half of the commands read no tarball.
  const { extract } = await import('tar-stream');
  const tar = extract(OPTIONS);
  const run = new Run(chunks[Symbol.asyncIterator](), tar, visitor);
  try {
    return await run.read();
  } finally {
    await run.close();
  }
}

/** Offset of the body, which the types of tar-stream do not know; 0, where no body can begin, if there is none. */
function bodyOffsetOf(header: Header): number {
  return 'byteOffset' in header && typeof header.byteOffset === 'number' ? header.byteOffset : 0;
}

/** Resolves when tar-stream takes more, or will take nothing any more. */
async function drained(tar: Extract): Promise<void> {
  if (tar.destroyed) return;
  await new Promise<void>((done) => {
    const settle = (): void => {
      tar.off('drain', settle);
      tar.off('close', settle);
      done();
    };
    tar.on('drain', settle);
    tar.on('close', settle);
  });
}

class Run {
  readonly #source: AsyncIterator<Buffer>;
  readonly #tar: Extract;
  readonly #visitor: TarVisitor;
  readonly #window = new ByteWindow();
  /** The last entry that both readings agreed on, and the offset up to which the visitor has seen its body. */
  #entry: TarEntry | undefined;
  #position = 0;
  #stopped = false;
  #exhausted = false;
  /** What the source threw. It is thrown again once the visitor has seen all that came before it. */
  #broken: { readonly cause: unknown } | undefined;
  /** What the visitor threw. */
  #refused: { readonly cause: unknown } | undefined;

  constructor(source: AsyncIterator<Buffer>, tar: Extract, visitor: TarVisitor) {
    this.#source = source;
    this.#tar = tar;
    this.#visitor = visitor;
  }

  async read(): Promise<WholeTar> {
    const fed = this.#feed();
    try {
      await this.#visitEntries();
    } catch {
      // Either the visitor's word, kept in #refused, or tar-stream's: the strict reader says that better.
    } finally {
      this.#stopped = true;
      this.#tar.destroy(null);
      await fed;
    }
    if (this.#refused !== undefined) throw this.#refused.cause;
    return this.#finishStrictly();
  }

  async close(): Promise<void> {
    if (!this.#exhausted) await this.#source.return?.();
  }

  /** Never throws. Ends when the source has ended, or soon after #stopped is set. */
  async #feed(): Promise<void> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        const piece = chunk.subarray(at, at + PIECE);
        this.#window.push(piece);
        if (!this.#mayWrite()) continue;
        if (!this.#tar.write(piece)) await drained(this.#tar);
      }
      if (this.#stopped) return;
      if (this.#window.end - this.#bodyEnd > MAX_HEAD)
        this.#tar.destroy(new AmberError('ARCHIVE_CORRUPT', 'No entry begins.'));
    }
    if (this.#mayWrite()) this.#tar.end(null);
  }

  #mayWrite(): boolean {
    return !this.#stopped && !this.#tar.destroyed;
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const next = await this.#source.next();
      if (next.done !== true) return next.value;
    } catch (cause) {
      this.#broken = { cause };
    }
    this.#exhausted = true;
    return undefined;
  }

  get #bodyEnd(): number {
    return this.#entry === undefined ? 0 : this.#entry.bodyOffset + this.#entry.size;
  }

  async #visitEntries(): Promise<void> {
    for await (const found of this.#tar) {
      const from = this.#bodyEnd;
      const entry = readHead(this.#window.slice(from, bodyOffsetOf(found.header)), from);
      if (entry === undefined || !agrees(entry, found.header)) return;
      this.#entry = entry;
      this.#position = entry.bodyOffset;
      this.#window.drop(entry.bodyOffset);
      this.#visit(() => this.#visitor.entry(entry));
      if (entry.size === 0) this.#visit(() => this.#visitor.end());
      for await (const piece of found) this.#takeBody(piece as Buffer);
    }
  }

  #takeBody(piece: Buffer): void {
    this.#visit(() => this.#visitor.body(piece));
    this.#position += piece.length;
    this.#window.drop(this.#position);
    if (this.#position === this.#bodyEnd) this.#visit(() => this.#visitor.end());
  }

  #visit(call: () => void): void {
    try {
      call();
    } catch (cause) {
      this.#refused = { cause };
      throw cause;
    }
  }

  /**
   * What tar-stream has not given: the end of the archive always, the rest of a cut body, what both read differently.
   */
  async #finishStrictly(): Promise<WholeTar> {
    const strictFrom = this.#position;
    const strict = TarReader.behind(this.#visitor, this.#entry, strictFrom);
    for (const piece of this.#window.from(strictFrom)) strict.push(piece);
    while (!this.#exhausted) {
      const chunk = await this.#next();
      if (chunk !== undefined) strict.push(chunk);
    }
    if (this.#broken !== undefined) throw this.#broken.cause;
    return { ended: strict.ended, strictFrom };
  }
}
