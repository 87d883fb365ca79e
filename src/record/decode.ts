/**
 * Reads a ring as it was found. Its writer may have been killed in the middle, and a process with the uid may have
 * written into it. So nothing is taken on trust: each slot is an event, or a fault with its reason.
 */
import type { Lineage, ReadRing, RecordedEvent, SlotFault } from '../contracts/recorded.ts';
import { defined } from '../defined.ts';
import { isKind, NEWLINE, RING_BYTES, SCHEMA, SLOT_BYTES, SLOTS } from './format.ts';

/** An event may be dated so much before the one that precedes it: clocks are set, and several processes write. */
const BACKWARDS_MS = 1000;
const MAX_TEXT = SLOT_BYTES;
const BLANK_SLOT = new Uint8Array(SLOT_BYTES);

type Fault = Omit<SlotFault, 'slot'>;
type Fields = Readonly<Record<string, unknown>>;

/** One slot: an event, what is wrong with it, or undefined where nothing was ever written. */
export function decodeSlot(bytes: Uint8Array): RecordedEvent | Fault | undefined {
  if (Buffer.compare(bytes, BLANK_SLOT.subarray(0, bytes.length)) === 0) return undefined;
  if (bytes.length < SLOT_BYTES) return { what: 'cut', reason: `has ${bytes.length} of ${SLOT_BYTES} bytes` };
  if (bytes[SLOT_BYTES - 1] !== NEWLINE) return { what: 'unreadable', reason: 'does not end in a newline' };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { what: 'unreadable', reason: 'is no JSON in UTF-8' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { what: 'unreadable', reason: 'is no JSON object' };
  const fields = value as Fields;
  if (fields['v'] !== SCHEMA) return { what: 'schema', reason: `is not of schema ${SCHEMA}` };
  return eventOf(fields) ?? { what: 'unreadable', reason: 'lacks a field, or has one of another type' };
}

export function isEvent(found: RecordedEvent | Fault | undefined): found is RecordedEvent {
  return found !== undefined && 'sequence' in found;
}

function eventOf(fields: Fields): RecordedEvent | undefined {
  const { n, t, i, p, k, c, s } = fields;
  if (!isWhole(n) || n < 1 || !isWhole(t) || !isWhole(i) || !isWhole(p) || !isWhole(c) || c < 1) return undefined;
  if (!isKind(k) || typeof s !== 'string') return undefined;
  const { a, o, l, d, x } = fields;
  if (!isAbsentOr(isTexts, a) || !isAbsentOr(isTexts, o) || !isAbsentOr(isWhole, x)) return undefined;
  if (!isAbsentOr(isLineage, l) || !isAbsentOr(isDetail, d)) return undefined;
  const optional = { argv: a, cut: x, origin: o, lineage: l, detail: d };
  return { sequence: n, timeMs: t, invocation: i, pid: p, kind: k, subject: s, count: c, ...defined(optional) };
}

function isAbsentOr<T>(is: (value: unknown) => value is T, value: unknown): value is T | undefined {
  return value === undefined || is(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLineage(value: unknown): value is Lineage {
  if (!isObject(value)) return false;
  const { child, stdio, ...rest } = value;
  return isAbsentOr(isWhole, child) && isAbsentOr(isTexts, stdio) && Object.keys(rest).length === 0;
}

function isDetail(value: unknown): value is Readonly<Record<string, string | number>> {
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([name, one]) =>
        name.length < MAX_TEXT && name !== '__proto__' && (typeof one === 'string' || Number.isFinite(one)),
    )
  );
}

/** Reads all slots of a ring. */
export function decodeRing(bytes: Uint8Array): ReadRing {
  const faults: SlotFault[] = [];
  const bySequence = new Map<number, RecordedEvent>();
  const most = Math.min(SLOTS, Math.ceil(bytes.length / SLOT_BYTES));
  for (let slot = 0; slot < most; slot += 1) {
    const found = decodeSlot(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
    if (found === undefined) continue;
    const fault = isEvent(found) ? placeFault(found, slot, bySequence) : found;
    if (fault !== undefined) faults.push({ slot, ...fault });
    if (isEvent(found) && fault?.what !== 'twice') bySequence.set(found.sequence, found);
  }
  const events = [...bySequence.values()].sort((one, other) => one.sequence - other.sequence);
  const last = lastOfRun(events);
  faults.push(...orderFaults(events, last));
  return {
    events,
    faults: faults.sort((one, other) => one.slot - other.slot),
    ...gaps(events, last),
    pids: [...new Set(events.map(({ pid }) => pid))].sort((one, other) => one - other),
    sizeFault: bytes.length - RING_BYTES,
  };
}

function slotOf(sequence: number): number {
  return (sequence - 1) % SLOTS;
}

function placeFault(event: RecordedEvent, slot: number, seen: ReadonlyMap<number, RecordedEvent>): Fault | undefined {
  const { sequence } = event;
  if (seen.has(sequence)) return { what: 'twice', reason: `event ${sequence} stands in another slot too` };
  const own = slotOf(sequence);
  return own === slot ? undefined : { what: 'misplaced', reason: `event ${sequence} belongs into slot ${own}` };
}

/**
 * The last sequence of the 512 in a row that have most of the events: one forged number, however large, moves it by
 * nothing.
 */
function lastOfRun(events: readonly RecordedEvent[]): number {
  let from = 0;
  let most = 0;
  let last = 0;
  events.forEach(({ sequence }, at) => {
    while ((events[from]?.sequence ?? sequence) <= sequence - SLOTS) from += 1;
    if (at - from + 1 < most) return;
    most = at - from + 1;
    last = sequence;
  });
  return last;
}

/** What a slot alone does not tell: events that do not belong to the run, and times that go back. */
function orderFaults(events: readonly RecordedEvent[], last: number): SlotFault[] {
  const faults: SlotFault[] = [];
  events.forEach(({ sequence, timeMs }, at) => {
    const slot = slotOf(sequence);
    if (sequence <= last - SLOTS || sequence > last)
      faults.push({ slot, what: 'apart', reason: `event ${sequence} is not among the ${SLOTS} that end with ${last}` });
    const before = events[at - 1];
    if (before !== undefined && before.timeMs - timeMs > BACKWARDS_MS)
      faults.push({ slot, what: 'backwards', reason: `event ${sequence} is dated before event ${before.sequence}` });
  });
  return faults;
}

/** What a whole ring would hold beside these events. */
function gaps(events: readonly RecordedEvent[], last: number): Pick<ReadRing, 'overwritten' | 'missing'> {
  const overwritten = Math.max(0, last - SLOTS);
  const held = new Set(events.map(({ sequence }) => sequence));
  const missing: number[] = [];
  for (let sequence = overwritten + 1; sequence <= last; sequence += 1) {
    if (!held.has(sequence)) missing.push(sequence);
  }
  return { overwritten, missing };
}
