/** Rows of JSON lines in a collection: out of its tarball, or out of the folder that it was unpacked to. */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { AmberError, isAmberError } from '../../errors.ts';
import { LineSplitter } from './lines.ts';
import { findCaptures } from '../store/list.ts';
import type { Place } from '../store/locate.ts';
import { openCapture, type OpenCapture } from '../store/open.ts';
import { TarReader, type TarVisitor } from './read-tar.ts';
import { runOf } from '../store/run.ts';
import { storedBytes, tarBytes } from './segment-bytes.ts';
import { readError, readFile, type CaseStore, type LeaveOut } from '../store/store.ts';
import type { TarEntry } from './header.ts';

/**
 * Which entries are read, and what a line of them is; undefined for what is none: the tarball belongs to its writer.
 */
export interface RowKind<T> {
  readonly path: RegExp;
  readonly parse: (line: string) => T | undefined;
}

/** An event of CloudWatch has 1 MiB at most; escaping may make six of it. */
const MAX_LINE = 8 * 1024 * 1024;
const MAX_FILES = 1_000_000;
const MAX_DEPTH = 64;

/**
 * All rows at a place: of every capture below it, or of the unpacked folder that it is. `leave`: what cannot be read
 * is told to it, and everything else is read.
 *
 * @throws AmberError CASE_*, ARCHIVE_CORRUPT.
 */
export async function* rowsAt<T>(
  { store, only }: Place,
  identity: AgeIdentity | undefined,
  kind: RowKind<T>,
  leave?: LeaveOut,
): AsyncGenerator<T> {
  if (only !== undefined) {
    const capture = await openCapture(store, only);
    yield* readable(capture.location, rowsOfCapture(capture, identity, kind), leave);
    return;
  }
  let captures = 0;
  for await (const { folder } of findCaptures(store, leave)) {
    captures += 1;
    const at = folder === '' ? store : store.enter(folder);
    yield* readable(at.location, rowsIn(at, identity, kind), leave);
  }
  if (captures === 0 && !store.location.startsWith('s3:')) yield* rowsOfFolder(store.location, kind, leave);
}

async function* rowsIn<T>(store: CaseStore, identity: AgeIdentity | undefined, kind: RowKind<T>): AsyncGenerator<T> {
  yield* rowsOfCapture(await openCapture(store), identity, kind);
}

/** What is wrong with one capture, and says nothing of the others: no identity for it, damage. */
const OF_ONE_CAPTURE = /^(?:CASE_\w+|IDENTITY_INVALID|ARCHIVE_CORRUPT)$/u;

/** As far as it can be read: the rows before the damage are given. */
async function* readable<T>(path: string, rows: AsyncGenerator<T>, leave: LeaveOut | undefined): AsyncGenerator<T> {
  try {
    yield* rows;
  } catch (cause) {
    if (leave === undefined || !isAmberError(cause) || !OF_ONE_CAPTURE.test(cause.code)) throw cause;
    leave({ path, kind: 'unread', why: `${cause.code}: ${cause.message}` });
  }
}

/**
 * All rows of the tarball, in its order, as far as they can be read.
 *
 * @throws AmberError ARCHIVE_CORRUPT, also behind the last row where the rest is not there; IDENTITY_INVALID, CASE_*.
 */
async function* rowsOfCapture<T>(
  capture: OpenCapture,
  identity: AgeIdentity | undefined,
  kind: RowKind<T>,
): AsyncGenerator<T> {
  const collector = new RowCollector(kind);
  const reader = new TarReader(collector);
  const isSealed = identity === undefined && capture.parts.some(({ sealed }) => sealed);
  const { parts, problem } = runOf(
    capture,
    isSealed && capture.opened !== undefined ? [capture.opened] : capture.parts,
  );
  for (const part of parts) {
    for await (const chunk of tarBytes(storedBytes(capture, part), part, identity)) {
      reader.push(chunk);
      yield* collector.take();
    }
  }
  const gap = problem ?? (reader.ended ? undefined : 'the tar stream has no end: the capture was cut');
  if (gap !== undefined) throw new AmberError('ARCHIVE_CORRUPT', `${gap}; the rows before it were read.`);
}

class RowCollector<T> implements TarVisitor {
  readonly #kind: RowKind<T>;
  #splitter: LineSplitter | undefined;
  #rows: T[] = [];

  constructor(kind: RowKind<T>) {
    this.#kind = kind;
  }

  entry({ path }: TarEntry): void {
    this.#splitter = this.#kind.path.test(path) ? new LineSplitter(MAX_LINE) : undefined;
  }

  body(piece: Buffer): void {
    for (const line of this.#splitter?.push(piece) ?? []) this.#add(line);
  }

  end(): void {
    const rest = this.#splitter?.rest();
    if (rest !== undefined) this.#add(rest);
    this.#splitter = undefined;
  }

  take(): T[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  #add(line: string): void {
    const row = line === '' ? undefined : this.#kind.parse(line);
    if (row !== undefined) this.#rows.push(row);
  }
}

/** All rows of the files of this kind below a folder; links are not followed. @throws AmberError CASE_*. */
async function* rowsOfFolder<T>(folder: string, kind: RowKind<T>, leave: LeaveOut | undefined): AsyncGenerator<T> {
  for (const path of (await filesOf(folder, kind.path, leave)).sort())
    yield* readable(path, rowsOfFile(path, kind), leave);
}

async function* rowsOfFile<T>(path: string, { parse }: RowKind<T>): AsyncGenerator<T> {
  const splitter = new LineSplitter(MAX_LINE);
  for await (const chunk of readFile(path)) for (const line of splitter.push(chunk)) yield* some(parse(line));
  yield* some(parse(splitter.rest() ?? ''));
}

/** Files below a folder whose path fits, bounded; links are not followed. */
export async function filesOf(folder: string, pattern: RegExp, leave?: LeaveOut): Promise<string[]> {
  const files: string[] = [];
  const waiting: [string, number][] = [[folder, 0]];
  for (let next = waiting.pop(); next !== undefined && files.length < MAX_FILES; next = waiting.pop()) {
    const [path, depth] = next;
    for (const entry of await entriesOf(path, leave)) {
      const inner = join(path, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) waiting.push([inner, depth + 1]);
      else if (entry.isFile() && pattern.test(inner)) files.push(inner);
    }
  }
  return files;
}

async function entriesOf(path: string, leave: LeaveOut | undefined): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(path)) if (entries.push(entry) >= MAX_FILES) break;
  } catch (cause) {
    const error = readError(path, cause);
    if (leave === undefined) throw error;
    leave({ path: `${path.replace(/\/+$/u, '')}/`, kind: 'unread', why: `${error.code}: ${error.message}` });
  }
  return entries;
}

function some<T>(row: T | undefined): T[] {
  return row === undefined ? [] : [row];
}
