/** One manifest part of the tarball, read line by line as it goes by: it may be of any size. */
import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { BytePath, ManifestItem } from '../../contracts/evidence.ts';
import type { ManifestPartHeader } from '../../seal/manifest.ts';
import { parseJson } from '../tar/bounded-json.ts';

export interface PartEvents {
  readonly header: (header: ManifestPartHeader) => void;
  readonly item: (item: ManifestItem) => void;
  readonly problem: (text: string) => void;
}

export interface PartReader {
  readonly push: (piece: Buffer) => void;
  /** Lower-case hex SHA-256 of the part, and the number of its items. */
  readonly finish: () => { readonly sha256: string; readonly items: number };
}

/** A line of a manifest part: names of 4 KiB, notes of a memory region with its holes. */
const MAX_LINE = 4 * 1024 * 1024;
const MAX_PROBLEMS = 20;

export function readPart(events: PartEvents): PartReader {
  return new PartLines(events);
}

class PartLines implements PartReader {
  readonly #events: PartEvents;
  readonly #digest = createHash('sha256');
  /** The beginning of a line that goes on in the next piece. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #lines = 0;
  #items = 0;
  #problems = 0;

  constructor(events: PartEvents) {
    this.#events = events;
  }

  push(piece: Buffer): void {
    this.#digest.update(piece);
    const end = piece.lastIndexOf(0x0a) + 1;
    if (end > 0) this.#takeLines(piece, this.#restBytes === 0 ? 0 : this.#takeRest(piece), end);
    if (end === piece.length) return;
    if (this.#restBytes < MAX_LINE) this.#rest.push(Buffer.from(piece.subarray(end, end + MAX_LINE)));
    this.#restBytes += piece.length - end;
  }

  finish(): { readonly sha256: string; readonly items: number } {
    if (this.#restBytes > 0) this.#problem('its last line has no end');
    if (this.#lines === 0) this.#problem('it is empty');
    return { sha256: this.#digest.digest('hex'), items: this.#items };
  }

  /** Lines that are whole in the piece. One of ASCII alone becomes one string, and its lines are parts of that. */
  #takeLines(piece: Buffer, from: number, end: number): void {
    const text = isAscii(piece) ? piece.toString('latin1', from, end) : undefined;
    for (let at = from; at < end; ) {
      const newline = text === undefined ? piece.indexOf(0x0a, at) : text.indexOf('\n', at - from) + from;
      if (newline - at >= MAX_LINE) this.#tooLong();
      else this.#take(text === undefined ? piece.toString('utf8', at, newline) : text.slice(at - from, newline - from));
      at = newline + 1;
    }
  }

  /** The end of the line that began in pieces before. Gives the index behind it. */
  #takeRest(piece: Buffer): number {
    const newline = piece.indexOf(0x0a);
    if (this.#restBytes + newline >= MAX_LINE) this.#tooLong();
    else this.#take(Buffer.concat([...this.#rest, piece.subarray(0, newline)]).toString('utf8'));
    this.#rest = [];
    this.#restBytes = 0;
    return newline + 1;
  }

  #take(line: string): void {
    this.#lines += 1;
    const value = parseJson(line);
    if (this.#lines === 1) {
      const header = asHeader(value);
      if (header === undefined) this.#problem(`its first line is ${headerProblem(value)}`);
      else this.#events.header(header);
      return;
    }
    this.#items += 1;
    if (isItem(value)) this.#events.item(value);
    else this.#problem(`its line ${this.#lines} is no manifest item`);
  }

  #tooLong(): void {
    this.#problem(`its line ${this.#lines + 1} is too long`);
  }

  #problem(text: string): void {
    this.#problems += 1;
    if (this.#problems <= MAX_PROBLEMS) this.#events.problem(text);
  }
}

/** Segment number in the name of a manifest part, else undefined. */
export function partNumber(path: BytePath): number | undefined {
  if (!path.startsWith('manifest/')) return undefined;
  const [, digits] = /^manifest\/(\d{4,9})\.jsonl$/u.exec(path) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asHeader(value: unknown): ManifestPartHeader | undefined {
  if (!isRecord(value) || value['manifest'] !== 1) return undefined;
  const { capture, segment, previous, items } = value;
  const fits =
    typeof capture === 'string' &&
    typeof segment === 'number' &&
    typeof items === 'number' &&
    (previous === null || typeof previous === 'string');
  return fits ? { manifest: 1, capture, segment, previous, items } : undefined;
}

/** What stands in place of the header. */
function headerProblem(value: unknown): string {
  const version = isRecord(value) ? value['manifest'] : undefined;
  return Number.isSafeInteger(version) && Number(version) > 1
    ? `the header of version ${Number(version)}, newer than 1, which this version knows: use a newer amber`
    : 'no header';
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function mayText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function mayCount(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0);
}

/**
 * A line may come from anybody: only what has the types of an item is one. Member by member: that is three times as
 * fast as lists of names.
 */
function isItem(value: unknown): value is ManifestItem {
  if (!isRecord(value)) return false;
  const { redactions, notes } = value;
  return (
    isText(value['path']) &&
    isText(value['source']) &&
    isText(value['collector']) &&
    isText(value['method']) &&
    isText(value['kind']) &&
    isText(value['outcome']) &&
    mayText(value['pathBase64']) &&
    mayText(value['reason']) &&
    mayText(value['byDesign']) &&
    mayText(value['sha256']) &&
    mayText(value['mode']) &&
    mayText(value['mtime']) &&
    mayText(value['atime']) &&
    mayText(value['ctime']) &&
    mayText(value['target']) &&
    mayCount(value['size']) &&
    mayCount(value['stored']) &&
    mayCount(value['padded']) &&
    mayCount(value['uid']) &&
    mayCount(value['gid']) &&
    (redactions === undefined || (Array.isArray(redactions) && redactions.every(isText))) &&
    (notes === undefined || isRecord(notes))
  );
}
