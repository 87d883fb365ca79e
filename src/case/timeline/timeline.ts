/**
 * One timeline of a case: what captures and collections tell, with the time when it happened, sorted, with bounded
 * memory.
 */
import { isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { asciiJson } from '../view/ascii.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import type { OpenCapture } from '../store/open.ts';
import { TarReader } from '../tar/read-tar.ts';
import { joined, placeText, runOf } from '../store/run.ts';
import { mayFleet, storedBytes, tarBytes } from '../tar/segment-bytes.ts';
import { SortedLines } from '../tar/sorted-lines.ts';
import { keyWord, microseconds, rowOf, type Origin, type TimelineEvent, type TimelineRow } from './event.ts';
import { EventReader } from './read.ts';
import { FOREIGN, otherId } from '../view/view.ts';
import { many } from '../../many.ts';

export interface TimelineWindow {
  /** Microseconds; both ends are in it. */
  readonly since: number;
  readonly until: number;
  /** Names of sources. */
  readonly sources: ReadonlySet<string>;
  /** Further condition on a row. */
  readonly wanted?: (row: TimelineRow) => boolean;
}

/** What one capture gave. */
export interface TimelineShare {
  readonly location: string;
  readonly captureId: string | undefined;
  readonly events: number;
  /** Rows of its sources that were none: without a time, or malformed. */
  readonly unusable: number;
  /** Why it was not read to its end, or at all. */
  readonly problem: string | undefined;
}

/** Events of one key at one time that are remembered, to tell each once. */
const MAX_KEYS = 100_000;

export class Timeline {
  readonly #window: TimelineWindow;
  readonly #lines: SortedLines;
  readonly #counts = new Map<string, number>();

  constructor(window: TimelineWindow, lines: SortedLines = new SortedLines()) {
    this.#window = window;
    this.#lines = lines;
  }

  /** Reads one capture. @throws AmberError where it cannot be reached; damage is a problem of the share. */
  async add(
    capture: OpenCapture,
    identity: AgeIdentity | undefined,
    onProgress?: (done: number, total: number) => void,
  ): Promise<TimelineShare> {
    const id = capture.manifest?.captureId ?? '';
    const name: unknown =
      capture.manifest === undefined
        ? undefined
        : (capture.manifest.identity as Record<string, unknown>)['functionName'];
    const about = {
      functionName: typeof name === 'string' ? name : (/(?:^|\/)function=([^/]+)\//u.exec(capture.location)?.[1] ?? ''),
      captureId: id,
    };
    const reader = new EventReader(this.#window.sources, (event, source) => this.#take(event, { source, ...about }));
    for (const event of captureEvents(capture)) reader.tell(event, 'capture');
    const problem = joined(
      placeText(capture),
      joined(await readAll(capture, identity, reader, onProgress), otherId(capture, reader.captureId)),
    );
    return {
      location: capture.location,
      captureId: capture.manifest?.captureId,
      events: reader.events,
      unusable: reader.unusable,
      problem,
    };
  }

  /** Every row, by time; of one time in the order in which they were read. Ask once. */
  *rows(): Generator<{ readonly json: string; readonly source: string }> {
    let at = Number.NaN;
    const keys = new Set<string>();
    for (const { order, key, text } of this.#lines.sorted()) {
      if (order !== at) {
        at = order;
        keys.clear();
      }
      if (key !== '' && keys.has(key)) continue;
      if (key !== '' && keys.size < MAX_KEYS) keys.add(key);
      const source = /"source":"([a-z-]+)"/u.exec(text)?.[1] ?? '';
      this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
      yield { json: text, source };
    }
  }

  /** Rows by source, of those that were asked for. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  close(): void {
    this.#lines.close();
  }

  #take(event: TimelineEvent, origin: Origin): void {
    const { since, until, sources, wanted } = this.#window;
    if (event.timestamp < since || event.timestamp > until || !sources.has(origin.source)) return;
    const row = rowOf(event, origin);
    if (wanted?.(row) === false) return;
    this.#lines.add({ order: event.timestamp, key: keyWord(event.key), text: asciiJson(row) });
  }
}

/** Begin and end, as manifest.json has them; the row of the capture's own timeline is the same event. */
function captureEvents({ manifest, missing }: OpenCapture): readonly TimelineEvent[] {
  if (manifest === undefined) return [];
  const { captureId, cause, clocks, state, outcomes } = manifest;
  const what = cause.trigger === 'collect' ? 'Collection' : 'Capture';
  const items = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return [
    {
      timestamp: microseconds(clocks.started),
      timestamp_desc: 'Capture Start Time',
      data_type: 'amber:capture',
      message: `${what} ${captureId} started by ${cause.trigger}: ${cause.reason}`,
      tag: ['amber'],
      key: `begin:${captureId}`,
    },
    {
      timestamp: microseconds(clocks.ended),
      timestamp_desc: 'Capture End Time',
      data_type: 'amber:capture',
      message: `${what} ${captureId} ended: ${state}, ${many(items, 'item')}${goneText(manifest, missing)}`,
      tag: ['amber'],
      key: `end:${captureId}`,
    },
  ];
}

/** What the end of the capture says is not what is there any more. */
function goneText({ segments }: CaptureManifest, missing: readonly number[]): string {
  const absent = new Set(missing);
  const gone = segments.filter(({ number, state }) => state !== 'lost' && absent.has(number)).length;
  return gone === 0
    ? ''
    : ` by manifest.json; now ${gone} of ${many(segments.length, 'segment')} ${gone === 1 ? 'is' : 'are'} not there`;
}

async function readAll(
  capture: OpenCapture,
  identity: AgeIdentity | undefined,
  reader: EventReader,
  onProgress?: (done: number, total: number) => void,
): Promise<string | undefined> {
  const sealed = identity === undefined && capture.parts.some((part) => part.sealed);
  const { parts, problem } = runOf(capture, sealed && capture.opened !== undefined ? [capture.opened] : capture.parts);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const tar = new TarReader(reader);
  let done = 0;
  try {
    for (const part of parts) {
      const stored = storedBytes(
        capture,
        part,
        (chunk) => {
          done += chunk.length;
          onProgress?.(done, total);
          return undefined;
        },
        { reuseBuffers: mayFleet(part) },
      );
      for await (const chunk of tarBytes(stored, part, identity, { reuseBuffers: true })) tar.push(chunk);
    }
  } catch (cause) {
    if (!isAmberError(cause) || (cause.code !== 'ARCHIVE_CORRUPT' && cause.code !== 'IDENTITY_INVALID')) throw cause;
    return joined(problem, cause.message);
  } finally {
    reader.close();
  }
  return joined(
    problem,
    tar.ended ? (reader.foreign ? FOREIGN : undefined) : 'the tar stream has no end: the capture was cut',
  );
}
