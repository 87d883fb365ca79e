/**
 * One line of JSON on standard output: the copy of Amber's words that the sandbox cannot take back.
 *
 * Whatever a function writes to descriptor 1 or 2 is read by the platform at the other end of the pipe. It is stored by
 * CloudWatch Logs under the platform's own clock. Someone who owns the process afterwards cannot reach it: the role of
 * a function may append to a log stream, not rewrite it. So the digest of each segment is said here as soon as it is
 * known.
 *
 * The line goes to descriptor 1 itself. The runtime client replaces `console.*` (and code may replace
 * `process.stdout.write`): either would add a prefix, wrap the line in another JSON object, or drop it by log level.
 * The platform's own filter is met by its `level`.
 */
import { systemCode } from '../errors.ts';
import { writeStdout } from '../lambda/stdout.ts';
import { envelope, type Envelope } from '../lambda/log-level.ts';

/** Kinds of lines, the value of the first key, `amber`: what a filter in CloudWatch Logs Insights looks for. */
export type LogStream = 'segment' | 'capture' | 'refused' | 'fault' | 'config' | 'parked' | 'handed';

/**
 * Longest line in bytes, newline included. CloudWatch takes events of 1 MiB. 32 KiB keeps below the 64 KiB of a pipe.
 * So a line is never waited for longer than the reader takes for one pipe's worth.
 */
export const MAX_LINE_BYTES: number = 32 * 1024;

/** Writes `bytes` to descriptor 1 and gives the number that were taken. Replaced in tests. */
export type LineWriter = (bytes: Uint8Array) => number;

/**
 * Said where no line can be made, with the time of the start. Encoded now: code that replaces built-ins breaks the
 * encoder, too.
 */
const BROKEN = Buffer.from(
  `${JSON.stringify({
    amber: 'fault',
    ...envelope(),
    code: 'BUG',
    error: 'a log line could not be made; built-ins of this process may have been replaced',
  })}\n`,
);

/** A full pipe is tried so often, with a pause between: at most 20 ms in all, the longest hold of a main thread. */
const ATTEMPTS = 10;
const PAUSE_MS = 2;

/**
 * Writes one line `{"amber":"<stream>","level":"…","timestamp":"…",…}` with the keys in stable order. The caller has
 * redacted the record.
 *
 * Never throws: a closed or full pipe must not change what a handler returns. Gives false if the line did not go out
 * whole.
 */
export function logLine(
  stream: LogStream,
  record: Readonly<Record<string, unknown>>,
  write: LineWriter = writeStdout,
): boolean {
  try {
    const line = Buffer.from(`${torn ? '\n' : ''}${renderLine(stream, record)}\n`, 'utf8');
    return writeAll(line, write);
  } catch {
    return sayBroken(write);
  }
}

/** False: it is not the line that was asked for. */
function sayBroken(write: LineWriter): false {
  try {
    write(BROKEN);
  } catch {
    // There is nobody left to tell.
  }
  return false;
}

/** The text of a line, without its newline: JSON of at most {@link MAX_LINE_BYTES} - 1 bytes. */
export function renderLine(
  stream: LogStream,
  record: Readonly<Record<string, unknown>>,
  head: Envelope = envelope(),
): string {
  const text = JSON.stringify({ amber: stream, ...head, ...(sorted(record, 0) as object) });
  if (Buffer.byteLength(text) < MAX_LINE_BYTES) return text;
  // The scalars are the digests, names and numbers that the line is for; what is long in it is lists and sentences.
  const kept: Record<string, unknown> = { amber: stream, ...head, shortened: true };
  let bytes = Buffer.byteLength(JSON.stringify(kept));
  for (const [key, value] of Object.entries(record).sort(byKey)) {
    if (OURS.includes(key) || (typeof value === 'object' && value !== null)) continue;
    const scalar = typeof value === 'string' ? value.slice(0, 512) : plain(value);
    bytes += Buffer.byteLength(JSON.stringify({ [key]: scalar }));
    if (bytes >= MAX_LINE_BYTES) break;
    kept[key] = scalar;
  }
  return JSON.stringify(kept);
}

/** No record says these of itself. */
const OURS: readonly string[] = ['amber', 'level', 'timestamp', 'schema'];

/** Keys in code unit order at every level. Deep, cyclic or odd values become text: JSON.stringify then cannot throw. */
function sorted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return plain(value);
  if (depth > 8) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => sorted(item, depth + 1));
  const entries = Object.entries(value)
    .filter(([key]) => depth > 0 || !OURS.includes(key))
    .sort(byKey);
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner, depth + 1)]));
}

function byKey(left: [string, unknown], right: [string, unknown]): number {
  return left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : 0;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
}

/** The last line broke off in the middle: the next one must not continue it. */
let torn = false;

function writeAll(line: Uint8Array, write: LineWriter): boolean {
  let sent = 0;
  for (let attempt = 0; sent < line.length && attempt < ATTEMPTS; attempt += 1) {
    try {
      sent += write(line.subarray(sent));
    } catch (cause) {
      if (systemCode(cause) !== 'EAGAIN' && systemCode(cause) !== 'EINTR') break;
      pause();
    }
  }
  if (sent > 0) torn = sent < line.length;
  return sent === line.length;
}

/** Standard output is a pipe that its reader empties: only time helps, and a timer would let other lines in between. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
