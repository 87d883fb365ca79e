/**
 * Bodyfile of The Sleuth Kit 3, in a form that mactime and plaso read alike:
 * `MD5|name|inode|mode|uid|gid|size|atime|mtime|ctime|crtime`, whole seconds, 0 for what is not known.
 * https://wiki.sleuthkit.org/index.php?title=Body_file
 *
 * For names see {@link displayName}. Of times before 1970 mactime leaves out the row; plaso and the timeline have it.
 */
import type { BytesEntry } from '../contracts/evidence.ts';
import { displayName } from '../fs/names.ts';
import { Kind, modeText } from '../fs/kinds.ts';
import type { Tree } from '../fs/tree.ts';

const CHUNK_BYTES = 2 * 1024 * 1024;
/** Lines made between two looks at the clock, and characters: one path may have 100,000 of them. */
const BATCH = 256;
const BATCH_LENGTH = 64 * 1024;
/** A target is shown up to here; the whole stands in the link entry. */
const TARGET_LENGTH = 1024;
const SECOND = 1_000_000_000n;

/** One line for each entry of the tree, in files of about 2 MiB: `bodyfile/STEM.txt`, `bodyfile/STEM-0001.txt`, … */
export async function* bodyfile(
  tree: Tree,
  stem: string,
  source: string,
  yieldIfDue: () => Promise<void> | undefined,
): AsyncGenerator<BytesEntry> {
  let chunk = new TextChunk(CHUNK_BYTES);
  let number = 0;
  const directory = new ShownDirectory(tree);
  for (let entry = 0; entry < tree.count; ) {
    let text = '';
    for (const end = Math.min(entry + BATCH, tree.count); entry < end && text.length < BATCH_LENGTH; entry += 1)
      text += line(tree, entry, directory);
    chunk.add(text);
    await yieldIfDue();
    if (!chunk.isFull && entry < tree.count) continue;
    yield file(stem, number, source, chunk.bytes());
    chunk = new TextChunk(CHUNK_BYTES);
    number += 1;
  }
}

/** Lines of text gathered into one buffer, so that they are not copied once more. */
export class TextChunk {
  readonly #wanted: number;
  #buffer: Buffer;
  #used = 0;

  /** Full from `wanted` bytes on. */
  constructor(wanted: number) {
    this.#wanted = wanted;
    this.#buffer = Buffer.allocUnsafeSlow(wanted + BATCH_LENGTH * 2);
  }

  add(text: string): void {
    const needed = this.#used + Buffer.byteLength(text, 'utf8');
    if (needed > this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], needed + BATCH_LENGTH * 2);
    this.#used += this.#buffer.write(text, this.#used, 'utf8');
  }

  get isFull(): boolean {
    return this.#used >= this.#wanted;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#used);
  }
}

function file(stem: string, number: number, source: string, body: Buffer): BytesEntry {
  const suffix = number === 0 ? '' : `-${String(number).padStart(4, '0')}`;
  return {
    kind: 'bytes',
    path: `bodyfile/${stem}${suffix}.txt`,
    source,
    method: 'lstat',
    body,
    redaction: 'content',
    disposable: true,
  };
}

function line(tree: Tree, entry: number, directory: ShownDirectory): string {
  const mode = tree.mode(entry);
  const target = tree.kind(entry) === Kind.link ? shownTarget(tree.target(entry)) : '';
  return (
    `0|${directory.pathOf(entry)}${target}|${tree.inode(entry)}|${modeText(mode)}|` +
    `${tree.uid(entry)}|${tree.gid(entry)}|` +
    `${exact(tree.size(entry))}|${seconds(tree.atime(entry))}|${seconds(tree.mtime(entry))}|` +
    `${seconds(tree.ctime(entry))}|${seconds(tree.btime(entry))}\n`
  );
}

function shownTarget(target: string | undefined): string {
  if (target === undefined) return '';
  return ` -> ${displayName(target.slice(0, TARGET_LENGTH))}${target.length > TARGET_LENGTH ? '...' : ''}`;
}

/** Numbers above 1e21 would be written with an exponent. */
function exact(size: number): string | number {
  return Number.isSafeInteger(size) ? size : BigInt(size).toString();
}

/** Whole seconds, rounded towards the past like the kernel's tv_sec. */
function seconds(nanoseconds: bigint): bigint {
  return nanoseconds >= 0n ? nanoseconds / SECOND : -((SECOND - 1n - nanoseconds) / SECOND);
}

/** Paths for showing. Entries of one directory follow each other, so its path is made once. */
export class ShownDirectory {
  readonly #tree: Tree;
  #directory = -2;
  #shown = '';

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  pathOf(entry: number): string {
    const parent = this.#tree.parent(entry);
    const name = displayName(this.#tree.names[entry] ?? '');
    if (parent < 0) return name;
    if (parent !== this.#directory) {
      this.#directory = parent;
      this.#shown = displayName(this.#tree.path(parent));
    }
    return `${this.#shown}/${name}`;
  }
}
