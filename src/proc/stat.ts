/** /proc/PID/stat and /proc/PID/status. Sources: proc_pid_stat(5), proc_pid_status(5). */
import type { BytePath } from '../contracts/evidence.ts';
import { latin1 } from './bytes.ts';

/** Linux gives times in `stat` in USER_HZ, which is 100 on x86-64 and arm64 (the two that Lambda has). */
export const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  readonly pid: number;
  readonly comm: BytePath;
  /** `R`, `S`, `D`, `Z`, `T`, …: one letter. */
  readonly state: string;
  readonly ppid: number;
  readonly processGroup: number;
  readonly session: number;
  /** CPU time in ticks. */
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threads: number;
  /** Ticks since boot. With the pid it names a process uniquely within one boot. */
  readonly startTicks: number;
  /** Resident memory in pages. */
  readonly rssPages: number;
  /**
   * Where its code, stack and environment begin. Each exec lays them out anew, at random. So another value under the
   * same pid and start is another exec, also of the same program. Empty where the kernel does not tell us
   * (PTRACE_MODE_READ).
   */
  readonly layout: string;
}

/**
 * Reads a stat file. The name stands between the first `(` and the last `)`, because the process chooses it and may put
 * parentheses, blanks and newlines there (`prctl(PR_SET_NAME)`). Behind the last `)` there are only numbers.
 *
 * @returns undefined if the text is no stat file.
 */
export function parseStat(body: Uint8Array): ProcessStat | undefined {
  const text = latin1(body);
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const rest = text.slice(close + 2).split(' ', 48);
  // rest[0] is field 3 of the manual page.
  const field = (number: number): number => Number(rest[number - 3]);
  const stat: ProcessStat = {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state: rest[0] ?? '',
    ppid: field(4),
    processGroup: field(5),
    session: field(6),
    userTicks: field(14),
    systemTicks: field(15),
    threads: field(20),
    startTicks: field(22),
    rssPages: field(24),
    layout: field(28) > 0 ? [26, 28, 50].map((number) => rest[number - 3] ?? '').join(':') : '',
  };
  return Number.isInteger(stat.pid) && Number.isInteger(stat.startTicks) ? stat : undefined;
}

export interface StatusFacts {
  /** Real ids. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** FDSize: descriptor slots, never fewer than are open. */
  readonly slots: number;
}

/** What is assumed where there is no status file: any number of descriptors. */
export const NO_STATUS: StatusFacts = { uid: undefined, gid: undefined, slots: Infinity };

/** What the snapshot itself needs of a status file. */
export function parseStatus(status: Uint8Array): StatusFacts {
  const text = latin1(status);
  return {
    uid: firstNumber(text, '\nUid:'),
    gid: firstNumber(text, '\nGid:'),
    slots: firstNumber(text, '\nFDSize:') ?? Infinity,
  };
}

function firstNumber(text: string, mark: string): number | undefined {
  const at = text.indexOf(mark);
  const number = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + mark.length, at + mark.length + 16), 10);
  return Number.isNaN(number) ? undefined : number;
}
