/** One capture for a reader: what it says of itself, out of manifest.json and a single pass over the tar stream. */
import type { ManifestItem, Outcome } from '../../contracts/evidence.ts';
import { isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { isControlPlane } from '../store/collection.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import type { Shortfalls } from '../../seal/completeness.ts';
import { FINE, ItemShortfalls } from '../store/completeness.ts';
import type { OpenCapture } from '../store/open.ts';
import { JsonLines } from '../tar/json-lines.ts';
import { JsonRows, type DocumentReader } from '../tar/json-rows.ts';
import { partNumber, readPart, type PartReader } from '../verify/manifest-part.ts';
import { readStrictly, type TarVisitor } from '../tar/read-tar.ts';
import { idInPath } from '../store/place.ts';
import { readWholeTar } from '../tar/read-whole-tar.ts';
import { joined, placeText, runOf } from '../store/run.ts';
import { storedBytes, tarBytes } from '../tar/segment-bytes.ts';
import type { TarEntry } from '../tar/header.ts';
import { many } from '../../many.ts';
import { field } from './process-tree.ts';

/** Structured documents that are read. */
const DOCUMENTS: ReadonlySet<string> = new Set([
  'capture.json',
  'live_response/invocation.json',
  'live_response/processes.json',
  'live_response/sockets.json',
  'live_response/findings.jsonl',
  'live_response/findings-late.jsonl',
  'live_response/events.jsonl',
]);
/** What a process of the function has handed over; a second one has a number. */
const HANDED = /^live_response\/function-process(?:-\d)?\.json$/u;
/** Documents of a collection that are read as well, and their bytes in all. */
const MAX_CONTROL_PLANE = 10_000;
const MAX_CONTROL_BYTES = 24 * 1024 * 1024;
/** Lines of each list that are kept; the rest is counted. */
const MAX_LISTED = 1000;
/** Characters of them as JSON: one line may have 4 MiB. */
const MAX_LENGTH = 8 * 1024 * 1024;

/** The first lines of something, and how many there are. */
export interface Listing<T> {
  readonly first: readonly T[];
  readonly count: number;
}

export interface CaptureView {
  /** Documents of the tarball by their paths, as parsed JSON; of JSON lines the rows. */
  readonly documents: ReadonlyMap<string, unknown>;
  readonly recovered: Listing<ManifestItem>;
  /** Files of /tmp and /dev/shm in the order of the tarball, which is that of their value. */
  readonly files: Listing<ManifestItem>;
  /** Items that are a shortfall, as the completeness counts them. */
  readonly short: Listing<ManifestItem>;
  /** Items that were not collected and are none: skipped by design, or gone before they could be read. */
  readonly apart: Listing<ManifestItem>;
  readonly redacted: Listing<ManifestItem>;
  readonly redactions: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly items: number;
  /** What the items say of the completeness. */
  readonly shortfalls: ItemShortfalls;
  /** What of the documents is not in here, one sentence each: it has to be read in the tarball. */
  readonly leftOut: readonly string[];
  /** The stream was read to its end. */
  readonly allRead: boolean;
  /** Why it was not, and what else is wrong with the capture as it lies there. */
  readonly problem: string | undefined;
}

/** Reads what is readable from the beginning on. @throws AmberError only where the capture cannot be reached. */
export async function viewCapture(
  capture: OpenCapture,
  identity: AgeIdentity | undefined,
  onProgress?: (done: number, total: number) => void,
): Promise<CaptureView> {
  const viewer = new Viewer(capture.manifest);
  const readable = identity !== undefined || capture.parts.every(({ sealed }) => !sealed);
  const { parts, problem } = runOf(
    capture,
    readable || capture.opened === undefined ? capture.parts : [capture.opened],
  );
  const beside = placeText(capture);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (const part of parts) {
      const stored = storedBytes(capture, part, (chunk) => {
        done += chunk.length;
        onProgress?.(done, total);
        return undefined;
      });
      yield* tarBytes(stored, part, identity);
    }
  };
  let ended: boolean;
  try {
    const whole = problem === undefined && capture.manifest?.state === 'whole' && parts === capture.parts;
    ({ ended } = await (whole ? readWholeTar : readStrictly)(chunks(), viewer));
  } catch (cause) {
    if (!isAmberError(cause) || (cause.code !== 'ARCHIVE_CORRUPT' && cause.code !== 'IDENTITY_INVALID')) throw cause;
    return viewer.finish(joined(problem, cause.message), beside);
  }
  const end = ended ? viewer.foreign : 'the tar stream has no end: the capture was cut';
  return viewer.finish(joined(problem, end), joined(beside, otherId(capture, viewer.captureId)));
}

/** What is told of a tarball without any trace of Amber. */
export const FOREIGN = 'there is neither capture.json nor a manifest part in it: this is not an Amber capture';

