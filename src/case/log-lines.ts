/**
 * The digest lines of a capture, out of any copy of the log: standard output, an export of CloudWatch, the answer of
 * `aws logs filter-log-events`, where the line is a string inside of JSON. All other lines are passed over.
 *
 * The function's log stream takes lines from whoever runs in the sandbox, so a line proves nothing by itself. But no line
 * can be taken back: where a segment has two digests, somebody has lied.
 */

/** What the log says of one segment; every different statement is kept. */
export interface LoggedSegment {
  readonly sha256: ReadonlySet<string>;
  readonly chain: ReadonlySet<string>;
  /** The destination acknowledged it. */
  readonly stored: boolean;
}

export interface LogDigests {
  /** Digest lines that were found for this capture. */
  readonly lines: number;
  readonly segments: ReadonlyMap<number, LoggedSegment>;
  /** SHA-256 of the whole, and of manifest.json, from the last line of the capture. */
  readonly whole: ReadonlySet<string>;
  readonly manifest: ReadonlySet<string>;
  /** Ids of other captures in the same log, bounded. */
  readonly others: ReadonlySet<string>;
}

const MAX_LINE = 4 * 1024 * 1024;
const MAX_SEGMENTS = 100_000;
const MAX_STATEMENTS = 16;
const DIGESTS = logMark('segment', 'capture', 'parked');

/** Finds log lines of Amber of these kinds, for {@link recordsIn}. */
export function logMark(...kinds: readonly string[]): RegExp {
  return new RegExp(String.raw`\\*"amber\\*"\s*:\s*\\*"(?:${kinds.join('|')})\\*"`, 'gu');
}

/** Reads the whole log; keeps only what concerns `captureId` (undefined: the one capture that the log tells of first). */
export async function readLogDigests(source: AsyncIterable<Uint8Array>, captureId: string): Promise<LogDigests> {
  const found = { lines: 0, segments: new Map<number, Statements>(), whole: new Set<string>(), manifest: new Set<string>(), others: new Set<string>() };
  for await (const line of textLines(source)) {
    for (const record of recordsIn(line, DIGESTS)) {
      const capture = record['capture'];
      if (capture !== captureId) {
        if (typeof capture === 'string' && found.others.size < MAX_STATEMENTS) found.others.add(capture);
        continue;
      }
      found.lines += 1;
      if (record['amber'] === 'capture') {
        add(found.whole, record['sha256']);
        add(found.manifest, record['manifest']);
      } else takeSegment(found.segments, record);
    }
  }
  return found;
}

interface Statements {
  readonly sha256: Set<string>;
  readonly chain: Set<string>;
  stored: boolean;
}

function takeSegment(segments: Map<number, Statements>, record: Readonly<Record<string, unknown>>): void {
  // That a parked object was sent in the next life says nothing on what it was when it was parked.
  if (record['amber'] === 'parked' && record['state'] !== 'parked') return;
  const number = record['segment'];
  if (!Number.isSafeInteger(number) || (segments.size >= MAX_SEGMENTS && !segments.has(Number(number)))) return;
  const entry = segments.get(Number(number)) ?? { sha256: new Set(), chain: new Set(), stored: false };
  add(entry.sha256, record['sha256']);
  add(entry.chain, record['chain']);
  entry.stored ||= record['amber'] !== 'parked' && record['state'] !== 'lost';
  segments.set(Number(number), entry);
}

function add(set: Set<string>, value: unknown): void {
  if (typeof value === 'string' && set.size < MAX_STATEMENTS) set.add(value.slice(0, 128));
}

/** Every record of a kind in a line, at whatever depth of quoting it stands. */
export function* recordsIn(line: string, mark: RegExp): Generator<Readonly<Record<string, unknown>>> {
  for (const match of line.matchAll(mark)) {
    const depth = /^\\*/u.exec(match[0])?.[0].length ?? 0;
    const start = line.lastIndexOf('{', match.index);
    if (start < 0) continue;
    let text = line.slice(start, start + MAX_LINE);
    // A quote inside n strings has 2^n - 1 backslashes before it.
    for (let level = depth; level > 0; level = (level - 1) / 2) text = unquote(text);
    const end = endOfObject(text);
    const record = end === undefined ? undefined : parse(text.slice(0, end));
    if (record !== undefined) yield record;
  }
}

function unquote(text: string): string {
  return text.replaceAll(/\\(["\\/])/gu, '$1');
}

/** Index behind the brace that closes the object at the start. */
function endOfObject(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character === '\\') index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth += 1;
    else if (character === '}' && (depth -= 1) === 0) return index + 1;
  }
  return undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Lines of a text; a longer line than {@link MAX_LINE} comes in pieces. */
export async function* textLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of source) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > MAX_LINE) {
      yield rest;
      rest = '';
    }
  }
  if (rest !== '') yield rest;
}
