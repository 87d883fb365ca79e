/**
 * A timeline that Timesketch imports as it is: JSONL with `message`, `datetime`, `timestamp` (microseconds) and
 * `timestamp_desc`. https://timesketch.org/guides/user/import-from-json-csv/
 * Rows stand by source, not by time: Timesketch sorts.
 */
import type { BytePath, BytesEntry, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { Kind, kindName, modeText } from '../fs/kinds.ts';
import { displayName } from '../fs/names.ts';
import type { Tree } from '../fs/tree.ts';
import { ShownDirectory, TextChunk } from './bodyfile.ts';
import { processesOf, writableTree } from './trees.ts';
import type { ProcessRecord, ProcessTable } from '../contracts/process-table.ts';
import { many } from '../many.ts';

export const timeline: Collector = {
  name: 'timeline',
  description: 'Timesketch JSONL: times of every path of /tmp and /dev/shm, starts of processes, the capture itself',
  tier: 'files',
  collect,
};

const CHUNK_BYTES = 2 * 1024 * 1024;
const BATCH = 128;
/** Characters of paths that are handled at a stretch. */
const BATCH_LENGTH = 64 * 1024;
/**
 * A path is shown up to here, twice in each row; the bodyfile has the whole. OpenSearch indexes no more than 32 KiB of
 * a field.
 */
const PATH_LENGTH = 2048;
/** Bytes of a command line; one that is no UTF-8 takes three times as many. */
const COMMAND_LENGTH = 8192;
/** Rows of files in all; the bodyfile has the times of the rest. */
const MAX_ROWS = 200_000;
/** Timesketch takes years from 1700. */
const EARLIEST = BigInt(Date.UTC(1700, 0, 1)) * 1_000_000n;
/** The tree ends in 2262, with 2^63 - 1: a time there stands for any later one. */
const LATEST = 2n ** 63n - 2n;

async function* collect(context: CollectorContext): AsyncGenerator<Entry> {
  const { tree } = await writableTree(context);
  yield {
    kind: 'jsonl',
    path: 'timeline/timeline.jsonl',
    source: 'capture, processes',
    method: 'procfs',
    rows: [captureRow(context), ...processRows(await processesOf(context))],
  };
  yield* fileRows(tree, context.budget.yieldIfDue);
}

function captureRow(context: CollectorContext): Record<string, unknown> {
  const { trigger, reason } = context.cause;
  return {
    ...columns(fromMilliseconds(context.startedMs), 'Capture Start Time'),
    message: `Capture ${context.captureId} started by ${trigger}: ${reason}`,
    data_type: 'amber:capture',
    tag: ['amber'],
  };
}

function processRows(table: ProcessTable | undefined): Record<string, unknown>[] {
  return (table?.processes ?? []).map((one: ProcessRecord) => ({
    ...columns(fromMilliseconds(one.startMs), 'Process Start Time'),
    message: `Process ${one.pid} started: ${displayName(one.exe?.target ?? one.comm)}`,
    data_type: 'amber:process',
    tag: one.exe?.deleted === true ? ['process', 'deleted-executable'] : ['process'],
    pid: one.pid,
    parent_pid: one.ppid,
    uid: one.uid,
    comm: displayName(one.comm),
    executable: one.exe === undefined ? undefined : displayName(one.exe.target),
    command_line: commandLine(one.argv),
  }));
}

/**
 * The command line, whole arguments up to {@link COMMAND_LENGTH} bytes: OpenSearch refuses a field above 32,766 bytes.
 * An argument is shown whole or not at all: a secret must look as it does elsewhere to be found and redacted.
 */
export function commandLine(argv: readonly BytePath[]): string {
  const shown: BytePath[] = [];
  let left = COMMAND_LENGTH;
  for (const argument of argv) {
    left -= argument.length + 1;
    if (left < 0) break;
    shown.push(argument);
  }
  const bytes = argv.reduce((sum, one) => sum + one.length + 1, 0);
  const mark =
    shown.length === argv.length
      ? []
      : [
          `[... ${argv.length - shown.length} of ${many(argv.length, 'argument')} left out, ` +
            `${many(bytes, 'byte')} in all: see ` +
            'live_response/processes.json]',
        ];
  return [Buffer.from(shown.join(' '), 'latin1').toString('utf8'), ...mark].join(' ').trimStart();
}

/** Rows of the times of every path, `most` in all, in files of about 2 MiB: `timeline/timeline-0001.jsonl`, … */
export async function* fileRows(
  tree: Tree,
  yieldIfDue: () => Promise<void> | undefined,
  most: number = MAX_ROWS,
): AsyncGenerator<Entry> {
  const directory = new ShownDirectory(tree);
  let gathered = new TextChunk(CHUNK_BYTES);
  let number = 1;
  let rows = 0;
  for (let entry = 0; entry < tree.count && rows < most; ) {
    let text = '';
    const end = Math.min(entry + BATCH, tree.count);
    for (let length = 0; entry < end && length < BATCH_LENGTH; entry += 1) {
      length += tree.pathLength(entry);
      for (const row of rowsOf(tree, entry, directory)) {
        text += row;
        rows += 1;
      }
    }
    gathered.add(text);
    await yieldIfDue();
    const ended = entry >= tree.count || rows >= most;
    if (gathered.isFull || ended) {
      yield chunk(number, gathered.bytes());
      gathered = new TextChunk(CHUNK_BYTES);
      number += 1;
    }
    if (ended && entry < tree.count) {
      yield {
        kind: 'absent',
        path: 'timeline/left-out',
        source: 'inventory',
        method: 'lstat',
        outcome: 'skipped',
        byDesign: 'stored-elsewhere',
        reason:
          `the times of ${many(tree.count - entry, 'further path')} stand in the bodyfile alone: ${most} ` +
          `rows are enough`,
      };
    }
  }
}

function chunk(number: number, body: Buffer): BytesEntry {
  return {
    kind: 'bytes',
    path: `timeline/timeline-${String(number).padStart(4, '0')}.jsonl`,
    source: 'inventory',
    method: 'lstat',
    body,
    redaction: 'content',
    disposable: true,
  };
}

/** A line for each different time; what happened at once is one line, as in the output of mactime. */
function rowsOf(tree: Tree, entry: number, directory: ShownDirectory): string[] {
  const times: bigint[] = [];
  const meanings: string[] = [];
  const note = (time: bigint, meaning: string): void => {
    if (time === 0n) return;
    const at = times.indexOf(time);
    if (at >= 0) meanings[at] = `${meanings[at] ?? ''}; ${meaning}`;
    else meanings[times.push(time) - 1] = meaning;
  };
  note(tree.mtime(entry), 'Content Modification Time');
  note(tree.atime(entry), 'Last Access Time');
  note(tree.ctime(entry), 'Metadata Modification Time');
  note(tree.btime(entry), 'Creation Time');
  if (times.length === 0) return [];
  const mode = tree.mode(entry);
  const path = shortened(directory.pathOf(entry));
  const file = JSON.stringify({
    message: `${path} (${kindName(tree.kind(entry))}, ${many(tree.size(entry), 'byte')})`,
    data_type: 'fs:stat',
    tag: (mode & 0o111) !== 0 && tree.kind(entry) === Kind.file ? ['file', 'executable'] : ['file'],
    filename: path,
    inode: String(tree.inode(entry)),
    mode: modeText(mode),
    uid: tree.uid(entry),
    gid: tree.gid(entry),
    size: tree.size(entry),
  }).slice(0, -1);
  return times.map((time, at) => {
    const { datetime, timestamp, timestamp_desc: meaning } = columns(time, meanings[at] ?? '');
    return `${file},"datetime":"${datetime}","timestamp":${timestamp},"timestamp_desc":"${meaning}"}\n`;
  });
}

/** Both ends of a path: the first tells where, the last what. */
function shortened(path: string): string {
  return path.length <= PATH_LENGTH ? path : `${path.slice(0, PATH_LENGTH / 2)}[...]${path.slice(-PATH_LENGTH / 2)}`;
}

interface Columns {
  readonly datetime: string;
  readonly timestamp: number;
  readonly timestamp_desc: string;
}

/** Nanoseconds; 0 for what is no number. */
function fromMilliseconds(milliseconds: number): bigint {
  return Number.isFinite(milliseconds) ? BigInt(Math.round(milliseconds * 1000)) * 1000n : 0n;
}

// Files are written many in a second: its text is made once.
let shownSecond = Number.NaN;
let shownText = '';

/** A time in nanoseconds. One beyond what Timesketch or the tree can hold is the nearest, and says so. */
function columns(nanoseconds: bigint, meaning: string): Columns {
  const near = nanoseconds < EARLIEST ? EARLIEST : nanoseconds > LATEST ? LATEST : nanoseconds;
  const timestamp = Number(near >= 0n ? near / 1000n : (near - 999n) / 1000n);
  const second = Math.floor(timestamp / 1_000_000);
  if (second !== shownSecond) {
    shownSecond = second;
    shownText = new Date(second * 1000).toISOString().slice(0, 19);
  }
  return {
    datetime: `${shownText}.${String(timestamp - second * 1_000_000).padStart(6, '0')}+00:00`,
    timestamp,
    timestamp_desc: near === nanoseconds ? meaning : `${meaning} (out of range)`,
  };
}
