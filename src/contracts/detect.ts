/** The third part of the contracts: what detectors look at and what they say. Import them from evidence.ts. */
import type { BytePath } from './entry.ts';
import type { RecordedEvent, RecordedNews, RingDoubt } from './recorded.ts';

/** How sure a finding is that somebody is there who should not be. `high` starts a capture by default. */
export type Severity = 'low' | 'medium' | 'high' | 'critical';

/** A technique of MITRE ATT&CK: `T1059.004`. */
export interface Technique {
  readonly id: string;
  readonly name: string;
}

/** The version of ATT&CK whose ids are used (attack.mitre.org/resources/versions/). */
export type AttackVersion = '19';

/**
 * The kind of evidence. Findings of two kinds on one subject weigh more than two of one kind: see `correlate` in
 * detect/correlate.ts.
 */
export type Kind =
  | 'staged' // something was brought along: executables and code in writable places
  | 'disguise' // something pretends to be something else
  | 'execution' // something runs that this function does not need: shells, interpreters
  | 'hijack' // the runtime, its API, its environment or its code are not what they were
  | 'channel' // something talks to where it should not
  | 'access' // something reads what it should not
  | 'impact'; // something uses up CPU or memory

/** What a finding is about. At least one field is there. */
export interface Subject {
  readonly pid?: number;
  /** With the pid the name of a process: ticks since boot. */
  readonly startTicks?: number;
  readonly path?: BytePath;
  /** Name of an environment variable, a built-in, an extension. Never a value. */
  readonly name?: string;
  /** `203.0.113.7:443`. */
  readonly address?: string;
}

/** When the thing itself began, as far as it is known: the capture that tells of it comes later. */
export interface Happened {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Start of the process; birth of the file, or where its file system keeps none, the last change of its metadata. */
  readonly of: 'process' | 'file';
}

/** One thing that a detector has found. Holds no value of an environment variable and no content of a file. */
export interface Finding {
  readonly detector: string;
  /**
   * One sentence: what is there. May hold names and arguments that an attacker chose; it is redacted on its way out.
   */
  readonly title: string;
  readonly technique: Technique;
  readonly attackVersion: AttackVersion;
  readonly kind: Kind;
  readonly severity: Severity;
  readonly subject: Subject;
  /**
   * Where the proof stands: `/proc/17/exe -> /tmp/.x (deleted)`, `/tmp/.x: ELF`,
   * `tcp 10.0.0.2:4711 -> 203.0.113.7:3333`.
   */
  readonly evidence: readonly string[];
  /** What harmless thing looks the same. */
  readonly benign: readonly string[];
  /** The same thing has the same key at every look, so that it is told once. */
  readonly key: string;
  /** Detectors whose findings on the same subject have raised `severity`. */
  readonly raisedBy?: readonly string[];
  /** Absent where the observation does not tell, and in captures of older versions. */
  readonly happened?: Happened;
  /** A process of the function has said so over a local socket: any process with its uid can send this. */
  readonly handedOver?: true;
}

export type Observer = 'extension' | 'process';

/** One question to an observation. Pure: reads nothing itself, must not throw. */
export interface Detector {
  readonly name: string;
  readonly description: string;
  readonly technique: Technique;
  readonly kind: Kind;
  /** The highest severity that it gives by itself. */
  readonly severity: Severity;
  readonly benign: readonly string[];
  readonly runs: readonly Observer[];
  readonly detect: (now: Observation, baseline: Observation, policy: DetectPolicy) => readonly Finding[];
}

/** What a process is for in a sandbox, told by its parents, its path and its environment. */
export type Role = 'init' | 'runtime' | 'extension' | 'amber' | 'other';

export interface ObservedProcess {
  readonly pid: number;
  readonly startTicks: number;
  /** Start, milliseconds since the epoch, to about 20 ms. */
  readonly startMs: number;
  readonly ppid: number;
  /** Session id: equal to the pid in a process that has detached itself. */
  readonly session: number;
  readonly comm: BytePath;
  readonly state: string;
  readonly role: Role;
  readonly exe: BytePath | undefined;
  /** The executable has no name any more (or is a memfd). */
  readonly exeDeleted: boolean;
  readonly argv: readonly BytePath[];
  readonly cwd: BytePath | undefined;
  /** CPU time in ticks of 10 ms. */
  readonly ticks: number;
  /** Resident memory; 0 where it is not known. */
  readonly rssBytes: number;
  /** Other at each exec: see `ProcessStat` in proc/stat.ts. */
  readonly layout: string;
  /**
   * Watched variables of the environment that it was started with (see `WATCHED` in detect/variables.ts); undefined
   * where unreadable.
   */
  readonly env: Readonly<Record<string, string>> | undefined;
  /** Link texts of descriptors 0, 1 and 2; '' for a closed one. Undefined where unreadable. */
  readonly stdio: readonly BytePath[] | undefined;
  /** Inodes of the sockets that it holds. */
  readonly sockets: readonly string[];
  /** Descriptors onto procfs files of other processes: `/proc/9/environ`, `/proc/9/mem`. */
  readonly peeks: readonly BytePath[];
  /** Objects mapped as executable from writable places, memfds and deleted files, apart from its own executable. */
  readonly mapped: readonly BytePath[];
}

