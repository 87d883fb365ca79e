/**
 * Gzip as logs are stored in: members one behind the other (RFC 1952 section 2.2), with line ends between them where
 * Firehose adds a delimiter to records that are packed already. Node's gunzip reads the first form alone.
 */
import zlib from 'node:zlib';
import { defined } from '../../defined.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import { many } from '../../many.ts';

/** Bits of FLG (RFC 1952 section 2.3.1). */
const FHCRC = 0x02;
const FEXTRA = 0x04;
const FNAME = 0x08;
const FCOMMENT = 0x10;
const HEADER_BYTES = 10;
/** CRC-32 and size of what was packed. */
const TRAILER_BYTES = 8;
/** A name or a comment of a header; nobody writes longer ones. */
const MAX_TEXT = 64 * 1024;
/** What is tried at once: a record of a subscription with all its quotes is smaller. */
const AT_ONCE = 64 * 1024;
const MAX_AT_ONCE = 4 * 1024 * 1024;
/** Line ends of a delimiter, and zeros, with which tar and tape pad. */
const BETWEEN: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20]);

/**
 * @throws AmberError ARCHIVE_CORRUPT for damage, and for what follows and is no member; what was yielded before stays
 * true.
 */
export async function* gunzipMembers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const bytes = new ByteSource(source);
  try {
    for (let members = 0; ; members += 1) {
      if (members > 0) await bytes.skip(BETWEEN);
      if (!(await bytes.fill(1))) return;
      if (!(await isMember(bytes))) {
        throw corrupt(
          members === 0
            ? 'It does not begin with a gzip member.'
            : `Behind ${many(members, 'gzip member')}, at byte ${bytes.at}, follow bytes that are not compressed data.`,
        );
      }
      yield* member(bytes);
    }
  } finally {
    await bytes.close();
  }
}

function corrupt(message: string, cause?: unknown): AmberError {
  return new AmberError('ARCHIVE_CORRUPT', message, defined({ cause }));
}

async function isMember(bytes: ByteSource): Promise<boolean> {
  await bytes.fill(3);
  const [one, two, method] = bytes.held;
  return one === 0x1f && two === 0x8b && (method === 8 || method === undefined);
}

async function* member(bytes: ByteSource): AsyncGenerator<Buffer> {
  await passHeader(bytes);
  const sum = { crc: 0, size: 0 };
  const seen = (piece: Buffer): Buffer => {
    sum.crc = zlib.crc32(piece, sum.crc);
    sum.size = (sum.size + piece.length) % 2 ** 32;
    return piece;
  };
  let small = atOnce(bytes);
  // So the pieces are joined once for many members.
  if (small === undefined && bytes.held.length < AT_ONCE && (await bytes.fill(AT_ONCE))) small = atOnce(bytes);
  if (small !== undefined) yield seen(small);
  else for await (const piece of streamed(bytes)) yield seen(piece);
  const trailer = await bytes.take(TRAILER_BYTES);
  if (trailer.readUInt32LE(0) !== sum.crc || trailer.readUInt32LE(4) !== sum.size) {
    throw corrupt('The compressed data is damaged: a gzip member has another sum than it says.');
  }
}

async function passHeader(bytes: ByteSource): Promise<void> {
  const flags = (await bytes.take(HEADER_BYTES))[3] ?? 0;
  if ((flags & FEXTRA) !== 0) await bytes.take((await bytes.take(2)).readUInt16LE(0));
  for (const text of [FNAME, FCOMMENT]) if ((flags & text) !== 0) await bytes.passText();
  if ((flags & FHCRC) !== 0) await bytes.take(2);
}

