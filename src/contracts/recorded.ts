/**
 * What the black box records: one event a slot, written by the recorder of a process (Node, Python) into its ring, or
 * said by the extension. A process with the uid of the function can write a ring, so all of it is untrusted when it is
 * read.
 *
 * A ring is an anonymous file of 512 slots of 512 bytes. Event n stands in slot (n - 1) % 512. A slot holds one JSON
 * object in UTF-8 with the keys of {@link SlotRecord}, blanks behind it, and a newline as its last byte. A slot of
 * zeros was never written. Nothing else tells where a ring begins or ends: its first event is of the kind `begin`.
 */

/** The schema of a slot. Another number means other keys. */
export type SlotSchema = 1;

/** What a recorder of a process writes. */
export type RecordedKind =
  // of the recorder
  | 'begin' // a ring was opened: subject is the language with its version, detail says by whom
  | 'away' // a hook is not armed: subject is the hook, detail says why
  | 'limit' // events of one kind were left out: subject is the kind, detail says how many until now
  // of what the function does
  | 'spawn' // a child was started: subject is the file, argv what it got
  | 'execve' // the process turns into another program
  | 'fork' // a copy of the process
  | 'connect' // subject is address:port, or unix:path
  | 'datagram' // the same without a connection
  | 'resolve' // subject is the name
  | 'request' // subject is method, scheme, host, and with AMBER_RECORD=paths the path; never a query
  | 'listen' // subject is address:port
  | 'worker' // a thread was started
  | 'vm' // a script was compiled and run by node:vm
  | 'code' // code from no file, or from a writable place, runs (Python: compile, exec)
  | 'addon' // native code was loaded: subject is its path
  | 'module' // a module was loaded after init: subject is its path or URL
  | 'read' // a file that tells of other processes was opened: /proc/9/environ
  | 'write' // a file of a writable place was opened for writing
  | 'signal' // a signal was sent
  | 'unpickle' // pickle looks up a class or a function
  | 'heap' // all objects of the process were listed
  // of what is no longer as it was
  | 'builtin' // a function of the language or the runtime stands for another: subject is its name
  | 'method' // an export or a method of a loaded module was replaced: subject is the module with the name
  | 'prototype' // a prototype of the language has a new property: subject is its name
  | 'variable' // a variable of the environment has changed: subject is NAME=value, or NAME if it is gone
  | 'hook' // a hook of the interpreter was set: settrace, addaudithook, an import hook
  | 'inspector'; // the debugger listens: subject is its address

/** Who started whom, and with whose pipes. */
export interface Lineage {
  /** The child that was started; absent where it was not known yet, or does not live any more. */
  readonly child?: number;
  /** Its descriptors 0, 1, 2 in short: `pipe`, `ignore`, `inherit`, `fd 7`, `socket`. */
  readonly stdio?: readonly string[];
}

/** One event, read. */
export interface RecordedEvent {
  /** From 1, without a gap, in one ring. */
  readonly sequence: number;
  /** Milliseconds since the epoch, by the clock of the process. */
  readonly timeMs: number;
  /**
   * Number of the invocation that began last; 0 during init. With several at once it is not sure to be the one that
   * acts.
   */
  readonly invocation: number;
  /** The process that wrote it. */
  readonly pid: number;
  readonly kind: RecordedKind;
  /** What it is about. Raw in a ring. */
  readonly subject: string;
  /** Of children: all arguments, the first is the program's own name. */
  readonly argv?: readonly string[];
  /** How often this has happened until now: an event is written at the 1st, 2nd, 4th, 8th, … time. */
  readonly count: number;
  /**
   * UTF-16 units of subject and argv that did not fit: what stands there is then a beginning, and the rest is unknown.
   */
  readonly cut?: number;
  /** The code that did it, nearest first: paths and URLs, `eval`, `vm`, `data:`. Absent where no frame is left. */
  readonly origin?: readonly string[];
  readonly lineage?: Lineage;
  /** What else is known, by short names. */
  readonly detail?: Readonly<Record<string, string | number>>;
}

/** The same as it stands in a slot. Members without a value are left out. */
export interface SlotRecord {
  readonly v: SlotSchema;
  /** sequence */
  readonly n: number;
  /** timeMs */
  readonly t: number;
  /** invocation */
  readonly i: number;
  /** pid */
  readonly p: number;
  /** kind */
  readonly k: RecordedKind;
  /** count */
  readonly c: number;
  /** origin */
  readonly o?: readonly string[];
  /** lineage */
  readonly l?: Lineage;
  /** detail */
  readonly d?: Readonly<Record<string, string | number>>;
  /** subject */
  readonly s: string;
  /** argv */
  readonly a?: readonly string[];
  /** cut */
  readonly x?: number;
}

