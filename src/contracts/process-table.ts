/** The process table as types. proc/snapshot.ts fills it; collectors read it. */
import type { BytePath, Outcome } from './entry.ts';

/** A procfs file: its bytes, or why there are none. Never both, never neither. */
export type ProcRead =
  | { readonly ok: true; readonly body: Uint8Array; readonly truncated: boolean }
  | {
      readonly ok: false;
      readonly outcome: Extract<Outcome, 'missing' | 'denied' | 'skipped' | 'timed-out' | 'failed'>;
      readonly reason: string;
    };

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
  /** Open flags, octal, as printed. */
  readonly flags?: string;
  /** The mount on which it was opened, from fdinfo: an id of mountinfo. */
  readonly mount?: number;
  /** Further lines of fdinfo: what an epoll, an inotify or an eventfd holds. */
  readonly details?: readonly string[];
  /** Why there is no fdinfo, where it should have been read. */
  readonly failure?: string;
}

/**
 * How much is read of a process. `core`, for those beyond the first 8 of more than 32, leaves out limits, cgroup, io,
 * smaps_rollup, scores, fdinfo of pipes and sockets, most namespaces. So a thousand processes do not take a second.
 */
export type Detail = 'full' | 'core';

export interface ProcessRecord {
  readonly pid: number;
  readonly detail: Detail;
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
  /** Descriptors beyond the limits; 0 in any ordinary process. */
  readonly descriptorsUnread: number;
  /** Every procfs file that was read, by name relative to /proc/PID: `stat`, `status`, `environ`, `maps`, … */
  readonly files: ReadonlyMap<string, ProcRead>;
  /** Every magic link that was read, by name: `exe`, `cwd`, `root`, `ns/pid`, … */
  readonly links: ReadonlyMap<string, ProcLink>;
  /** What could not be read of this process, in words. */
  readonly failures: readonly string[];
  /**
   * Thread through which the process was read. Set when its first thread has ended and others run: /proc/PID then shows
   * no memory, no environment and no descriptors, which hides a process from most tools.
   */
  readonly throughThread?: number;
  /** The same process was there before and after all of this was read. False: it ended meanwhile (see `failures`). */
  readonly confirmed: boolean;
}

export interface UnreadableProcess {
  readonly pid: number;
  readonly outcome: Extract<ProcRead, { ok: false }>['outcome'];
  readonly reason: string;
}

/** The socket tables of one network namespace: `tcp`, `tcp6`, `udp`, `udp6`, `unix`, … by name, raw. */
export interface NetTables {
  /** `net:[4026531840]`, or empty where it could not be read. */
  readonly namespace: string;
  /** The process through which they were read; `self` for our own namespace. */
  readonly pid: number | 'self';
  readonly files: ReadonlyMap<string, ProcRead>;
}

export interface SocketTables {
  /** By network namespace, our own first. */
  readonly namespaces: readonly NetTables[];
  /** Network namespaces beyond the limit. */
  readonly unread: number;
}

export interface ProcessTable {
  readonly takenMs: number;
  /** Our own pid as procfs shows it. */
  readonly self: number;
  readonly bootMs: number;
  readonly ticksPerSecond: number;
  /** By ascending pid. */
  readonly processes: readonly ProcessRecord[];
  /** Pids that were listed and gone before they were read. */
  readonly vanished: readonly number[];
  /** Pids of which not even stat could be read: hidepid, no free descriptor, no procfs. */
  readonly unreadable: readonly UnreadableProcess[];
  /** Pids beyond the limit on processes, or not reached before the end; 0 in any ordinary sandbox. */
  readonly unread: number;
  /** `core` if any process was read in that. */
  readonly detail: Detail;
  /**
   * Socket tables. They are read beside the processes and may take longer: the kernel walks its whole hash table for
   * tcp. Never rejects.
   */
  readonly sockets: Promise<SocketTables>;
  /** Files of /proc itself: `uptime`, `stat`, `meminfo`, `mounts`, … */
  readonly system: ReadonlyMap<string, ProcRead>;
  /** Why reading ended before all was read. */
  readonly stopped?: string;
}