/** Whose capture.json it is, where that is another one than the folder or manifest.json tells. */
export function otherId({ manifest, location }: OpenCapture, id: unknown): string | undefined {
  const told = manifest?.captureId ?? idInPath(location);
  if (typeof id !== 'string' || told === undefined || id === told) return undefined;
  return `capture.json is of capture ${id}, ${manifest === undefined ? 'the folder' : 'manifest.json'} of ${told}`;
}

class Bounded<T> implements Listing<T> {
  readonly first: T[] = [];
  count = 0;
  #length = 0;

  add(value: T): void {
    this.count += 1;
    if (this.first.length === MAX_LISTED || this.#length > MAX_LENGTH) return;
    this.#length += JSON.stringify(value).length;
    if (this.#length <= MAX_LENGTH) this.first.push(value);
  }
}

const OUTCOMES: ReadonlySet<string> = new Set([
  'collected',
  'truncated',
  'changed',
  'empty',
  'missing',
  'denied',
  'skipped',
  'timed-out',
  'failed',
]);

class Viewer implements TarVisitor {
  readonly #documents = new Map<string, unknown>();
  readonly #recovered = new Bounded<ManifestItem>();
  readonly #files = new Bounded<ManifestItem>();
  readonly #short = new Bounded<ManifestItem>();
  readonly #apart = new Bounded<ManifestItem>();
  readonly #redacted = new Bounded<ManifestItem>();
  readonly #shortfalls = new ItemShortfalls();
  readonly #rule: Shortfalls;
  readonly #outcomes: Partial<Record<Outcome, number>> = {};
  #redactions = 0;
  #items = 0;
  #part: PartReader | undefined;
  #document: { path: string; reader: DocumentReader } | undefined;
  readonly #leftOut: string[] = [];
  #controlBytes = 0;
  #controlLeft = 0;

  constructor(manifest: CaptureManifest | undefined) {
    this.#rule = this.#shortfalls.of(manifest);
  }

  entry({ path, size }: TarEntry): void {
    if (partNumber(path) !== undefined)
      this.#part = readPart({ header: () => undefined, item: (item) => this.#take(item), problem: () => undefined });
    else if (this.#wants(path, size))
      this.#document = { path, reader: path.endsWith('.jsonl') ? new JsonLines() : new JsonRows() };
  }

  #wants(path: string, size: number): boolean {
    if (this.#documents.has(path)) return false;
    if (DOCUMENTS.has(path) || HANDED.test(path)) return true;
    if (!isControlPlane(path)) return false;
    const fits = this.#controlBytes + size <= MAX_CONTROL_BYTES && this.#documents.size < MAX_CONTROL_PLANE;
    if (fits) this.#controlBytes += size;
    else this.#controlLeft += 1;
    return fits;
  }

  body(piece: Buffer): void {
    this.#part?.push(piece);
    this.#document?.reader.push(piece);
  }

  end(): void {
    this.#part?.finish();
    this.#part = undefined;
    const document = this.#document;
    this.#document = undefined;
    if (document === undefined) return;
    const { value, problem } = document.reader.finish();
    if (value !== undefined) this.#documents.set(document.path, value);
    if (problem !== undefined) this.#leftOut.push(`${document.path}: ${problem}`);
  }

  /** Why it is none of ours, where it is not. */
  get foreign(): string | undefined {
    return this.#items === 0 && !this.#documents.has('capture.json') ? FOREIGN : undefined;
  }

  /** As capture.json has it. */
  get captureId(): unknown {
    return field(this.#documents.get('capture.json'), 'captureId');
  }

  finish(problem: string | undefined, beside: string | undefined): CaptureView {
    return {
      documents: this.#documents,
      recovered: this.#recovered,
      files: this.#files,
      short: this.#short,
      apart: this.#apart,
      redacted: this.#redacted,
      redactions: this.#redactions,
      outcomes: this.#outcomes,
      shortfalls: this.#shortfalls,
      items: this.#items,
      allRead: problem === undefined,
      problem: joined(beside, problem),
      leftOut: [
        ...this.#leftOut,
        ...(this.#controlLeft === 0
          ? []
          : [
              `${many(this.#controlLeft, 'control-plane document is', 'control-plane documents are')} too ` +
                'large or too many to be shown',
            ]),
      ],
    };
  }

  #take(item: ManifestItem): void {
    this.#items += 1;
    this.#shortfalls.add(item);
    if (OUTCOMES.has(item.outcome)) this.#outcomes[item.outcome] = (this.#outcomes[item.outcome] ?? 0) + 1;
    const redactions = item.redactions?.length ?? 0;
    this.#redactions += redactions;
    if (redactions > 0) this.#redacted.add(item);
    if (this.#rule.isShort(item)) this.#short.add(item);
    else if (!FINE.has(item.outcome)) this.#apart.add(item);
    if (item.path.startsWith('recovered/')) this.#recovered.add(item);
    else if (item.kind === 'file' && item.collector === 'writable') this.#files.add(item);
  }
}
