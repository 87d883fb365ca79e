/** The entries of a tarball that are sources of a timeline, as they go by. */
import { hash } from 'node:crypto';
import { asciiJson } from '../view/ascii.ts';
import { parseJson } from '../tar/bounded-json.ts';
import { LineSplitter } from '../tar/lines.ts';
import { partNumber } from '../verify/manifest-part.ts';
import type { TarVisitor } from '../tar/read-tar.ts';
import { SortedLines } from '../tar/sorted-lines.ts';
import type { TarEntry } from '../tar/header.ts';
import { isTime, type TimelineEvent } from './event.ts';
import { pathOfLine } from './files.ts';
import { field } from '../view/process-tree.ts';
import { TIMELINE_SOURCES, type TimelineSource } from './sources.ts';

/** An event of CloudWatch has 1 MiB at most; escaping may make six of it. */
const MAX_LINE = 8 * 1024 * 1024;
const MAX_DOCUMENT = 1024 * 1024;
/** A timeline of a capture has this many rows at most, and a path has one at least. */
const MAX_SEEN = 400_000;

export class EventReader implements TarVisitor {
  readonly #sources: readonly TimelineSource[];
  readonly #tell: (event: TimelineEvent, source: string) => void;
  #open: readonly TimelineSource[] = [];
  #path = '';
  #splitter: LineSplitter | undefined;
  #document: Buffer[] | undefined;
  /** Digests of the paths that the timeline of the capture has. */
  readonly #seen = new Set<number>();
  /** Lines that count only for paths that are not among those; kept in a file where they are many, in their order. */
  readonly #fallback = new SortedLines();
  events = 0;
  unusable = 0;
  /** As capture.json has it. */
  captureId: unknown;
  #isHeader = false;
  /** Nothing in it is ours. */
  foreign = true;

  constructor(wanted: ReadonlySet<string>, tell: (event: TimelineEvent, source: string) => void) {
    this.#sources = TIMELINE_SOURCES.filter(({ name }) => wanted.has(name));
    this.#tell = tell;
  }

  entry({ path, type, size }: TarEntry): void {
    this.#open = type === '0' ? this.#sources.filter((source) => source.path.test(path)) : [];
    this.#path = path;
    if (path === 'capture.json' || partNumber(path) !== undefined) this.foreign = false;
    this.#splitter = this.#open.some(({ form }) => form !== 'document') ? new LineSplitter(MAX_LINE) : undefined;
    this.#isHeader = path === 'capture.json' && this.captureId === undefined;
    const isDocument = this.#isHeader || this.#open.some(({ form }) => form === 'document');
    this.#document = isDocument && size <= MAX_DOCUMENT ? [] : undefined;
  }

  body(piece: Buffer): void {
    if (this.#splitter !== undefined) for (const line of this.#splitter.push(piece)) this.#line(line);
    this.#document?.push(Buffer.from(piece));
  }

  end(): void {
    const rest = this.#splitter?.rest();
    if (rest !== undefined) this.#line(rest);
    this.unusable += this.#splitter?.dropped ?? 0;
    const value = this.#document === undefined ? undefined : parseJson(Buffer.concat(this.#document).toString('utf8'));
    if (this.#isHeader) this.captureId = field(value, 'captureId');
    else if (this.#document !== undefined) this.#value(value);
    this.#open = [];
    this.#splitter = undefined;
    this.#document = undefined;
  }

  /** An event of this source; one without a time is none. */
  tell(event: TimelineEvent, source: string): void {
    if (!isTime(event.timestamp)) {
      this.unusable += 1;
      return;
    }
    this.events += 1;
    this.#tell(event, source);
    const filename = event.data_type === 'fs:stat' ? event.more?.['filename'] : undefined;
    if (typeof filename === 'string' && this.#seen.size < MAX_SEEN) this.#seen.add(pathDigest(filename));
  }

  /** What the bodyfile alone has; nothing more comes. */
  close(): void {
    const source = TIMELINE_SOURCES.find(({ fallback }) => fallback === true);
    const lines = this.#fallback.sorted();
    try {
      for (const { text: line } of lines) {
        const shown = JSON.parse(line) as string;
        const path = pathOfLine(shown);
        if (source === undefined || path === undefined || this.#seen.has(pathDigest(path))) continue;
        for (const event of source.events(shown, '')) this.tell(event, source.name);
      }
    } finally {
      this.#fallback.close();
    }
  }

  #line(line: string): void {
    if (line === '') return;
    if (this.#open.some(({ fallback }) => fallback === true))
      this.#fallback.add({ order: 0, key: '', text: asciiJson(line) });
    else this.#value(parseJson(line));
  }

  #value(value: unknown): void {
    if (value === undefined) {
      this.unusable += 1;
      return;
    }
    for (const { name, events } of this.#open) for (const event of events(value, this.#path)) this.tell(event, name);
  }
}

function pathDigest(path: string): number {
  return Buffer.from(hash('sha256', path, 'hex').slice(0, 12), 'hex').readUIntBE(0, 6);
}
