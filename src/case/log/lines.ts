/**
 * The digest lines of captures in the function's log. The log is the list of what must exist: a line cannot be taken
 * back. But an intruder in the sandbox can write lines too, so a line proves nothing by itself. Where a segment has two
 * digests, somebody has lied.
 */
import { plainDigest, type LogRecord } from './scan.ts';
import { readLog } from './source.ts';
import { statementOf } from './statement.ts';
import type { LogFile } from './walk.ts';

/** What the log says of one segment; every different statement is kept. */
export interface LoggedSegment {
  /** Names that it was stored under. */
  readonly objects: ReadonlySet<string>;
  readonly sha256: ReadonlySet<string>;
  readonly chain: ReadonlySet<string>;
  /** The destination acknowledged it. */
  readonly stored: boolean;
  /** What its lines say beside the digests (see statement.ts): a capture writes one, so two are two statements. */
  readonly says: ReadonlySet<string>;
}

export interface LogDigests {
  /** Digest lines that were found for this capture. */
  readonly lines: number;
  readonly segments: ReadonlyMap<number, LoggedSegment>;
  /** SHA-256 of the whole, and of manifest.json, from the last line of the capture. */
  readonly whole: ReadonlySet<string>;
  readonly manifest: ReadonlySet<string>;
  /**
   * Those of them that the destination has acknowledged: a line with a `code` tells of a marker that was sent and not
   * stored.
   */
  readonly committed: ReadonlySet<string>;
  /** `whole`, `cut`, `failed`, as the last line says. */
  readonly states: ReadonlySet<string>;
  /** Where it was stored, as the last line says. */
  readonly locations: ReadonlySet<string>;
  /**
   * What the last line says (see statement.ts): a capture writes one, so of two different ones nobody knows which is
   * its own.
   */
  readonly ends: ReadonlySet<string>;
  /** Some line says that something of it was stored. */
  readonly stored: boolean;
  /** Lines of segments that were too many to keep. */
  readonly beyond: number;
}

/** The log as a whole. */
export interface LogIndex {
  /** What it says of a capture; undefined where it has no line of it. */
  readonly of: (captureId: string) => LogDigests | undefined;
  /** The capture of which one of these is a digest of a segment. */
  readonly byDigest: (digests: Iterable<string>) => string | undefined;
  /** Ids of captures, in the order of the log. */
  readonly ids: () => Iterable<string>;
  readonly captures: number;
  /** Lines of captures that were too many to keep. */
  readonly leftOut: number;
  /** Records of Amber of any capture. */
  readonly records: number;
  /** Nothing of it was read. */
  readonly isUnread: boolean;
  /** Why the log, or files of it, could not be read. */
  readonly notRead: readonly string[];
  /** Lines that are cut, or have another form than ours. */
  readonly malformed: number;
}

const KINDS = ['segment', 'capture', 'parked'];
/** /tmp has 10 GB at most, and a segment 2 MiB at least: no capture has more. */
const MAX_SEGMENTS = 20_000;
/** Captures that nobody asked for, and segments of these and of others. */
const MAX_CAPTURES = 100_000;
const MAX_KEPT = { wanted: 200_000, others: 100_000 } as const;
const MAX_STATEMENTS = 16;
/** More than any statement of ours has. */
const MAX_STATEMENT = 2048;
const MAX_ID = 64;

/** Reads the log once. `wanted` are ids that are kept whatever else is in it, be it a flood. */
export async function readLogIndex(files: AsyncIterable<LogFile>, wanted: Iterable<string> = []): Promise<LogIndex> {
  const index = new Index(wanted);
  const read = await readLog(files, KINDS, (record) => index.take(record));
  const { records, notRead, notReadBeyond, malformed } = read;
  const beyond = notReadBeyond === 0 ? [] : [`and ${notReadBeyond} more`];
  const isUnread = records === 0 && notRead.length + notReadBeyond >= read.files;
  return index.finish({ isUnread, records, malformed, notRead: [...notRead, ...beyond] });
}

/** The same for one text. */
export async function readLogDigests(
  source: AsyncIterable<Uint8Array>,
  captureId: string | undefined,
): Promise<LogIndex> {
  return readLogIndex(oneFile(source), captureId === undefined ? [] : [captureId]);
}