export interface ObservedSocket {
  readonly protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** As in ss(8): `ESTABLISHED`, `LISTEN`, `UNCONN`, … */
  readonly state: string;
  readonly inode: string;
  /** Processes that hold it; empty where none could be read. */
  readonly pids: readonly number[];
}

/** What the first bytes of a file say. `unread`: its turn has not come, or it could not be opened. */
export type Magic = 'elf' | 'script' | 'archive' | 'text' | 'data' | 'empty' | 'unread';

export interface ObservedFile {
  readonly path: BytePath;
  /** `file`, `link`, `directory`, `other`. */
  readonly type: 'file' | 'link' | 'directory' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly inode: number;
  readonly mtimeMs: number;
  /** When the kernel last changed its metadata: nobody without root can set it. */
  readonly ctimeMs: number;
  /** Birth, which nobody without root can set. Absent where the file system keeps none. */
  readonly bornMs?: number;
  readonly magic: Magic;
  /** Of a link. */
  readonly target?: BytePath;
  /** AWS access key ids in its first bytes, at most four. */
  readonly accessKeys?: readonly string[];
  /** Further ones there; absent for none. */
  readonly moreAccessKeys?: number;
  /**
   * A `.pth` file with a line that Python executes, or an archive that begins with a module that Python imports by
   * itself.
   */
  readonly startsCode?: true;
}

/** What tells one set of code from another without hashing it: stat of /var/task and of the handler's file. */
export interface CodeIdentity {
  readonly handler: string | undefined;
  /** By path: `device:inode:size:mtime:ctime`, or why there is none. */
  readonly stats: Readonly<Record<string, string>>;
}

/** A built-in of Node that another function stands in for. */
export interface PatchedBuiltin {
  readonly name: string;
  /**
   * Path or URL of the script that defines the function now; '' for none (eval, new Function), undefined where unknown.
   */
  readonly script: string | undefined;
}

/** One start of a process that Node told of. */
export interface Spawned {
  readonly file: string;
  /** At most 32 of them and 2048 characters, the first is the program's own name. */
  readonly argv: readonly string[];
  /** Characters and arguments that were left out, in words. What stands there is then a beginning. */
  readonly left?: string;
  readonly pid: number | undefined;
  readonly atMs: number;
}

/** What only the process itself knows. */
export interface OwnFacts {
  /** Watched variables as they are now. */
  readonly env: Readonly<Record<string, string>>;
  readonly spawned: readonly Spawned[];
  readonly patched: readonly PatchedBuiltin[];
  readonly resolvers: readonly string[];
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** What was left out, in words. */
  readonly left?: readonly string[];
}

/** A summary of all events until now. */
export interface Heard {
  /** Where the main thread has connected to: `203.0.113.7:443`. */
  readonly addresses: ReadonlySet<string>;
  /** Threads that were started: the last of them. */
  readonly workers: readonly RecordedEvent[];
  /** Starts of requests to the Runtime API before the first invocation: a runtime that is made of JavaScript. */
  readonly asksRuntimeApi: boolean;
}

/** All that detectors look at, at one moment. */
export interface Observation {
  readonly takenMs: number;
  readonly by: Observer;
  readonly self: number;
  /** The invocation in progress or just answered; 0 during init. */
  readonly invocation: { readonly number: number; readonly startedMs: number };
  readonly processes: readonly ObservedProcess[];
  readonly sockets: readonly ObservedSocket[];
  readonly files: readonly ObservedFile[];
  /** Writable trees that were listed, as configured. */
  readonly writable: readonly BytePath[];
  /** Names in /opt/extensions. */
  readonly extensions: readonly string[];
  readonly nameservers: readonly string[];
  readonly code: CodeIdentity;
  /** Inside the function's own process only. */
  readonly own: OwnFacts | undefined;
  /** What the black box has recorded since the last look; absent where nothing records. */
  readonly recorded?: RecordedNews;
  /** Rings that are no longer as the extension has read them; absent where nobody keeps any. */
  readonly doubts?: readonly RingDoubt[];
  /** What the black box has told of since the sandbox began; absent where a connection may have gone unheard. */
  readonly heard?: Heard;
  /** What was left out, in words: limits, refusals. */
  readonly notInspected: readonly string[];
}

/** AMBER_DETECT, taken apart. */
export interface DetectPolicy {
  /** A finding of this severity or a higher one starts a capture; `off`: none does, and nothing is looked at. */
  readonly threshold: Severity | 'off';
  /** Detectors that are turned off (`-name`); with `off`, the only ones that are on (`+name`) are in `only`. */
  readonly without: readonly string[];
  readonly only: readonly string[] | undefined;
  readonly allow: readonly AllowRule[];
}

/** `allow:KIND=VALUE`. A value may end in `*`. */
export interface AllowRule {
  readonly kind: 'exe' | 'file' | 'to' | 'variable' | 'extension' | 'resolver';
  readonly value: string;
}

/** What a capture is given to store of findings. */
export interface FindingsReport {
  readonly by: Observer;
  readonly findings: readonly Finding[];
  readonly threshold: DetectPolicy['threshold'];
  /**
   * What the findings were judged against: the state at this moment, milliseconds since the epoch. Undefined without a
   * look.
   */
  readonly baselineMs: number | undefined;
  /** Detectors that failed, with the error. */
  readonly failed: Readonly<Record<string, string>>;
  /** What was not looked at. */
  readonly left: readonly string[];
}
