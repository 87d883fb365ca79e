/**
 * Looks into texts that stand encoded inside a text: form and URL encoding, base64 of JSON (bodies of API Gateway,
 * records of Kinesis), gzip in base64 (events of CloudWatch Logs), JSON in JSON, XML in XML, Buffers. What holds a
 * secret is written again in its encoding, so that a reader decodes it as before and finds the mark.
 */
import { base64Runs, bufferRuns, entityRuns, LEAST_BASE64, percentRuns, TOO_LONG, unicodeRuns } from './codecs.ts';
import type { Codec, Run } from './codecs.ts';
import type { Cover } from './cover.ts';
import { isMark, LIMIT } from './mark.ts';
import { isSecretByName } from './names.ts';
import type { Hit } from './hit.ts';

/** Encodings inside encodings are looked into this deep: base64 of JSON, in JSON, in gzip, in base64. */
export const MAX_LAYERS = 4;
/** Characters that all encodings of one text may come to beyond its own length. */
const MAX_MORE = 4_194_304;

/** What one text may still cost. */
export interface Depth {
  readonly layer: number;
  readonly room: { left: number };
}

export const surface = (text: string): Depth => ({ layer: 0, room: { left: text.length * MAX_LAYERS + MAX_MORE } });

/** Each codec, and a sign without which the text has no such run. */
const CODECS: readonly (readonly [sign: string, codec: Codec])[] = [
  ['%', percentRuns],
  ['&', entityRuns],
  ['\\u0022', unicodeRuns],
  ['Buffer', bufferRuns],
];
const LEAST = 12;
/** The name in front of a Buffer. */
const NAMED = /([\w.-]{1,80})\\{0,7}["']?\s{0,32}[:=]\s{0,32}(?:\{[^{}]{0,64})?$/u;

export interface Looking {
  readonly cover: Cover;
  readonly depth: Depth;
  /** What is done with any text. */
  readonly look: (text: string, depth: Depth) => string;
  readonly hits: Hit[];
  /** Nothing but letters, digits and `./+-`: what has a sign of its own is not there. */
  readonly isBare: boolean;
}

/** Adds a hit for each run that holds a secret. */
export function findEncoded(text: string, looking: Looking): void {
  if (text.length < LEAST) return;
  if (text.length >= LEAST_BASE64) findRuns(text, base64Runs, looking);
  if (looking.isBare) return;
  for (const [sign, codec] of CODECS) if (text.includes(sign)) findRuns(text, codec, looking);
}

function findRuns(text: string, codec: Codec, looking: Looking): void {
  for (const run of codec(text)) {
    const mark = opened(text, run, looking, { isBuffer: codec === bufferRuns });
    if (mark !== undefined) looking.hits.push({ start: run.start, end: run.end, mark });
  }
}

/** What comes in the place of the run; undefined if it stays. */
function opened(
  text: string,
  run: Run,
  { cover, depth, look }: Looking,
  { isBuffer }: { readonly isBuffer: boolean },
): string | undefined {
  if (depth.layer >= MAX_LAYERS) {
    cover.note('limit:layers', { count: 1, of: 'texts' });
    return undefined;
  }
  const inner = run.read();
  if (inner === undefined) return undefined;
  if (inner !== TOO_LONG) depth.room.left -= inner.length;
  if (inner === TOO_LONG || depth.room.left < 0) {
    cover.note('limit:encoded', { count: 1, of: 'texts' });
    return LIMIT;
  }
  const name = isBuffer ? NAMED.exec(text.slice(Math.max(0, run.start - 200), run.start))?.[1] : undefined;
  if (name !== undefined && isSecretByName(name, inner)) return run.write(cover.hide(inner, name.toLowerCase()));
  const shown = look(inner, { layer: depth.layer + 1, room: depth.room });
  if (shown === inner) return undefined;
  return isMark(shown) ? shown : run.write(shown);
}
