/**
 * The text of a log in whatever form it was saved: one file, standard input, or a folder of an export; packed with gzip
 * or zstd, once or twice; in UTF-8 or UTF-16. What is none of these is said to be not read: it proves nothing.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { AmberError, isAmberError, type AmberErrorCode } from '../../errors.ts';
import { decompress, packingOf } from '../tar/decompress.ts';
import { gunzipMembers } from '../tar/gzip-members.ts';
import { newerSchema } from '../../version.ts';
import { PackedInside } from './packed-inside.ts';
import { RecordScanner, type LogRecord } from './scan.ts';
import { isPlainFile } from '../store/open.ts';
import { readError, readFile } from '../store/store.ts';
import { filesBelow, type LogFile } from './walk.ts';
import { many } from '../../many.ts';

export interface LogRead {
  /** Files that were looked at. */
  files: number;
  /** Records of Amber that were found. */
  records: number;
  /** What could not be read, in words, bounded; the rest is counted. */
  readonly notRead: string[];
  notReadBeyond: number;
  /** Texts that have the mark of a record of Amber and are none: cut, or made up by somebody. */
  malformed: number;
}

/** A pipe may never end: more than a responder has of one function. */
const MAX_PIPE = 64 * 1024 ** 3;
const MAX_NOT_READ = 20;
/** Firehose packs records that CloudWatch Logs has packed already. */
const MAX_LAYERS = 3;
/** Deflate makes at most 1032 bytes of one (zlib's technical notes); a small file may hold as much as a large one. */
const MAX_RATIO = 1100;
const MIN_UNPACKED = 1024 * 1024 * 1024;

/**
 * `-` is standard input; a pipe is what a shell makes of `<(aws logs tail …)`. Of these `most` bytes are read.
 *
 * @throws AmberError CASE_MISSING, CASE_DENIED, CASE_UNREADABLE.
 */
export async function* logFiles(path: string, most: number = MAX_PIPE): AsyncGenerator<LogFile> {
  if (path === '-') yield { name: 'standard input', bytes: upTo(process.stdin as AsyncIterable<Uint8Array>, most) };
  else if (await isPipe(path)) yield { name: 'the pipe', bytes: upTo(createReadStream(path), most) };
  else if (await isPlainFile(path)) yield { name: basename(path), bytes: readFile(resolve(path)) };
  else yield* filesBelow(path);
}

async function isPipe(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFIFO();
  } catch (cause) {
    throw readError(path, cause);
  }
}

async function* upTo(bytes: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let left = most;
  for await (const chunk of bytes) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left < 0)
      throw new AmberError('ARCHIVE_CORRUPT', `it has more than ${many(most, 'byte')}: the rest is not read.`);
  }
}

/** What is wrong with one file of a log, and says nothing of the others. */
const OF_ONE_FILE: ReadonlySet<AmberErrorCode> = new Set([
  'ARCHIVE_CORRUPT',
  'CASE_MISSING',
  'CASE_DENIED',
  'CASE_UNREADABLE',
]);

/**
 * Calls `take` with every record of these kinds. Never rejects because of what the files hold, nor because one of them
 * cannot be read: the others are. `take` says whether the record has the form of one.
 */
export async function readLog(
  files: AsyncIterable<LogFile>,
  kinds: readonly string[],
  take: (record: LogRecord) => boolean,
): Promise<LogRead> {
  const read: LogRead = { files: 0, records: 0, notRead: [], notReadBeyond: 0, malformed: 0 };
  for await (const file of files) {
    read.files += 1;
    const scanner = new RecordScanner(...kinds);
    const before = read.records;
    let newer: string | undefined;
    const takeAll = (records: readonly LogRecord[]): void => {
      read.records += records.length;
      newer ??= records.map(({ schema }) => newerSchema('log', schema)).find((line) => line !== undefined);
      for (const record of records) if (!take(record)) read.malformed += 1;
    };
    const look = new FirstLook();
    const inside = new PackedInside();
    try {
      for await (const text of textOf(file.bytes, look, inside)) {
        look.see(text);
        // A file that PowerShell appended to is UTF-16 from its middle on: without its NULs it is ASCII.
        takeAll(scanner.push(text.replaceAll('\0', '')));
      }
    } catch (cause) {
      if (!isAmberError(cause) || !OF_ONE_FILE.has(cause.code)) throw cause;
      note(read, `${file.name}: ${cause.message}`);
    }
    takeAll(scanner.end());
    read.malformed += scanner.broken;
    if (newer !== undefined) note(read, `${file.name} in part: ${newer}`);
    const strange = read.records === before ? look.strange() : undefined;
    if (inside.found !== undefined) note(read, `${file.name} in part: ${inside.found}`);
    else if (strange !== undefined) note(read, `${file.name} is ${strange}`);
  }
  return read;
}

