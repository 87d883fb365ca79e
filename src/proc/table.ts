/** The process table as types. `snapshot.ts` fills it; collectors read it; nothing here runs. */
import type { BytePath, Outcome } from '../contracts.ts';

/** A procfs file: its bytes, or why there are none. Never both, never neither. */
export type ProcRead =
  | { readonly ok: true; readonly body: Uint8Array; readonly truncated: boolean }
  | { readonly ok: false; readonly outcome: Extract<Outcome, 'missing' | 'denied' | 'timed-out' | 'failed'>; readonly reason: string };

/** A magic link of procfs (`exe`, `cwd`, `root`, `fd/N`, `ns/…`): its text, never followed. */
export interface ProcLink {
  readonly target: BytePath;
  /** The kernel's ` (deleted)` suffix, already cut off `target`. A file may really be called that: compare inodes. */
  readonly deleted: boolean;
}

export interface OpenDescriptor {
  readonly fd: number;
  readonly link: ProcLink;
  /** Inode of `socket:[N]` and `pipe:[N]`, else undefined. */
  readonly inode?: string;
  /** From fdinfo, where readable. */
  readonly position?: string;
  readonly flags?: string;
}

export interface ProcessRecord {
  readonly pid: number;
  readonly ppid: number;
  /** From /proc/PID/stat: the attacker chooses it (prctl), parentheses and newlines included. */
  readonly comm: BytePath;
  readonly state: string;
  readonly startTicks: number;
  /** Start, milliseconds since the epoch, from btime and the clock tick. */
  readonly startMs: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly threads: number;
  readonly exe: ProcLink | undefined;
  readonly cwd: ProcLink | undefined;
  /** Raw argv, split at NUL. */
  readonly argv: readonly BytePath[];
  readonly descriptors: readonly OpenDescriptor[];
  /** Every procfs file that was read, by name relative to /proc/PID: `stat`, `status`, `environ`, `maps`, … */
  readonly files: ReadonlyMap<string, ProcRead>;
  /** Every magic link that was read, by name: `exe`, `cwd`, `root`, `ns/pid`, … */
  readonly links: ReadonlyMap<string, ProcLink>;
  /** What could not be had of this process, in words. */
  readonly failures: readonly string[];
}

export interface ProcessTable {
  readonly takenMs: number;
  /** Our own pid as procfs shows it. */
  readonly self: number;
  readonly bootMs: number;
  readonly ticksPerSecond: number;
  /** By ascending pid. */
  readonly processes: readonly ProcessRecord[];
  /** Pids that were listed and gone, or reused, before they were read. */
  readonly vanished: readonly number[];
  /** Pids beyond the limit on processes; 0 in any ordinary sandbox. */
  readonly unread: number;
}