/** The content of a small member that is held as a whole; of a large one undefined. */
function atOnce(bytes: ByteSource): Buffer | undefined {
  try {
    // The types of Node know the result without `info` alone.
    const { buffer, engine } = zlib.inflateRawSync(bytes.held, {
      info: true,
      maxOutputLength: MAX_AT_ONCE,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    bytes.pass(engine.bytesWritten);
    return buffer;
  } catch {
    return undefined; // larger, or damaged: the stream tells which
  }
}

/** The content of one member as it comes. What stands behind it is left in `bytes`. */
async function* streamed(bytes: ByteSource): AsyncGenerator<Buffer> {
  const engine = zlib.createInflateRaw({ chunkSize: 256 * 1024 });
  let fault: unknown;
  const feeding = feed(bytes, engine).catch((cause: unknown) => {
    fault = cause;
    engine.destroy(cause instanceof Error ? cause : undefined);
  });
  try {
    for await (const piece of engine) yield piece as Buffer;
    await feeding;
  } catch (cause) {
    const reason = fault ?? cause;
    throw isAmberError(reason)
      ? reason
      : corrupt(
          `The compressed data is damaged: ${reason instanceof Error ? reason.message : String(reason)}.`,
          reason,
        );
  } finally {
    engine.destroy();
    await feeding;
  }
}

/** One chunk at a time: what the engine did not eat of the last one belongs to the next member. */
async function feed(bytes: ByteSource, engine: zlib.InflateRaw): Promise<void> {
  let before = 0;
  for (let chunk = await bytes.chunk(); chunk !== undefined; chunk = await bytes.chunk()) {
    await written(engine, chunk);
    const eaten = engine.bytesWritten - before;
    before = engine.bytesWritten;
    if (eaten < chunk.length) {
      bytes.giveBack(chunk.subarray(eaten));
      return;
    }
    if (engine.destroyed) return;
  }
  engine.end();
}

/** The engine took the chunk, or has ended within it. */
function written(engine: zlib.InflateRaw, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      engine.off('end', done).off('close', done).off('error', done);
      resolve();
    };
    engine.on('end', done).on('close', done).on('error', done);
    if (engine.destroyed || engine.readableEnded) done();
    else engine.write(chunk, done);
  });
}

/** Bytes that come in pieces, of which as many are held as somebody asks for. */
class ByteSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #ended = false;
  held: Buffer = Buffer.alloc(0);
  /** How many have been passed. */
  at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Holds this many, or all that are left. False where none are. */
  async fill(bytes: number): Promise<boolean> {
    const pieces: Uint8Array[] = [this.held];
    let length = this.held.length;
    while (length < bytes && !this.#ended) {
      const step = await this.#iterator.next();
      if (step.done === true) this.#ended = true;
      else length += pieces.push(step.value) > 0 ? step.value.length : 0;
    }
    if (pieces.length > 1) this.held = Buffer.concat(pieces);
    return this.held.length > 0;
  }

  async take(bytes: number): Promise<Buffer> {
    await this.fill(bytes);
    if (this.held.length < bytes)
      throw corrupt('The compressed data is damaged: it ends in the middle of a gzip member.');
    return this.pass(bytes);
  }

  pass(bytes: number): Buffer {
    const taken = this.held.subarray(0, bytes);
    this.held = this.held.subarray(bytes);
    this.at += bytes;
    return taken;
  }

  /** Up to a NUL, and that. */
  async passText(): Promise<void> {
    for (let end = this.held.indexOf(0); ; end = this.held.indexOf(0)) {
      if (end >= 0) return void this.pass(end + 1);
      const length = this.held.length;
      await this.fill(length + 1);
      if (this.held.length === length || length > MAX_TEXT)
        throw corrupt('The compressed data is damaged: the header of a gzip member has no end.');
    }
  }

  /** Passes these bytes, as many as there are. */
  async skip(which: ReadonlySet<number>): Promise<void> {
    while (await this.fill(1)) {
      const index = this.held.findIndex((byte) => !which.has(byte));
      this.pass(index < 0 ? this.held.length : index);
      if (index >= 0) return;
    }
  }

  /** What is held, or the next piece. */
  async chunk(): Promise<Buffer | undefined> {
    return (await this.fill(1)) ? this.pass(this.held.length) : undefined;
  }

  giveBack(bytes: Buffer): void {
    this.held = Buffer.concat([bytes, this.held]);
    this.at -= bytes.length;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
