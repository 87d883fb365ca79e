/** One manifest part of the tarball, read line by line as it goes by: it may be of any size. */
import { createHash } from 'node:crypto';
import type { BytePath, ManifestItem } from '../contracts.ts';
import type { ManifestPartHeader } from '../seal/manifest.ts';

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
  const digest = createHash('sha256');
  let rest: Buffer[] = [];
  let restBytes = 0;
  let lines = 0;
  let items = 0;
  let problems = 0;
  const problem = (text: string): void => {
    problems += 1;
    if (problems <= MAX_PROBLEMS) events.problem(text);
  };
  const take = (line: Buffer): void => {
    lines += 1;
    const value = parse(line);
    if (lines === 1) {
      const header = asHeader(value);
      if (header === undefined) problem('its first line is no header');
      else events.header(header);
      return;
    }
    items += 1;
    const item = asItem(value);
    if (item === undefined) problem(`its line ${lines} is no manifest item`);
    else events.item(item);
  };
  return {
    push: (piece) => {
      digest.update(piece);
      for (let at = 0; at < piece.length; ) {
        const newline = piece.indexOf(0x0a, at);
        if (newline < 0) {
          if (restBytes < MAX_LINE) rest.push(Buffer.from(piece.subarray(at, at + MAX_LINE)));
          restBytes += piece.length - at;
          break;
        }
        if (restBytes + newline - at >= MAX_LINE) problem(`its line ${lines + 1} is too long`);
        else take(rest.length === 0 ? piece.subarray(at, newline) : Buffer.concat([...rest, piece.subarray(at, newline)]));
        rest = [];
        restBytes = 0;
        at = newline + 1;
      }
    },
    finish: () => {
      if (restBytes > 0) problem('its last line has no end');
      if (lines === 0) problem('it is empty');
      return { sha256: digest.digest('hex'), items };
    },
  };
}

/** Segment number in the name of a manifest part, else undefined. */
export function partNumber(path: BytePath): number | undefined {
  const [, digits] = /^manifest\/(\d{4,9})\.jsonl$/u.exec(path) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asHeader(value: unknown): ManifestPartHeader | undefined {
  if (!isRecord(value) || value['manifest'] !== 1) return undefined;
  const { capture, segment, previous, items } = value;
  const fits = typeof capture === 'string' && typeof segment === 'number' && typeof items === 'number' && (previous === null || typeof previous === 'string');
  return fits ? { manifest: 1, capture, segment, previous, items } : undefined;
}

const TEXTS = ['path', 'source', 'collector', 'method', 'kind', 'outcome'] as const;
const MAYBE_TEXTS = ['pathBase64', 'reason', 'sha256', 'mode', 'mtime', 'atime', 'ctime', 'target'] as const;
const MAYBE_NUMBERS = ['size', 'stored', 'padded', 'uid', 'gid'] as const;

/** A line may come from anybody: only what has the types of an item is one. */
function asItem(value: unknown): ManifestItem | undefined {
  if (!isRecord(value)) return undefined;
  const right = TEXTS.every((key) => typeof value[key] === 'string')
    && MAYBE_TEXTS.every((key) => value[key] === undefined || typeof value[key] === 'string')
    && MAYBE_NUMBERS.every((key) => value[key] === undefined || (Number.isSafeInteger(value[key]) && Number(value[key]) >= 0))
    && (value['redactions'] === undefined || (Array.isArray(value['redactions']) && value['redactions'].every((name) => typeof name === 'string')))
    && (value['notes'] === undefined || isRecord(value['notes']));
  return right ? (value as unknown as ManifestItem) : undefined;
}
