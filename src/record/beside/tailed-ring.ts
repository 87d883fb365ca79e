/**
 * The tailed copy of a ring: what was read when it was new. A process with the uid can write into a ring later, so the
 * copy tells what stood there before.
 */
import { fstatSync, readSync } from 'node:fs';
import type { RecordedEvent, RingDoubt, TailFacts } from '../../contracts/recorded.ts';
import { differences } from '../compare.ts';
import { decodeRing, decodeSlot, isEvent } from '../decode.ts';
import { RING_BYTES, SLOT_BYTES, SLOTS } from '../format.ts';

export interface TailedRing {
  /** Copies what is new, `most` slots at a call. Gives the events. */
  readonly read: (most?: number) => readonly RecordedEvent[];
  /** The copy, oldest first. */
  readonly tailed: () => readonly RecordedEvent[];
  readonly facts: () => TailFacts;
  /** How the ring differs from its copy; undefined where it does not. */
  readonly doubt: () => Omit<RingDoubt, 'identity' | 'holders'> | undefined;
}

/** Slots of one read. */
const AT_ONCE = 32;
/** Two processes that write at once may take the same sequence. */
const RACE_MS = 1000;

interface State {
  readonly fd: number;
  /** Slots as they were. Its pages are taken from the kernel when they are written. */
  readonly copy: Buffer;
  next: number;
  missed: number;
}

export function tailRing(fd: number): TailedRing {
  const state: State = { fd, copy: Buffer.alloc(RING_BYTES), next: 1, missed: 0 };
  return {
    read: (most = SLOTS) => readNew(state, most),
    tailed: () => decodeRing(state.copy).events,
    facts: () => ({ last: state.next - 1, missed: state.missed }),
    doubt: () => doubtOf(state),
  };
}

function readNew(state: State, most: number): readonly RecordedEvent[] {
  const page = Buffer.allocUnsafe(AT_ONCE * SLOT_BYTES);
  const events: RecordedEvent[] = [];
  while (events.length < most) {
    const slot = (state.next - 1) % SLOTS;
    const want = Math.min(AT_ONCE, SLOTS - slot, most - events.length);
    const got = readSync(state.fd, page, 0, want * SLOT_BYTES, slot * SLOT_BYTES);
    for (let at = 0; at < want; at += 1) {
      const bytes = page.subarray(at * SLOT_BYTES, Math.min(got, (at + 1) * SLOT_BYTES));
      const found = decodeSlot(bytes);
      if (isEvent(found) && found.sequence === state.next) {
        keep(state, found, bytes);
        events.push(found);
      } else if (isEvent(found) && found.sequence < state.next) return events;
      else return found === undefined ? events : [...events, ...goOn(state, most - events.length)];
    }
  }
  return events;
}

function keep(state: State, { sequence }: RecordedEvent, bytes: Uint8Array): void {
  state.copy.set(bytes, ((sequence - 1) % SLOTS) * SLOT_BYTES);
  state.next = sequence + 1;
}

/** More than a round was written since the last look, or the next slot holds no event: the whole ring tells. */
function goOn(state: State, most: number): readonly RecordedEvent[] {
  const bytes = whole(state);
  const { events, faults } = decodeRing(bytes);
  const faulty = new Set(faults.map(({ slot }) => slot));
  const fresh = events
    .filter(({ sequence }) => sequence >= state.next && !faulty.has((sequence - 1) % SLOTS))
    .slice(0, most);
  for (const event of fresh) {
    const at = ((event.sequence - 1) % SLOTS) * SLOT_BYTES;
    state.missed += event.sequence - state.next;
    keep(state, event, bytes.subarray(at, at + SLOT_BYTES));
  }
  return fresh;
}

function whole({ fd }: State): Buffer {
  const bytes = Buffer.allocUnsafe(RING_BYTES);
  return bytes.subarray(0, readSync(fd, bytes, 0, RING_BYTES, 0));
}

function doubtOf(state: State): ReturnType<TailedRing['doubt']> {
  const bytes = whole(state);
  if (state.next === 1 || (bytes.length === RING_BYTES && bytes.equals(state.copy))) return undefined;
  const found = decodeRing(bytes);
  const tailed = decodeRing(state.copy).events;
  const now = new Map(found.events.map((event) => [event.sequence, event]));
  const before = new Map(tailed.map((event) => [event.sequence, event]));
  const { changed, erased } = differences(tailed, found);
  const isRace = (sequence: number): boolean => {
    const [one, other] = [before.get(sequence), now.get(sequence)];
    return one?.pid !== other?.pid && Math.abs((one?.timeMs ?? 0) - (other?.timeMs ?? 0)) < RACE_MS;
  };
  // The slot that comes next may just be written.
  const isUnderway = (sequence: number): boolean => (sequence - 1) % SLOTS === (state.next - 1) % SLOTS;
  const last = found.events.at(-1)?.sequence ?? 0;
  const missing = RING_BYTES - Math.min(RING_BYTES, fstatSync(state.fd).size);
  const doubt = {
    changed: changed.filter((sequence) => !isRace(sequence)),
    erased: erased.filter((sequence) => !isUnderway(sequence)),
    ...(last < state.next - 1 ? { back: { from: state.next - 1, to: last } } : {}),
    ...(missing > 0 ? { bytesMissing: missing } : {}),
  };
  return doubt.changed.length + doubt.erased.length === 0 && missing === 0 && !('back' in doubt) ? undefined : doubt;
}
