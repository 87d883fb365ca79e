/** Reads back what a capture wrote to the log when no destination answered. The lines come from CloudWatch Logs. */
import { createHash } from 'node:crypto';
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { describeError } from '../errors.ts';

/** One summary. The function's own code can write such lines too: two versions of one capture are two results. */
export interface DecodedEvidence {
  readonly captureId: string;
  /** The summary; undefined where `problem` says why it cannot be had. */
  readonly summary?: unknown;
  /** Numbers of the parts that are not among the lines. */
  readonly missing: readonly number[];
  /** SHA-256 of the compressed bytes, as each line states it. */
  readonly sha256: string;
  readonly problem?: string;
}

/** Bounds against lines that somebody made up: parts of one summary, and its size when it is unpacked. */
const MAX_PARTS = 1000;
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

interface Line {
  readonly capture: string;
  readonly part: number;
  readonly of: number;
  readonly encoding: string;
  readonly sha256: string;
  readonly data: string;
}

/**
 * Finds evidence lines among log lines, with or without what CloudWatch or a logger puts around them, in any order, and
 * decodes each summary. Never throws: what cannot be decoded has a `problem`.
 */
export function decodeLogEvidence(lines: Iterable<string>): DecodedEvidence[] {
  const groups = new Map<string, Map<number, Line>>();
  for (const text of lines) {
    const line = parseLine(text);
    if (line === undefined) continue;
    const id = JSON.stringify([line.capture, line.of, line.encoding, line.sha256]);
    const parts = groups.get(id) ?? new Map<number, Line>();
    // Who makes up a part knows the sum only after ours were written: the first one counts.
    if (!parts.has(line.part)) parts.set(line.part, line);
    groups.set(id, parts);
  }
  return [...groups.values()].map(decodeGroup);
}

function parseLine(text: string): Line | undefined {
  const start = text.indexOf('{');
  const parsed = start === -1 ? undefined : parseJson(text.slice(start));
  if (parsed === undefined) return undefined;
  // Lambda's JSON log format wraps what a logger printed as text.
  if (typeof parsed['message'] === 'string' && parsed['amber'] === undefined) return readLine(parseJson(parsed['message']) ?? {});
  return readLine(parsed);
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function readLine({ amber, capture, part, of, encoding, sha256, data }: Readonly<Record<string, unknown>>): Line | undefined {
  if (amber !== 'evidence' || typeof capture !== 'string' || typeof encoding !== 'string' || typeof sha256 !== 'string') return undefined;
  if (typeof data !== 'string' || typeof part !== 'number' || typeof of !== 'number') return undefined;
  if (!Number.isSafeInteger(of) || of < 1 || of > MAX_PARTS || !Number.isSafeInteger(part) || part < 1 || part > of) return undefined;
  return { capture, part, of, encoding, sha256, data };
}

function decodeGroup(parts: ReadonlyMap<number, Line>): DecodedEvidence {
  const first = [...parts.values()][0];
  const { capture = '', of = 0, encoding = '', sha256 = '' } = first ?? {};
  const numbers = Array.from({ length: of }, (_, index) => index + 1);
  const missing = numbers.filter((number) => !parts.has(number));
  const about = { captureId: capture, missing, sha256 };
  if (missing.length > 0) return { ...about, problem: `${String(missing.length)} of ${String(of)} lines are missing` };
  const packed = Buffer.from(numbers.map((number) => parts.get(number)?.data ?? '').join(''), 'base64');
  if (createHash('sha256').update(packed).digest('hex') !== sha256) return { ...about, problem: 'the lines do not match their SHA-256' };
  try {
    return { ...about, summary: JSON.parse(unpack(packed, encoding)) as unknown };
  } catch (error) {
    return { ...about, problem: describeError(error) };
  }
}

function unpack(packed: Buffer, encoding: string): string {
  const limit = { maxOutputLength: MAX_UNPACKED_BYTES };
  return (encoding === 'zstd+base64' ? zstdDecompressSync(packed, limit) : inflateSync(packed, limit)).toString('utf8');
}
