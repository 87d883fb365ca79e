/** /proc/PID/fdinfo/N. Source: proc_pid_fdinfo(5). */
import { latin1 } from './bytes.ts';

export interface FdInfo {
  /** File offset, decimal. */
  readonly position: string | undefined;
  /** Open flags, octal, as printed. */
  readonly flags: string | undefined;
  /** The mount on which it was opened: an id of some mountinfo. */
  readonly mount: number | undefined;
  /**
   * The further lines: what an epoll watches, what inotify looks at, the count of an eventfd, … At most 64, and how
   * many more there are.
   */
  readonly details: readonly string[];
}

const MAX_DETAILS = 64;
const PLAIN = new Set(['pos', 'flags', 'mnt_id', 'ino']);

/** Reads the fixed lines and keeps the others as they are. */
export function parseFdInfo(body: Uint8Array): FdInfo {
  let position: string | undefined;
  let flags: string | undefined;
  let mount: number | undefined;
  const details: string[] = [];
  let more = 0;
  for (const line of latin1(body).split('\n')) {
    const colon = line.indexOf(':');
    const key = line.slice(0, Math.max(colon, 0));
    if (key === 'pos') position ??= line.slice(colon + 1).trim();
    else if (key === 'flags') flags ??= line.slice(colon + 1).trim();
    else if (key === 'mnt_id') mount ??= numberIn(line.slice(colon + 1));
    else if (line === '' || PLAIN.has(key)) continue;
    else if (details.length >= MAX_DETAILS) more += 1;
    else details.push(line.replaceAll(/\s+/gu, ' '));
  }
  if (more > 0) details.push(`and ${more} more lines`);
  return { position, flags, mount, details };
}

function numberIn(text: string): number | undefined {
  return /^\s*\d+\s*$/u.test(text) ? Number(text) : undefined;
}

// Values of include/uapi/asm-generic/fcntl.h; O_DIRECT, O_DIRECTORY, O_NOFOLLOW and O_LARGEFILE differ between x86-64
// and arm64, so they are not named here: the octal number stands beside.
const FLAGS: readonly (readonly [string, number])[] = [
  ['O_CREAT', 0o100],
  ['O_EXCL', 0o200],
  ['O_TRUNC', 0o1000],
  ['O_APPEND', 0o2000],
  ['O_NONBLOCK', 0o4000],
  ['O_CLOEXEC', 0o2000000],
  ['O_PATH', 0o10000000],
];
const ACCESS = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'] as const;

/** The names of open flags: `O_WRONLY`, `O_APPEND`, … */
export function openFlagNames(flags: string): string[] {
  const value = Number.parseInt(flags, 8);
  if (Number.isNaN(value)) return [];
  return [ACCESS[value & 3] ?? 'O_ACCMODE', ...FLAGS.filter(([, bit]) => (value & bit) !== 0).map(([name]) => name)];
}