async function* oneFile(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<LogFile> {
  yield await Promise.resolve({ name: 'the log', bytes });
}

interface Segment {
  objects?: Set<string> | undefined;
  sha256?: Set<string> | undefined;
  chain?: Set<string> | undefined;
  says?: Set<string> | undefined;
  stored: boolean;
}

/** Sets are made when something goes in: a flood of ids costs little memory. */
interface Capture {
  lines: number;
  beyond: number;
  stored: boolean;
  segments?: Map<number, Segment>;
  whole?: Set<string> | undefined;
  manifest?: Set<string> | undefined;
  committed?: Set<string> | undefined;
  states?: Set<string> | undefined;
  locations?: Set<string> | undefined;
  ends?: Set<string> | undefined;
}

const NONE: ReadonlySet<string> = new Set();

class Index {
  readonly #wanted: ReadonlySet<string>;
  readonly #captures = new Map<string, Capture>();
  readonly #kept = { wanted: 0, others: 0 };
  #others = 0;
  #leftOut = 0;

  constructor(wanted: Iterable<string>) {
    this.#wanted = new Set(wanted);
  }

  /** False for a record that is no line of ours. */
  take(record: LogRecord): boolean {
    const id = record['capture'];
    if (typeof id !== 'string' || id.length > MAX_ID || !hasForm(record)) return false;
    const capture = this.#captureOf(id);
    if (capture === undefined) return true;
    capture.lines += 1;
    if (record['amber'] === 'capture') takeEnd(capture, record);
    else this.#takeSegment(capture, record, this.#wanted.has(id) ? 'wanted' : 'others');
    return true;
  }

  finish(read: Pick<LogIndex, 'isUnread' | 'records' | 'notRead' | 'malformed'>): LogIndex {
    const captures = this.#captures;
    return {
      of: (id) => digestsOf(captures.get(id)),
      byDigest: (digests) => findByDigest(captures, new Set(digests)),
      ids: () => captures.keys(),
      captures: captures.size,
      leftOut: this.#leftOut,
      ...read,
    };
  }

  #captureOf(id: string): Capture | undefined {
    const known = this.#captures.get(id);
    if (known !== undefined) return known;
    if (!this.#wanted.has(id)) {
      if (this.#others >= MAX_CAPTURES) {
        this.#leftOut += 1;
        return undefined;
      }
      this.#others += 1;
    }
    const capture: Capture = { lines: 0, beyond: 0, stored: false };
    this.#captures.set(id, capture);
    return capture;
  }

  #takeSegment(capture: Capture, record: LogRecord, share: 'wanted' | 'others'): void {
    // That a parked object was sent in the next life says nothing on what it was when it was parked.
    if (record['amber'] === 'parked' && record['state'] !== 'parked') return;
    const number = Number(record['segment']);
    const stored = record['amber'] !== 'parked' && record['state'] !== 'lost';
    capture.stored ||= stored;
    const segment = capture.segments?.get(number) ?? this.#newSegment(capture, number, share);
    if (segment === undefined) {
      capture.beyond += 1;
      return;
    }
    segment.objects = add(segment.objects, record['object']);
    segment.sha256 = addDigest(segment.sha256, record['sha256']);
    segment.chain = addDigest(segment.chain, record['chain']);
    if (record['amber'] === 'segment') segment.says = add(segment.says, statementOf('segment', record));
    segment.stored ||= stored;
  }

  /** A number that no capture reaches is somebody's who wants to fill our memory. */
  #newSegment(capture: Capture, number: number, share: 'wanted' | 'others'): Segment | undefined {
    if (number >= MAX_SEGMENTS || this.#kept[share] >= MAX_KEPT[share]) return undefined;
    this.#kept[share] += 1;
    const segment: Segment = { stored: false };
    capture.segments ??= new Map();
    capture.segments.set(number, segment);
    return segment;
  }
}

/** The number of a segment is what its line is about. */
function hasForm({ amber, segment }: LogRecord): boolean {
  return amber === 'capture' || (typeof segment === 'number' && Number.isSafeInteger(segment) && segment >= 0);
}

function takeEnd(capture: Capture, record: LogRecord): void {
  const { state, code, location, sha256, manifest } = record;
  capture.stored ||= state === 'whole' || state === 'cut';
  capture.whole = addDigest(capture.whole, sha256);
  capture.manifest = addDigest(capture.manifest, manifest);
  if (code === undefined) capture.committed = addDigest(capture.committed, manifest);
  capture.states = add(capture.states, state);
  capture.locations = add(capture.locations, location);
  capture.ends = add(capture.ends, statementOf('capture', record));
}

function addDigest(set: Set<string> | undefined, value: unknown): Set<string> | undefined {
  return add(set, typeof value === 'string' ? plainDigest(value) : undefined);
}

function add(set: Set<string> | undefined, value: unknown): Set<string> | undefined {
  if (typeof value !== 'string') return set;
  const kept = set ?? new Set<string>();
  if (kept.size < MAX_STATEMENTS) kept.add(value.slice(0, MAX_STATEMENT));
  return kept;
}

function digestsOf(capture: Capture | undefined): LogDigests | undefined {
  if (capture === undefined) return undefined;
  const {
    lines,
    beyond,
    stored,
    segments,
    whole = NONE,
    manifest = NONE,
    committed = NONE,
    states = NONE,
    locations = NONE,
    ends = NONE,
  } = capture;
  const told = [...(segments ?? [])].map(
    ([number, { objects = NONE, sha256 = NONE, chain = NONE, says = NONE, stored: kept }]) =>
      [number, { objects, sha256, chain, says, stored: kept }] as const,
  );
  return {
    lines,
    beyond,
    stored,
    whole,
    manifest,
    committed,
    states,
    locations,
    ends,
    segments: new Map(told.sort(([one], [other]) => one - other)),
  };
}

function findByDigest(captures: ReadonlyMap<string, Capture>, digests: ReadonlySet<string>): string | undefined {
  for (const [id, { segments }] of captures) {
    for (const { sha256 } of segments?.values() ?? []) for (const one of sha256 ?? []) if (digests.has(one)) return id;
  }
  return undefined;
}
