/**
 * A timeline that Timesketch imports as it is: JSONL with `message`, `datetime`, `timestamp` (microseconds) and
 * `timestamp_desc`. https://timesketch.org/guides/user/import-from-json-csv/
 * Rows stand by source, not by time: Timesketch sorts.
 */
import type { BytesEntry, Collector, Entry, Scene } from '../contracts.ts';
import { Kind, kindName, modeText } from '../fs/kinds.ts';
import { displayName } from '../fs/names.ts';
import type { Tree } from '../fs/tree.ts';
import type { ProcessRecord, ProcessTable } from '../proc/table.ts';
import { ShownDirectory } from './bodyfile.ts';
import { processesOf, writableTree } from './trees.ts';

export const timeline: Collector = {
  name: 'timeline',
  description: 'Timesketch JSONL: times of every path of /tmp and /dev/shm, starts of processes, the capture itself',
  tier: 'files',
  collect,
};

const CHUNK_BYTES = 4 * 1024 * 1024;
const BATCH = 128;
/** Rows of files in all; the bodyfile has the times of the rest. */
const MOST_ROWS = 200_000;
/** Timesketch takes years from 1700. */
const EARLIEST = BigInt(Date.UTC(1700, 0, 1)) * 1_000_000n;
/** The tree ends in 2262, with 2^63 - 1: a time there stands for any later one. */
const LATEST = 2n ** 63n - 2n;

async function* collect(scene: Scene): AsyncGenerator<Entry> {
  const { tree } = await writableTree(scene);
  yield { kind: 'jsonl', path: 'timeline/timeline.jsonl', source: 'capture, processes', method: 'procfs', rows: [captureRow(scene), ...processRows(await processesOf(scene))] };
  yield* fileRows(tree, scene.budget.breathe);
}

function captureRow(scene: Scene): Record<string, unknown> {
  const { trigger, reason } = scene.cause;
  return {
    ...moment(BigInt(scene.startedMs) * 1_000_000n, 'Capture Start Time'),
    message: `Capture ${scene.captureId} started by ${trigger}: ${reason}`,
    data_type: 'amber:capture',
    tag: ['amber'],
  };
}

function processRows(table: ProcessTable | undefined): Record<string, unknown>[] {
  return (table?.processes ?? []).map((one: ProcessRecord) => ({
    ...moment(BigInt(Math.round(one.startMs * 1000)) * 1000n, 'Process Start Time'),
    message: `Process ${one.pid} started: ${displayName(one.exe?.target ?? one.comm)}`,
    data_type: 'amber:process',
    tag: one.exe?.deleted === true ? ['process', 'deleted-executable'] : ['process'],
    pid: one.pid,
    parent_pid: one.ppid,
    uid: one.uid,
    comm: displayName(one.comm),
    executable: one.exe === undefined ? undefined : displayName(one.exe.target),
    command_line: one.argv.map(displayName).join(' '),
  }));
}

/** Rows of the times of every path, `most` in all, in files of about 4 MiB: `timeline/timeline-0001.jsonl`, … */
export async function* fileRows(tree: Tree, breathe: () => Promise<void> | undefined, most: number = MOST_ROWS): AsyncGenerator<Entry> {
  const directory = new ShownDirectory(tree);
  let parts: Buffer[] = [];
  let bytes = 0;
  let number = 1;
  let rows = 0;
  for (let entry = 0; entry < tree.count && rows < most; ) {
    let text = '';
    for (const end = Math.min(entry + BATCH, tree.count); entry < end; entry += 1) {
      for (const row of rowsOf(tree, entry, directory)) {
        text += `${JSON.stringify(row)}\n`;
        rows += 1;
      }
    }
    const part = Buffer.from(text, 'utf8');
    parts.push(part);
    bytes += part.length;
    await breathe();
    const ended = entry >= tree.count || rows >= most;
    if (bytes >= CHUNK_BYTES || ended) {
      yield chunk(number, Buffer.concat(parts, bytes));
      parts = [];
      bytes = 0;
      number += 1;
    }
    if (ended && entry < tree.count) {
      yield { kind: 'absent', path: 'timeline/left-out', source: 'inventory', method: 'lstat', outcome: 'skipped', reason: `the times of ${tree.count - entry} further paths stand in the bodyfile alone: ${most} rows are enough` };
    }
  }
}

function chunk(number: number, body: Buffer): BytesEntry {
  return { kind: 'bytes', path: `timeline/timeline-${String(number).padStart(4, '0')}.jsonl`, source: 'inventory', method: 'lstat', body, redaction: 'content' };
}

/** A row for each different time; what happened at once is one row, as in the output of mactime. */
function rowsOf(tree: Tree, entry: number, directory: ShownDirectory): Record<string, unknown>[] {
  const times = new Map<bigint, string>();
  const note = (time: bigint, meaning: string): void => {
    if (time !== 0n) times.set(time, times.has(time) ? `${times.get(time) ?? ''}; ${meaning}` : meaning);
  };
  note(tree.mtime(entry), 'Content Modification Time');
  note(tree.atime(entry), 'Last Access Time');
  note(tree.ctime(entry), 'Metadata Modification Time');
  note(tree.btime(entry), 'Creation Time');
  if (times.size === 0) return [];
  const mode = tree.mode(entry);
  const path = directory.pathOf(entry);
  const file = {
    data_type: 'fs:stat',
    tag: (mode & 0o111) !== 0 && tree.kind(entry) === Kind.file ? ['file', 'executable'] : ['file'],
    filename: path,
    inode: String(tree.inode(entry)),
    mode: modeText(mode),
    uid: tree.uid(entry),
    gid: tree.gid(entry),
    size: tree.size(entry),
  };
  const message = `${path} (${kindName(tree.kind(entry))}, ${file.size} bytes)`;
  return Array.from(times, ([time, meaning]) => ({ message, ...moment(time, meaning), ...file }));
}

/** The columns of a time in nanoseconds. One beyond what Timesketch or the tree can hold is the nearest, and says so. */
function moment(nanoseconds: bigint, meaning: string): Record<string, unknown> {
  const near = nanoseconds < EARLIEST ? EARLIEST : nanoseconds > LATEST ? LATEST : nanoseconds;
  const microseconds = near >= 0n ? near / 1000n : -((999n - near) / 1000n);
  const milliseconds = Number(microseconds >= 0n ? microseconds / 1000n : -((999n - microseconds) / 1000n));
  const rest = Number(microseconds) - milliseconds * 1000;
  const iso = new Date(milliseconds).toISOString().slice(0, -1);
  return {
    datetime: `${iso}${String(rest).padStart(3, '0')}+00:00`,
    timestamp: Number(microseconds),
    timestamp_desc: near === nanoseconds ? meaning : `${meaning} (out of range)`,
  };
}
