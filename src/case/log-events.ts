/** The events of log streams in a collection: out of its tarball, or out of the folder that it was unpacked to. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogEvent } from '../acquire/hunts/contracts.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import { LineSplitter } from './lines.ts';
import { findCaptures } from './list.ts';
import type { Place } from './locate.ts';
import { openCapture, type OpenCapture } from './open.ts';
import { TarReader, type TarVisitor } from './read-tar.ts';
import { storedBytes, tarBytes } from './segment-bytes.ts';
import { readFile } from './store.ts';
import type { TarEntry } from './tar-header.ts';

/** `logs/GROUP/STREAM-0000.jsonl`; not `streams.jsonl`. */
const STREAM = /(?:^|\/)logs\/.+-\d{4,9}\.jsonl$/u;
/** An event of CloudWatch has 1 MiB at most; escaping may make six of it. */
const MAX_LINE = 8 * 1024 * 1024;
const MAX_FILES = 1_000_000;
const MAX_DEPTH = 64;

/** All events at a place: of every capture below it, or of the unpacked folder that it is. @throws AmberError CASE_*, ARCHIVE_CORRUPT. */
export async function* eventsAt({ store, only }: Place, identity: AgeIdentity | undefined): AsyncGenerator<LogEvent> {
  if (only !== undefined) {
    yield* eventsOfCapture(await openCapture(store, only), identity);
    return;
  }
  let captures = 0;
  for await (const { folder } of findCaptures(store)) {
    captures += 1;
    yield* eventsOfCapture(await openCapture(folder === '' ? store : store.enter(folder)), identity);
  }
  if (captures === 0 && !store.location.startsWith('s3:')) yield* eventsOfFolder(store.location);
}

/** All events of the tarball, in its order. @throws AmberError ARCHIVE_CORRUPT, IDENTITY_INVALID, CASE_*. */
export async function* eventsOfCapture(capture: OpenCapture, identity: AgeIdentity | undefined): AsyncGenerator<LogEvent> {
  const collector = new EventCollector();
  const reader = new TarReader(collector);
  for (const part of capture.parts) {
    for await (const chunk of tarBytes(storedBytes(capture, part), part, identity)) {
      reader.push(chunk);
      yield* collector.take();
    }
  }
}

class EventCollector implements TarVisitor {
  #splitter: LineSplitter | undefined;
  #events: LogEvent[] = [];

  entry({ path }: TarEntry): void {
    this.#splitter = STREAM.test(path) ? new LineSplitter(MAX_LINE) : undefined;
  }

  body(piece: Buffer): void {
    for (const line of this.#splitter?.push(piece) ?? []) this.#add(line);
  }

  end(): void {
    const rest = this.#splitter?.rest();
    if (rest !== undefined) this.#add(rest);
    this.#splitter = undefined;
  }

  take(): LogEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #add(line: string): void {
    const event = eventOf(line);
    if (event !== undefined) this.#events.push(event);
  }
}

/** All events of the `.jsonl` files of streams below a folder; links are not followed. @throws AmberError CASE_*. */
export async function* eventsOfFolder(folder: string): AsyncGenerator<LogEvent> {
  for (const path of (await streamFiles(folder)).sort()) {
    const splitter = new LineSplitter(MAX_LINE);
    for await (const chunk of readFile(path)) for (const line of splitter.push(chunk)) yield* some(eventOf(line));
    yield* some(eventOf(splitter.rest() ?? ''));
  }
}

async function streamFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const waiting: [string, number][] = [[folder, 0]];
  for (let next = waiting.pop(); next !== undefined && files.length < MAX_FILES; next = waiting.pop()) {
    const [path, depth] = next;
    for await (const entry of await opendir(path)) {
      const inner = join(path, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) waiting.push([inner, depth + 1]);
      else if (entry.isFile() && STREAM.test(inner)) files.push(inner);
    }
  }
  return files;
}

function some(event: LogEvent | undefined): LogEvent[] {
  return event === undefined ? [] : [event];
}

function eventOf(line: string): LogEvent | undefined {
  if (line === '') return undefined;
  try {
    const { timestamp, logStreamName, message } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    if (typeof timestamp !== 'number' || typeof message !== 'string') return undefined;
    return { timestamp, logStream: typeof logStreamName === 'string' ? logStreamName : '', message };
  } catch {
    return undefined; // a line that is no event: the tarball is whoever's who wrote it
  }
}
