/**
 * An event of a timeline: what Timesketch asks of a row (`message`, `datetime`, `timestamp` in microseconds,
 * `timestamp_desc`; https://timesketch.org/guides/user/import-from-json-csv/), and which source it came from.
 */
import { hash } from 'node:crypto';

export interface TimelineEvent {
  /** Microseconds since the epoch. */
  readonly timestamp: number;
  /** What happened then: `Content Modification Time`. */
  readonly timestamp_desc: string;
  readonly message: string;
  readonly data_type: string;
  readonly tag?: readonly string[];
  /** Two events of one time and key are the same one, found twice: it is told once. */
  readonly key?: string;
  /** Further columns. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** An event as it stands in the output. */
export interface TimelineRow {
  readonly message: string;
  readonly datetime: string;
  readonly timestamp: number;
  readonly timestamp_desc: string;
  readonly source: string;
  readonly data_type: string;
  readonly tag: readonly string[];
  readonly function_name: string;
  readonly capture_id: string;
  readonly [column: string]: unknown;
}

/** Such a row shows the name of a file or a program, in the form of collect/bodyfile.ts. */
export function isNamed(dataType: string): boolean {
  return dataType === 'fs:stat' || dataType === 'amber:process';
}

/** Timesketch takes years from 1700; the end is that of whole numbers, in 2255. */
const EARLIEST = Date.UTC(1700, 0, 1) * 1000;
const LATEST = Number.MAX_SAFE_INTEGER;

export function isTime(timestamp: unknown): timestamp is number {
  return (
    typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp >= EARLIEST && timestamp <= LATEST
  );
}

/** Longest text of a time. */
const MAX_TIME = 64;

/**
 * Microseconds of what AWS and we write: ISO 8601 (also with a space, or `+0000`), or milliseconds. NaN for what is no
 * time.
 */
export function microseconds(time: unknown): number {
  const ms =
    typeof time === 'number'
      ? time
      : typeof time === 'string' && time.length < MAX_TIME
        ? Date.parse(time.replace(/^(\d{4}-\d\d-\d\d) /u, '$1T').replace(/([+-]\d\d)(\d\d)$/u, '$1:$2'))
        : Number.NaN;
  const timestamp = Math.round(ms * 1000);
  return isTime(timestamp) ? timestamp : Number.NaN;
}

// Events come many in a second: its text is made once.
let shownSecond = Number.NaN;
let shownText = '';

/** `YYYY-MM-DDThh:mm:ss.ffffff+00:00`. */
export function dateText(timestamp: number): string {
  const second = Math.floor(timestamp / 1_000_000);
  if (second !== shownSecond) {
    shownSecond = second;
    shownText = new Date(second * 1000).toISOString().slice(0, 19);
  }
  return `${shownText}.${String(timestamp - second * 1_000_000).padStart(6, '0')}+00:00`;
}

/** Longest message, and longest text of another column: a reader who wants more has the path of the evidence. */
const MAX_MESSAGE = 8192;
const MAX_TEXT = 2048;
const MAX_TAGS = 16;

export interface Origin {
  readonly source: string;
  readonly functionName: string;
  readonly captureId: string;
}

/** The row of an event; its texts are bounded. */
export function rowOf(event: TimelineEvent, { source, functionName, captureId }: Origin): TimelineRow {
  const more = Object.fromEntries(
    Object.entries(event.more ?? {}).flatMap(([name, value]): [string, unknown][] => {
      if (value === undefined || value === null || value === '') return [];
      return [
        [
          name,
          typeof value === 'number' || typeof value === 'boolean'
            ? value
            : shortened(typeof value === 'string' ? value : JSON.stringify(value), MAX_TEXT),
        ],
      ];
    }),
  );
  return {
    ...more,
    message: shortened(event.message, MAX_MESSAGE) || '(empty)',
    datetime: dateText(event.timestamp),
    timestamp: event.timestamp,
    timestamp_desc: shortened(event.timestamp_desc, MAX_TEXT),
    source,
    data_type: shortened(event.data_type, MAX_TEXT),
    tag: (event.tag ?? []).slice(0, MAX_TAGS).map((tag) => shortened(tag, 100)),
    function_name: shortened(functionName, MAX_TEXT),
    capture_id: shortened(captureId, 100),
  };
}

/** Both ends: the first tells where, the last what. */
function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most / 2)}[...]${text.slice(-most / 2)}`;
}

/** A key as a short word without spaces. */
export function keyWord(key: string | undefined): string {
  if (key === undefined) return '';
  return /^[\w:./@$[\]-]{1,100}$/u.test(key) ? key : hash('sha256', key, 'hex').slice(0, 32);
}