/** What is wrong with a slot of a ring as found. */
export interface SlotFault {
  /** From 0. */
  readonly slot: number;
  /**
   * `unreadable`: no such JSON. `schema`: of another version. `misplaced`: its sequence belongs into another slot.
   * `twice`: another slot has this sequence. `apart`: its sequence is not in the run that most events make.
   * `backwards`: dated before the event that precedes it. `cut`: the file ends in it.
   */
  readonly what: 'unreadable' | 'schema' | 'misplaced' | 'twice' | 'apart' | 'backwards' | 'cut';
  /** In words, without contents. */
  readonly reason: string;
}

/** A ring as it was found. */
export interface ReadRing {
  /** In the order of their sequence. */
  readonly events: readonly RecordedEvent[];
  readonly faults: readonly SlotFault[];
  /** Events that later ones have overwritten. */
  readonly overwritten: number;
  /** Sequences between the first and the last event that are not there. */
  readonly missing: readonly number[];
  /** Processes that wrote; more than one where a process has forked. */
  readonly pids: readonly number[];
  /** Bytes that this file has more than a ring, or less (negative). */
  readonly sizeFault: number;
}

/** What a recorder has written since it was last asked. */
export interface RecordedNews {
  /** In the order of their time. */
  readonly events: readonly RecordedEvent[];
  /** Events that found no room. */
  readonly left: number;
}

/** What the recorder of a process knows beside its ring. */
export interface OwnRecord {
  /** The ring, where no folder took it and it lies in memory alone. */
  readonly bytes?: Uint8Array;
  /** Events by kind, seen, written and left out; rings; the longest delay of what is compared in turns. */
  readonly facts: Readonly<Record<string, unknown>>;
}

// ---------------------------------------------------------------- what the extension keeps beside the processes

/** A ring of another process, held by a descriptor of ours: it stays when its process is killed. */
export interface KeptRing {
  /** Device and inode, as maps prints them. */
  readonly identity: string;
  /** What the kernel calls it: `/tmp/#4242 (deleted)`. */
  readonly label: string;
  readonly fd: number;
  /** Processes that were seen with it. */
  readonly holders: readonly number[];
  /** Its last events as they were when they were new. */
  readonly tailed: () => readonly RecordedEvent[];
  readonly facts: TailFacts;
}

/** How far the tailed copy of a ring goes. */
export interface TailFacts {
  /** The last sequence that was read. */
  readonly last: number;
  /** Events that were overwritten before they were read. */
  readonly missed: number;
}

/** A ring that is no longer as it was read. */
export interface RingDoubt {
  readonly identity: string;
  readonly holders: readonly number[];
  /** Sequences that say something else now. */
  readonly changed: readonly number[];
  /** Sequences that the ring should still hold, and does not. */
  readonly erased: readonly number[];
  /** The last sequence that was read, and the last one that is there now, where that is less. */
  readonly back?: { readonly from: number; readonly to: number };
  /** Bytes by which the file is too short. */
  readonly bytesMissing?: number;
}

/** What the extension sees: the same kinds, and those that no process tells of itself. */
export type ObservedKind =
  | Extract<RecordedKind, 'spawn' | 'execve' | 'fork' | 'connect' | 'listen' | 'write'>
  | 'unseen' // processes came and went between two looks: detail says how many, and what proves it
  | 'stdio' // descriptor 1 or 2 of the runtime leads elsewhere: subject says from where to where
  | 'traced' // another process traces the runtime: subject names it
  | 'mapped'; // the runtime has mapped code that is deleted or lies in a writable place: subject is its path

/** One event that the extension has seen. `sequence` is its own count; `pid` is 0 where it is not known who did it. */
export interface ObservedEvent extends Omit<RecordedEvent, 'kind'> {
  readonly observer: 'extension';
  readonly kind: ObservedKind;
}

/** What the recorder of the extension has for a capture. */
export interface BesideRecord {
  readonly rings: readonly KeptRing[];
  /** The newest of each kind, in the order of time. */
  readonly observed: readonly ObservedEvent[];
  readonly facts: Readonly<Record<string, unknown>>;
}
