/**
 * Reads back what a capture wrote to the log when no destination answered, or there was no time for one. The lines come
 * from CloudWatch Logs.
 */
import { createHash } from 'node:crypto';
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { describeError } from '../../errors.ts';
import { plainDigest, recordsIn, type LogRecord } from './scan.ts';
import { readLog } from './source.ts';
import type { LogFile } from './walk.ts';
import { many } from '../../many.ts';

/** One summary. The function's own code can write such lines too: two versions of one capture are two results. */
export interface DecodedEvidence {
  readonly captureId: string;
  /** The summary; undefined where `problem` says why it is not there. */
  readonly summary?: unknown;
  /** Numbers of the parts that are not among the lines. */
  readonly missing: readonly number[];
  /** SHA-256 of the compressed bytes, as each line states it. */
  readonly sha256: string;
  readonly problem?: string;
}

/**
 * Bounds against lines that somebody made up: parts of one summary, the size of all when they are unpacked, and what is
 * kept of a log.
 */
const MAX_PARTS = 1000;
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const MAX_LOG_BYTES = 64 * 1024 * 1024;
const MAX_SUMMARIES = 1000;

interface Line {
  readonly capture: string;
  readonly part: number;
  readonly of: number;
  readonly encoding: string;
  readonly sha256: string;
  readonly data: string;
}

/** What a log holds of captures that no destination took. */
export interface LogEvidence {
  readonly found: readonly DecodedEvidence[];
  /** Lines that were too many to keep. */
  readonly leftOut: number;
  /** Why the log, or files of it, could not be read. */
  readonly notRead: readonly string[];
  /** Lines that are cut, or have another form than ours. */
  readonly malformed: number;
}

/**
 * Reads a log in any form (see case/log/source.ts). Never rejects because of what stands in it: what cannot be decoded
 * has a `problem`.
 */
export async function readLogEvidence(files: AsyncIterable<LogFile>): Promise<LogEvidence> {
  const lines = new EvidenceLines();
  const { notRead, notReadBeyond, malformed } = await readLog(files, [KIND], (record) => lines.take(record));
  const beyond = notReadBeyond === 0 ? [] : [`and ${notReadBeyond} more`];
  return { ...lines.decoded(), notRead: [...notRead, ...beyond], malformed };
}

/** The same for log lines that are there already. */
export function decodeLogEvidence(texts: Iterable<string>): readonly DecodedEvidence[] {
  const lines = new EvidenceLines();
  for (const text of texts) for (const record of recordsIn(text, KIND)) lines.take(record);
  return lines.decoded().found;
}

const KIND = 'evidence';

/** Parts by summary, in whatever order the lines come. */
class EvidenceLines {
  readonly #groups = new Map<string, Map<number, Line>>();
  #left = MAX_LOG_BYTES;
  #leftOut = 0;

  /** False for a record that is no line of ours. */
  take(record: LogRecord): boolean {
    const line = readLine(record);
    if (line !== undefined) this.#add(line);
    return line !== undefined;
  }

  decoded(): Omit<LogEvidence, 'notRead' | 'malformed'> {
    const room = { bytes: MAX_UNPACKED_BYTES };
    return { found: [...this.#groups.values()].map((parts) => decodeGroup(parts, room)), leftOut: this.#leftOut };
  }

  #add(line: Line): void {
    const id = JSON.stringify([line.capture, line.of, line.encoding, line.sha256]);
    const parts = this.#groups.get(id) ?? new Map<number, Line>();
    // Who makes up a part knows the sum only after ours were written: the first one counts.
    if (parts.has(line.part)) return;
    const bytes = id.length + line.data.length;
    if (bytes > this.#left || (parts.size === 0 && this.#groups.size >= MAX_SUMMARIES)) {
      this.#leftOut += 1;
      return;
    }
    this.#left -= bytes;
    parts.set(line.part, line);
    this.#groups.set(id, parts);
  }
}

function readLine({ amber, capture, part, of, encoding, sha256, data }: LogRecord): Line | undefined {
  if (amber !== 'evidence' || typeof capture !== 'string' || typeof encoding !== 'string' || typeof sha256 !== 'string')
    return undefined;
  if (typeof data !== 'string' || typeof part !== 'number' || typeof of !== 'number') return undefined;
  if (!Number.isSafeInteger(of) || of < 1 || of > MAX_PARTS || !Number.isSafeInteger(part) || part < 1 || part > of)
    return undefined;
  return { capture, part, of, encoding, sha256: plainDigest(sha256), data };
}

/** `room`: what is left for this summary and those after it. */
function decodeGroup(parts: ReadonlyMap<number, Line>, room: { bytes: number }): DecodedEvidence {
  const first = [...parts.values()][0];
  const { capture = '', of = 0, encoding = '', sha256 = '' } = first ?? {};
  const numbers = Array.from({ length: of }, (_, index) => index + 1);
  const missing = numbers.filter((number) => !parts.has(number));
  const about = { captureId: capture, missing, sha256 };
  if (missing.length > 0)
    return {
      ...about,
      problem: `${missing.length} of ${many(of, 'line')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    };
  const packed = Buffer.from(numbers.map((number) => parts.get(number)?.data ?? '').join(''), 'base64');
  if (createHash('sha256').update(packed).digest('hex') !== sha256)
    return { ...about, problem: 'the lines do not match their SHA-256' };
  try {
    const unpacked = unpack(packed, encoding, Math.max(1, room.bytes));
    room.bytes -= unpacked.length;
    return { ...about, summary: JSON.parse(unpacked.toString('utf8')) as unknown };
  } catch (error) {
    return { ...about, problem: describeError(error) };
  }
}

function unpack(packed: Buffer, encoding: string, maxOutputLength: number): Buffer {
  const limit = { maxOutputLength };
  return encoding === 'zstd+base64' ? zstdDecompressSync(packed, limit) : inflateSync(packed, limit);
}
