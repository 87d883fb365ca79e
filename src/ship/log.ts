/**
 * The last resort: when no destination answers within the budget, the volatile summary goes to standard output, where
 * the platform takes it to CloudWatch Logs. Compressed, base64, cut into lines, bounded in size.
 *
 * ```json
 * {"amber":"evidence","level":"INFO","timestamp":"…","capture":"…","part":1,"of":3,
 *  "encoding":"zstd+base64","sha256":"…","data":"…"}
 * ```
 */
import { systemCode } from '../errors.ts';
import { writeStdout } from '../lambda/stdout.ts';
import { envelope } from '../lambda/log-level.ts';
import { prune } from './prune.ts';

/** Bytes of all lines together. CloudWatch Logs costs by the byte, and a reader has to copy them out. */
const MAX_TOTAL_BYTES = 256 * 1024;
/**
 * Bytes of one line, newline included. An event may have 256 KiB (1 MiB today: "CloudWatch Logs quotas"); 32 KiB is
 * half of what a pipe holds (pipe(7)), so that a line goes out in one write.
 */
const MAX_LINE_BYTES = 32 * 1024;
/** Levels of pruning, gentlest first: how many members an array or object keeps, how many characters a text. */
const LEVELS: readonly (readonly [members: number, characters: number])[] = [
  [10_000, 32_768],
  [2_000, 4_096],
  [500, 1_024],
  [150, 512],
  [50, 256],
  [15, 128],
  [5, 64],
];

export interface LogEvidence {
  readonly captureId: string;
  /** JSON-like and redacted already: nothing is taken out here but what is too long. */
  readonly summary: unknown;
}

export interface LogLimits {
  readonly totalBytes?: number;
  readonly lineBytes?: number;
}

/** What was written. `lines` is 0 when not even the smallest form fitted, or nothing could be written. */
export interface LogReceipt {
  readonly lines: number;
  readonly bytes: number;
  /** True if something of the summary had to be left out; the places are marked in it. */
  readonly pruned: boolean;
}

/**
 * Writes the summary with `write`, which takes one line without its newline. Never throws.
 */
export async function writeLogEvidence(
  evidence: LogEvidence,
  write: (line: string) => void = toStdout,
  limits: LogLimits = {},
): Promise<LogReceipt> {
  const nothing: LogReceipt = { lines: 0, bytes: 0, pruned: false };
  try {
    const { createHash } = await import('node:crypto');
    const pack = await compressor();
    for (const [members, characters] of LEVELS) {
      const { value, pruned } = prune(evidence.summary, members, characters);
      const packed = pack.compress(Buffer.from(JSON.stringify(value)));
      const sha256 = createHash('sha256').update(packed).digest('hex');
      const lines = cut(
        packed.toString('base64'),
        { capture: evidence.captureId, encoding: pack.encoding, sha256 },
        limits,
      );
      if (lines === undefined) continue;
      for (const line of lines) write(line);
      return { lines: lines.length, bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0), pruned };
    }
    return nothing;
  } catch {
    return nothing;
  }
}

/** A full pipe is tried so often, 2 ms apart: a reader that is gone must not hold the function. */
const ATTEMPTS = 25;

/** To descriptor 1 itself: the runtime replaces `console`, and anybody may replace `process.stdout.write`. */
function toStdout(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  for (let attempt = 0; rest.byteLength > 0 && attempt < ATTEMPTS; attempt++) {
    try {
      rest = rest.subarray(writeStdout(rest));
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN' && systemCode(error) !== 'EINTR') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

async function compressor(): Promise<{ encoding: string; compress: (bytes: Buffer) => Buffer }> {
  const { zstdCompressSync, deflateSync } = await import('node:zlib');
  // Node 22.15 and later have zstd; a runtime that was built without it still has deflate.
  return typeof zstdCompressSync === 'function'
    ? { encoding: 'zstd+base64', compress: (bytes) => zstdCompressSync(bytes) }
    : { encoding: 'deflate+base64', compress: (bytes) => deflateSync(bytes) };
}

/** The lines, or undefined if they would be too many bytes. */
function cut(
  data: string,
  head: { capture: string; encoding: string; sha256: string },
  limits: LogLimits,
): string[] | undefined {
  const about = envelope();
  const render = (part: number, of: number, piece: string): string =>
    JSON.stringify({
      amber: 'evidence',
      ...about,
      capture: head.capture,
      part,
      of,
      encoding: head.encoding,
      sha256: head.sha256,
      data: piece,
    });
  const room = (limits.lineBytes ?? MAX_LINE_BYTES) - Buffer.byteLength(render(9999, 9999, '')) - 1;
  if (room <= 0) return undefined;
  const of = Math.max(1, Math.ceil(data.length / room));
  const lines: string[] = [];
  let bytes = 0;
  for (let part = 1; part <= of; part++) {
    const line = render(part, of, data.slice((part - 1) * room, part * room));
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > (limits.totalBytes ?? MAX_TOTAL_BYTES)) return undefined;
    lines.push(line);
  }
  return lines;
}
