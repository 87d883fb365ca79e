/**
 * One event as the 512 bytes of its slot. All text is ASCII: what is beyond it is escaped, so that a character of JSON
 * is a byte. Every sequence of UTF-16 units comes back as it was, lone surrogates too.
 */
import type { RecordedEvent } from '../contracts/recorded.ts';
import { BLANK, NEWLINE, SCHEMA, SLOT_BYTES } from './format.ts';
import { kept } from './kept.ts';

const { stringify } = kept;

/** What is to be written; the encoder says what did not fit. */
export type Draft = Omit<RecordedEvent, 'cut'>;

/** Bytes of JSON that the parts beside the subject may take. */
const ORIGIN_BYTES = 112;
const ORIGIN_EACH = 72;
const LINEAGE_BYTES = 72;
const DETAIL_BYTES = 108;
const DETAIL_EACH = 100;
/** Less is not worth a text. */
const LEAST_BYTES = 6;
/** `,"x":` with sixteen digits, and the brace at the end. */
const CUT_BYTES = 22;

const BEYOND_ASCII = /[\u0080-\uffff]/;
const EACH_BEYOND = /[\u0080-\uffff]/g;

/** JSON of the beginning of a text, and how many UTF-16 units were left out. */
interface Quoted {
  readonly json: string;
  readonly left: number;
}

/** Fills `page` with the slot of `event`. Never throws for what is in the event. */
export function encodeSlot(page: Buffer, event: Draft): void {
  const line = slotText(event);
  const used = page.write(line, 0, SLOT_BYTES - 1, 'latin1');
  page.fill(BLANK, used, SLOT_BYTES - 1);
  page[SLOT_BYTES - 1] = NEWLINE;
}

/** The JSON of a slot: at most one byte less than it has. */
export function slotText(event: Draft): string {
  const { sequence, timeMs, invocation, pid, kind, count, subject, argv } = event;
  const head =
    `{"v":${SCHEMA},"n":${sequence},"t":${timeMs},"i":${invocation},` +
    `"p":${pid},"k":"${kind}","c":${count}${aside(event)}`;
  const room = SLOT_BYTES - 1 - CUT_BYTES - head.length;
  if (argv === undefined) {
    const { json, left } = quote(subject, room - 5);
    return `${head},"s":${json}${cutText(left)}}`;
  }
  const { json, left } = quote(subject, (room - 12) >> 1);
  const list = quoteList(argv, room - 12 - json.length);
  return `${head},"s":${json},"a":[${list.json}]${cutText(left + list.left)}}`;
}

function cutText(left: number): string {
  return left === 0 ? '' : `,"x":${left}`;
}

/** Origin, lineage and detail, each within its share. */
function aside({ origin, lineage, detail }: Draft): string {
  let text = '';
  if (origin !== undefined && origin.length > 0) {
    const { json } = quoteList(origin, ORIGIN_BYTES, ORIGIN_EACH);
    text += `,"o":[${json}]`;
  }
  if (lineage !== undefined) {
    const child = lineage.child === undefined ? '' : `"child":${lineage.child}`;
    const stdio = lineage.stdio === undefined ? '' : `"stdio":[${quoteList(lineage.stdio, LINEAGE_BYTES - 30).json}]`;
    text += `,"l":{${child}${child === '' || stdio === '' ? '' : ','}${stdio}}`;
  }
  return detail === undefined ? text : `${text}${detailText(detail)}`;
}

function detailText(detail: Readonly<Record<string, string | number>>): string {
  let text = '';
  for (const name of Object.keys(detail)) {
    const value = detail[name] ?? '';
    const room = Math.min(DETAIL_EACH, DETAIL_BYTES - text.length - name.length - 4);
    if (room < LEAST_BYTES) break;
    const json = typeof value === 'number' ? numberText(value) : quote(value, room).json;
    text += `${text === '' ? '' : ','}"${name}":${json}`;
  }
  return text === '' ? '' : `,"d":{${text}}`;
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : '0';
}

/** Texts with commas between them, in at most `room` bytes, of which one takes at most `each`. */
function quoteList(texts: readonly string[], room: number, each: number = room): Quoted {
  let json = '';
  let left = 0;
  for (const text of texts) {
    const free = Math.min(each, room - json.length - 1);
    if (free < LEAST_BYTES) {
      left += text.length;
      continue;
    }
    const one = quote(text, free);
    json += json === '' ? one.json : `,${one.json}`;
    left += one.left;
  }
  return { json, left };
}

/** A text as JSON of at most `room` bytes. */
function quote(text: string, room: number): Quoted {
  const start = text.length > room ? text.slice(0, Math.max(room, 0)) : text;
  const json = ascii(stringify(start));
  if (json.length <= room) return { json, left: text.length - start.length };
  const kept = start.slice(0, fitting(start, room - 2));
  return { json: ascii(stringify(kept)), left: text.length - kept.length };
}

function ascii(json: string): string {
  return BEYOND_ASCII.test(json) ? json.replace(EACH_BEYOND, escaped) : json;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** How many units of a text fit into `room` bytes. A pair of surrogates is not parted. */
function fitting(text: string, room: number): number {
  let used = 0;
  for (let at = 0; at < text.length; at += 1) {
    used += bytesOf(text.charCodeAt(at));
    if (used > room) return at > 0 && isHigh(text.charCodeAt(at - 1)) && !isHigh(text.charCodeAt(at)) ? at - 1 : at;
  }
  return text.length;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Bytes of a UTF-16 unit in JSON that is ASCII (ECMA-262 25.5.2.3 QuoteJSONString). */
function bytesOf(unit: number): number {
  if (unit === 0x22 || unit === 0x5c) return 2;
  if (unit >= 0x20 && unit < 0x80) return 1;
  return unit === 8 || unit === 9 || unit === 10 || unit === 12 || unit === 13 ? 2 : 6;
}