function note(read: LogRead, reason: string): void {
  if (read.notRead.length < MAX_NOT_READ) read.notRead.push(reason);
  else read.notReadBeyond += 1;
}

/** @throws AmberError ARCHIVE_CORRUPT for damage, and beyond what a packed log can hold. */
async function* textOf(
  bytes: AsyncIterable<Uint8Array>,
  look: FirstLook,
  inside: PackedInside,
): AsyncGenerator<string> {
  const packed = { bytes: 0 };
  let layer: AsyncIterable<Uint8Array> = counted(bytes, packed);
  for (let layers = 0; ; layers += 1) {
    const { start, rest } = await peek(layer);
    const packing = layers < MAX_LAYERS ? packingOf(start) : 'none';
    if (packing === 'none') {
      look.begin(start);
      yield* decoded(start, inside.watch(rest));
      return;
    }
    layer = bounded(packing === 'gzip' ? gunzipMembers(rest) : decompress(rest, packing), packed);
  }
}

async function* counted(bytes: AsyncIterable<Uint8Array>, count: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    count.bytes += chunk.length;
    yield chunk;
  }
}

async function* bounded(
  bytes: AsyncIterable<Uint8Array>,
  packed: { readonly bytes: number },
): AsyncGenerator<Uint8Array> {
  let unpacked = 0;
  for await (const chunk of bytes) {
    unpacked += chunk.length;
    if (unpacked > Math.max(MIN_UNPACKED, packed.bytes * MAX_RATIO)) {
      throw new AmberError(
        'ARCHIVE_CORRUPT',
        `it unpacks to more than ${MAX_RATIO} times its size, which no log does: the rest is not read.`,
      );
    }
    yield chunk;
  }
}

/** The first bytes (four at least, where there are that many), and all of them again. */
async function peek(bytes: AsyncIterable<Uint8Array>): Promise<{ start: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  let ended = false;
  while (start.length < 4 && !ended) {
    const step = await iterator.next();
    if (step.done === true) ended = true;
    else start = Buffer.concat([start, step.value]);
  }
  return { start, rest: again(start, iterator) };
}

async function* again(start: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (start.length > 0) yield start;
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) yield step.value;
  } finally {
    await iterator.return?.();
  }
}

/** UTF-8, or what the byte order mark says. */
async function* decoded(start: Uint8Array, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const [one, two] = start;
  const decoder = new TextDecoder(
    one === 0xff && two === 0xfe ? 'utf-16le' : one === 0xfe && two === 0xff ? 'utf-16be' : 'utf-8',
  );
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** How a file begins that is no text (file(1) knows them by the same bytes). */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/^PK[\u0003\u0005]/u, 'a ZIP archive: unpack it first'],
  [/^BZh/u, 'packed with bzip2: unpack it first'],
  [/^\ufffd7zXZ/u, 'packed with xz: unpack it first'],
  [/^7z\ufffd/u, 'a 7-Zip archive: unpack it first'],
  [/^PAR1/u, 'Parquet: give the log as text, JSON or CSV'],
  [/^ORC/u, 'ORC: give the log as text, JSON or CSV'],
  [/^.{0,4}sNaPpY/u, 'packed with Snappy: unpack it first'],
  [/^age-encryption\.org/u, 'an age file: decrypt it first'],
  [/^[\s\S]{257}ustar/u, 'a tarball: unpack it first, and give the folder'],
];
const LOOK_CHARS = 8192;
/** Share of characters that text does not have, above which it is none. */
const MAX_STRANGE = 0.1;

/** Tells text from other things by its beginning. */
class FirstLook {
  #text = '';
  /** As they are: the text has other characters for what it could not decode. */
  #bytes = '';

  begin(start: Uint8Array): void {
    this.#bytes = Buffer.from(start.subarray(0, 8))
      .toString('hex')
      .replaceAll(/..(?=.)/gu, '$& ');
  }

  see(text: string): void {
    if (this.#text.length < LOOK_CHARS) this.#text += text.slice(0, LOOK_CHARS - this.#text.length);
  }

  /** What it is, where it is no text. */
  strange(): string | undefined {
    const known = KNOWN.find(([pattern]) => pattern.test(this.#text));
    if (known !== undefined) return known[1];
    const plain = this.#text.replaceAll('\0', '');
    const strange = plain.replaceAll(/[^\u0001-\u0008\u000e-\u001a\ufffd]/gu, '').length;
    if (strange <= plain.length * MAX_STRANGE) return undefined;
    return (
      `neither text (UTF-8 or UTF-16) nor packed with gzip or zstd; its first bytes are ${this.#bytes}, in ` +
      'hexadecimal'
    );
  }
}
