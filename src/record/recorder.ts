/** The recorder of a process: what hooks tell becomes events in its ring, counted, within the budget of each kind. */
import type { Lineage, RecordedKind } from '../contracts/recorded.ts';
import type { BegunRing } from './begin.ts';
import type { Draft } from './encode.ts';
import { openBudget, type Budget } from './budget.ts';
import { kept } from './kept.ts';
import { openRing, ringIn, type Ring } from './ring.ts';
import { makeTail, type Tail } from './tail.ts';

const { now } = kept;

/** A function that closes every descriptor takes the ring with it: so often another one is made. */
const MAX_RINGS = 4;

/** What a hook tells beside kind and subject. */
export interface Told {
  readonly argv?: readonly string[];
  readonly lineage?: Lineage;
  readonly detail?: Readonly<Record<string, string | number>>;
  /** The code that did it. Asked only for an event that is written: it takes longer than all the rest. */
  readonly origin?: () => readonly string[];
}

export interface RecorderFacts {
  readonly tallies: ReturnType<Budget['tallies']>;
  /** Rings that were made: each after the first because somebody took the one before, or for a restored snapshot. */
  readonly rings: number;
  /** Events that could not be written: there was no ring, or it did not take them. */
  readonly unwritten: number;
  /** Why the ring lies in memory alone. */
  readonly refused?: string;
}

export interface Recorder {
  /** The number of the invocation that began last. */
  invocation: number;
  /** Never throws. True for what has not happened before, as far as it is remembered. */
  readonly put: (kind: RecordedKind, subject: string, told?: Told) => boolean;
  /** Goes on in a new ring. */
  readonly renew: (why: string) => void;
  readonly ring: () => Ring | undefined;
  readonly tail: Tail;
  readonly facts: () => RecorderFacts;
}

/** Who records, for the first event of a ring. */
export interface RecorderIdentity {
  /** Language and version: `node 24.21.0`. */
  readonly language: string;
  readonly pid: number;
  readonly detail?: Readonly<Record<string, string | number>>;
}

interface State {
  readonly identity: RecorderIdentity;
  readonly open: () => Ring;
  readonly budget: Budget;
  readonly tail: Tail;
  ring: Ring | undefined;
  rings: number;
  sequence: number;
  unwritten: number;
  /** An event is being made: what its making causes is not recorded. */
  busy: boolean;
}

/** @param begun - the ring that this process has already, with its first event */
export function openRecorder(identity: RecorderIdentity, open: () => Ring = openRing, begun?: BegunRing): Recorder {
  const state: State = {
    identity,
    open,
    budget: openBudget(),
    tail: makeTail(),
    ring: undefined,
    rings: 0,
    sequence: 0,
    unwritten: 0,
    busy: false,
  };
  const recorder: Recorder = {
    invocation: 0,
    put: (kind, subject, told = {}) => {
      if (state.busy) return false;
      state.busy = true;
      let isNew = false;
      try {
        isNew = judge(state, recorder.invocation, { kind, subject, told });
      } catch {
        state.unwritten += 1;
      }
      state.busy = false;
      return isNew;
    },
    renew: (why) => begin(state, recorder.invocation, why),
    ring: () => state.ring,
    tail: state.tail,
    facts: () => factsOf(state),
  };
  if (begun === undefined) begin(state, 0, 'init');
  else goOn(state, begun);
  return recorder;
}

interface Item {
  readonly kind: RecordedKind;
  readonly subject: string;
  readonly told: Told;
}

function judge(state: State, invocation: number, item: Item): boolean {
  const { kind, subject, told } = item;
  const timeMs = now();
  const key = told.argv === undefined ? subject : `${subject}\0${told.argv.join('\0')}`;
  const verdict = state.budget.judge(kind, key, timeMs);
  if (verdict === undefined) return false;
  if ('count' in verdict) {
    write(state, { invocation, timeMs, item, count: verdict.count });
    return verdict.count === 1;
  }
  const { left } = verdict;
  // Told at the 1st, 2nd, 4th, 8th … that is left out.
  if (kind !== 'limit' && (left & (left - 1)) === 0) {
    const limit = { kind: 'limit', subject: kind, told: { detail: { left } } } as const;
    const said = state.budget.judge('limit', `${kind} ${left}`, timeMs);
    if (said !== undefined && 'count' in said) write(state, { invocation, timeMs, item: limit, count: 1 });
  }
  return false;
}

interface Due {
  readonly invocation: number;
  readonly timeMs: number;
  readonly item: Item;
  readonly count: number;
}

function write(state: State, due: Due): void {
  if (state.ring === undefined) {
    state.unwritten += 1;
    return;
  }
  const { kind, subject, told } = due.item;
  const event: Draft = {
    sequence: state.sequence + 1,
    timeMs: due.timeMs,
    invocation: due.invocation,
    pid: state.identity.pid,
    kind,
    subject,
    count: due.count,
    ...told,
    origin: told.origin?.() ?? [],
  };
  const written = state.ring.write(event);
  state.sequence += 1;
  if (written !== 'lost') state.tail.add(event);
  if (written === 'written') return;
  if (written === 'failed') {
    state.unwritten += 1;
    return;
  }
  begin(state, due.invocation, 'taken away');
  write(state, due);
}

function begin(state: State, invocation: number, why: string): void {
  if (state.rings === MAX_RINGS) {
    state.ring = undefined;
    return;
  }
  state.rings += 1;
  state.sequence = 0;
  state.ring = state.open();
  const { language, detail } = state.identity;
  const { place } = state.ring;
  const where = 'refused' in place ? { memory: place.refused } : {};
  const told = { detail: { ring: state.rings, why, ...where, ...detail } };
  write(state, { invocation, timeMs: now(), item: { kind: 'begin', subject: language, told }, count: 1 });
}

/** As {@link begin} has left it that has written the first event. */
function goOn(state: State, { place, timeMs }: BegunRing): void {
  const { language, pid } = state.identity;
  state.ring = ringIn(place);
  state.rings = 1;
  state.sequence = 1;
  const event = { invocation: 0, pid, kind: 'begin', subject: language, count: 1, origin: [] } as const;
  state.tail.add({ sequence: 1, timeMs, ...event, detail: { ring: 1, why: 'init' } });
}

function factsOf({ budget, rings, unwritten, ring }: State): RecorderFacts {
  const refused = ring !== undefined && 'refused' in ring.place ? { refused: ring.place.refused } : {};
  return { tallies: budget.tallies(), rings, unwritten, ...refused };
}
