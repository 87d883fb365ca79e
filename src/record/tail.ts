/** Events that nobody has looked at yet, for detectors in the same process. */
import type { RecordedEvent, RecordedKind, RecordedNews } from '../contracts/recorded.ts';
import type { Draft } from './encode.ts';

export interface Tail {
  readonly add: (event: Draft) => void;
  /** What has come since the last call. */
  readonly take: () => RecordedNews;
  /** Something has come that is worth a look. */
  readonly isDue: () => boolean;
}

/** Of each sort: a flood of the usual must not keep out what is rare. */
const MAX_EVENTS = 96;
/** Of one event. */
const MAX_WORDS = 32;
const MAX_CHARACTERS = 2048;

const RARE: ReadonlySet<RecordedKind> = new Set([
  'spawn',
  'execve',
  'addon',
  'builtin',
  'method',
  'prototype',
  'variable',
  'hook',
  'inspector',
]);
const LONG_LABEL = 48;
const TO_RESOLVER = /:(?:53|853)$/u;
const BARE_ADDRESS = / https?:\/\/(?:[\d.]+|\[)/u;
const NOWHERE: ReadonlySet<string> = new Set(['eval', 'vm', 'data:']);

export function makeTail(): Tail {
  let rare: RecordedEvent[] = [];
  let usual: RecordedEvent[] = [];
  let left = 0;
  let isDue = false;
  return {
    add: (event) => {
      const isRare = RARE.has(event.kind) || NOWHERE.has(event.origin?.[0] ?? '');
      const kept = isRare ? rare : usual;
      // Of a child that lives, the host has heard by Node's own channel, and Amber's are known there.
      if ((isRare && event.lineage?.child === undefined) || isTelling(event)) isDue = true;
      if (kept.length < MAX_EVENTS) kept.push(bounded(event));
      else left += 1;
    },
    take: () => {
      const events = [...rare, ...usual].sort((one, other) => one.timeMs - other.timeMs);
      const news = { events, left };
      rare = [];
      usual = [];
      left = 0;
      isDue = false;
      return news;
    },
    isDue: () => isDue,
  };
}

/** Of usual kinds what few functions do: threads, own DNS, names that hold data, bare addresses in packages. */
function isTelling({ kind, subject, count, detail, origin = [] }: Draft): boolean {
  if (kind === 'worker') return true;
  if (kind === 'datagram') return count === 1 && TO_RESOLVER.test(subject);
  if (kind === 'resolve') return Number(detail?.['label'] ?? 0) >= LONG_LABEL;
  if (kind !== 'request' || count > 1) return false;
  return BARE_ADDRESS.test(subject) && origin.every((place) => place.includes('/node_modules/'));
}

function bounded(event: Draft): RecordedEvent {
  let room = MAX_CHARACTERS;
  let cut = 0;
  const fit = (text: string): string => {
    const kept = text.length <= room ? text : copied(text.slice(0, room));
    cut += text.length - kept.length;
    room -= kept.length;
    return kept;
  };
  const subject = fit(event.subject);
  const { argv } = event;
  const words = argv?.slice(0, MAX_WORDS).map(fit);
  for (const beyond of argv?.slice(MAX_WORDS) ?? []) cut += beyond.length;
  return { ...event, subject, ...(words === undefined ? {} : { argv: words }), ...(cut === 0 ? {} : { cut }) };
}

/** A slice keeps the whole text in memory. */
function copied(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
