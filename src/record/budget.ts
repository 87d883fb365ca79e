/**
 * What is written of a flood: the same thing again at its 1st, 2nd, 4th, 8th … time, and of one kind no more than its
 * allowance. The rest is counted.
 */
import type { RecordedKind } from '../contracts/recorded.ts';
import { KINDS, type Allowance } from './format.ts';

/** Things of one kind that are known apart; then counting begins anew, and a count is the least that it can be. */
const MAX_KEYS = 128;
/** A longer key is told by its length and a hash: a slice would keep the whole text in memory. */
const MAX_KEY = 200;

/** What has happened of one kind. */
export interface Tally {
  /** How often in all. */
  seen: number;
  /** Events that were written. */
  written: number;
  /** Events that were due and not admitted. */
  left: number;
}

/**
 * Whether an event is to be written. `count`: it is, and it happens so often. `left`: this many of its kind were not.
 */
export type Verdict = { readonly count: number } | { readonly left: number } | undefined;

export interface Budget {
  /** @param nowMs - milliseconds since the epoch */
  readonly judge: (kind: RecordedKind, key: string, nowMs: number) => Verdict;
  /** By kind, what has happened until now. */
  readonly tallies: () => Readonly<Partial<Record<RecordedKind, Readonly<Tally>>>>;
}

interface KindState extends Tally {
  readonly allowance: Allowance;
  readonly counts: Map<string, number>;
  room: number;
  filledMs: number;
}

export function openBudget(): Budget {
  const states = new Map<RecordedKind, KindState>();
  return {
    judge: (kind, key, nowMs) => {
      let state = states.get(kind);
      if (state === undefined) {
        state = freshState(KINDS[kind], nowMs);
        states.set(kind, state);
      }
      return judge(state, key, nowMs);
    },
    tallies: () => {
      const all: Partial<Record<RecordedKind, Tally>> = {};
      for (const [kind, { seen, written, left }] of states) all[kind] = { seen, written, left };
      return all;
    },
  };
}

function freshState(allowance: Allowance, nowMs: number): KindState {
  return { allowance, counts: new Map(), room: allowance.burst, filledMs: nowMs, seen: 0, written: 0, left: 0 };
}

function judge(state: KindState, text: string, nowMs: number): Verdict {
  const key = text.length > MAX_KEY ? shortKey(text) : text;
  const count = (state.counts.get(key) ?? 0) + 1;
  state.seen += 1;
  if (count === 1 && state.counts.size === MAX_KEYS) state.counts.clear();
  state.counts.set(key, count);
  if ((count & (count - 1)) !== 0) return undefined;
  refill(state, nowMs);
  if (state.room < 1) {
    state.left += 1;
    return { left: state.left };
  }
  state.room -= 1;
  state.written += 1;
  return { count };
}

/** A clock that goes back gives nothing, and takes nothing. */
function refill(state: KindState, nowMs: number): void {
  const { allowance, filledMs } = state;
  state.filledMs = nowMs;
  if (nowMs > filledMs)
    state.room = Math.min(allowance.burst, state.room + ((nowMs - filledMs) / 1000) * allowance.perSecond);
}

/** FNV-1a of beginning and end, and the length. */
function shortKey(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < MAX_KEY; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ text.charCodeAt(text.length - 1 - at), 0x01000193);
  }
  return `${text.length} ${hash}`;
}
