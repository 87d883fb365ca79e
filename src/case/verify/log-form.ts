/**
 * Which objects are the evidence where no manifest.json tells and two forms lie there: a joined file beside segments.
 * Nobody who writes into the folder can make bytes of another digest, so the digests in the log decide.
 */
import type { LogDigests, LogIndex } from '../log/lines.ts';
import { saidIn } from '../log/statement.ts';
import { SEGMENT } from '../store/object-names.ts';
import type { CapturePart, ForeignPart, OpenCapture } from '../store/open.ts';
import { digestOf } from '../store/part.ts';
import type { CaseStore } from '../store/store.ts';
import { gaps } from '../store/uncommitted-parts.ts';
import { idsOf } from './log.ts';

/** Objects of one number that are looked into, and joined files: more of them are a flood. */
const MAX_LOOKED = 16;

/** The capture with the parts that have the digests of the log; as it was where those tell nothing. */
export async function formByLog(capture: OpenCapture, index: LogIndex | undefined): Promise<OpenCapture> {
  const { store, manifest, alone, unexpectedObjects } = capture;
  const beside = unexpectedObjects.filter(({ bytes }) => bytes > 0);
  if (index === undefined || manifest !== undefined || alone || beside.length === 0) return capture;
  const log = idsOf(capture)
    .map((id) => index.of(id))
    .find((one) => one !== undefined);
  if (log === undefined) return capture;
  const all: readonly CapturePart[] = [...capture.parts, ...beside];
  const segments = await segmentsOf(store, all, log);
  const joined = await joinedOf(store, all, log);
  if (segments.matched + joined.matched === 0) return capture;
  const parts = segments.matched >= joined.matched ? segments.parts : joined.parts;
  const own = new Set(parts.map(({ object }) => object));
  const first = parts[0]?.object ?? '';
  const whose = parts.length === 1 ? first : `other objects, the first is ${first}`;
  const why = `the digests in the log are those of ${whose}`;
  const foreign: ForeignPart[] = all.filter(({ object }) => !own.has(object)).map((part) => ({ ...part, why }));
  const empty = unexpectedObjects.filter(({ bytes }) => bytes === 0);
  return { ...capture, parts, missing: gaps(parts), unexpectedObjects: [...foreign, ...empty] };
}

interface Form {
  readonly parts: readonly CapturePart[];
  /** Bytes that have a digest of the log. */
  readonly matched: number;
}

/** Of each number the object with the digest of the log; where none has it, one of the same form. */
async function segmentsOf(store: CaseStore, all: readonly CapturePart[], { segments }: LogDigests): Promise<Form> {
  const byNumber = Map.groupBy(
    all.filter(({ number }) => number !== undefined),
    ({ number = 0 }) => number,
  );
  const found = new Map<number, CapturePart>();
  let matched = 0;
  for (const [number, { sha256 }] of segments) {
    for (const part of (byNumber.get(number) ?? []).slice(0, MAX_LOOKED)) {
      if (!sha256.has((await digestOf(store, part.object)) ?? '')) continue;
      found.set(number, part);
      matched += part.bytes;
      break;
    }
  }
  const forms = new Set([...found.values()].map(suffix));
  for (const [number, parts] of byNumber) {
    const other = parts.find((part) => forms.has(suffix(part)));
    if (!found.has(number) && other !== undefined) found.set(number, other);
  }
  const parts = [...found.values()].sort((one, other) => (one.number ?? 0) - (other.number ?? 0));
  return { parts, matched };
}

function suffix({ object }: CapturePart): string {
  return SEGMENT.exec(object)?.[3] ?? object;
}

/** The joined file that is the whole of the log, or that begins with the segments of the log. */
async function joinedOf(store: CaseStore, all: readonly CapturePart[], log: LogDigests): Promise<Form> {
  let best: Form = { parts: [], matched: 0 };
  for (const part of all.filter(({ number }) => number === undefined).slice(0, MAX_LOOKED)) {
    const isWhole = log.whole.size > 0 && log.whole.has((await digestOf(store, part.object)) ?? '');
    const matched = isWhole ? part.bytes : await begunBy(store, part, log);
    if (matched > best.matched) best = { parts: [part], matched };
  }
  return best;
}

/** Bytes from the beginning on that are segments of the log, one behind the other. */
async function begunBy(
  store: CaseStore,
  { object, bytes: size }: CapturePart,
  { segments }: LogDigests,
): Promise<number> {
  let start = 0;
  for (const { sha256, says } of segments.values()) {
    const [line = ''] = says;
    const bytes = Number(saidIn('segment', line, 'bytes'));
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || start + bytes > size) break;
    if (!sha256.has((await digestOf(store, object, { start, bytes })) ?? '')) break;
    start += bytes;
  }
  return start;
}
