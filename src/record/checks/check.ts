/** What no hook tells is compared: some of it at each invocation, in turns, so that none of them pays for all. */
import { kept } from '../kept.ts';
import type { Recorder } from '../recorder.ts';

const { textOf } = kept;

/** What a check tells. */
export type Teller = Pick<Recorder, 'put'>;

/** One thing that is compared. */
export interface Check {
  /** Of the {@link TURN} that an invocation has; what takes a microsecond has all of it. */
  readonly weight: number;
  readonly ask: (recorder: Teller) => void;
}

/** What an invocation compares at most. */
export const TURN = 8;

export interface Turns {
  /** The next ones. */
  readonly next: (recorder: Teller) => void;
  /** All of them. */
  readonly all: (recorder: Teller) => void;
  readonly add: (checks: readonly Check[]) => void;
  /** Invocations until the last of them has been asked: the longest delay of what is told. */
  readonly longest: () => number;
}

export function makeTurns(): Turns {
  const checks: Check[] = [];
  let at = 0;
  return {
    next: (recorder) => {
      let left = TURN;
      // None twice in one turn.
      const last = at;
      do {
        const check = checks[at];
        if (check === undefined || check.weight > left) return;
        left -= check.weight;
        at = at + 1 === checks.length ? 0 : at + 1;
        askOne(check, recorder);
      } while (at !== last);
    },
    all: (recorder) => {
      for (const check of checks) askOne(check, recorder);
    },
    add: (more) => void checks.push(...more),
    longest: () => turnsOf(checks) + 1,
  };
}

/** What does not fit into a turn waits for the next one. A round that begins elsewhere takes one more at most. */
function turnsOf(checks: readonly Check[]): number {
  let turns = 1;
  let left = TURN;
  for (const { weight } of checks) {
    if (weight > left) {
      turns += 1;
      left = TURN;
    }
    left -= weight;
  }
  return turns;
}

function askOne(check: Check, recorder: Teller): void {
  try {
    check.ask(recorder);
  } catch {
    // What stands in a property's place may be a getter that throws.
  }
}

/** A property that holds a function, and what stood in it when it was last looked at. */
export interface Noted {
  readonly name: string;
  readonly holder: Readonly<Record<string, unknown>>;
  readonly key: string;
  value: unknown;
}

/** True once for each change: what is there now is what the next call compares with. */
export function hasChanged(note: Noted): boolean {
  const value = note.holder[note.key];
  if (value === note.value) return false;
  note.value = value;
  return true;
}

/** What stands there now, in numbers. */
export function described(value: unknown): Readonly<Record<string, string | number>> {
  if (typeof value !== 'function') return { now: typeof value };
  return { now: 'function', characters: textOf(value).length };
}
