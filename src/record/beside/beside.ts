/**
 * The recorder of the extension: what it keeps of a function beside its processes, so that it is there when they are
 * killed. It looks when an invocation begins and ends and when a ring was written, as far as the share of CPU allows.
 */
import { readdirSync, watch, type FSWatcher } from 'node:fs';
import type { BesideRecord, KeptRing, RingDoubt } from '../../contracts/recorded.ts';
import { SLOTS } from '../format.ts';
import { keepRings, type KeptRings } from './kept-rings.ts';
import { openPace, type Pace } from './pace.ts';

export interface Beside {
  /** An invocation begins. Never throws. */
  readonly begins: () => void;
  /** It has been answered, or the sandbox ends: all that is new is read. Never throws. */
  readonly ends: () => void;
  /** Rings that are no longer as they were read. */
  readonly doubts: () => readonly RingDoubt[];
  /** For a capture: reads all that is new first. */
  readonly record: () => BesideRecord;
  readonly close: () => void;
}

export interface BesideOptions {
  /** Cores that the function may use. */
  readonly cores: number;
  readonly proc?: string;
}

/** Processes in which rings are looked for, and how long such a search stays fresh. */
const MAX_PROCESSES = 64;
const SEARCH_MS = 1000;
/** Slots of a look that nobody has asked for. */
const MAX_SLOTS = 64;

interface State {
  readonly proc: string;
  readonly pace: Pace;
  readonly rings: KeptRings;
  readonly watchers: Map<string, FSWatcher>;
  searchedMs: number;
  /** Why rings are not watched, where they are not. */
  unwatched: string | undefined;
  wakes: number;
  /** Wakes that found no CPU left. */
  paused: number;
}

export function openBeside({ cores, proc = '/proc' }: BesideOptions): Beside {
  const state: State = {
    proc,
    pace: openPace(cores),
    rings: keepRings(proc),
    watchers: new Map(),
    searchedMs: Number.NEGATIVE_INFINITY,
    unwatched: undefined,
    wakes: 0,
    paused: 0,
  };
  return {
    begins: () => look(state),
    ends: () => look(state),
    doubts: () => state.rings.doubts(),
    record: () => {
      look(state);
      return { rings: state.rings.all(), facts: factsOf(state) };
    },
    close: () => {
      letGo(state);
      state.rings.close();
    },
  };
}

function factsOf({ pace, rings, wakes, paused, unwatched }: State): Readonly<Record<string, unknown>> {
  return {
    cpuMs: Math.round(pace.spentMs()),
    wakes,
    paused,
    ringsLeft: rings.left(),
    ...(unwatched === undefined ? {} : { unwatched }),
  };
}

/** Rings are looked for, the new ones are watched, and all that is new in them is read. */
function look(state: State): void {
  state.wakes += 1;
  state.pace.spend(() => {
    const nowMs = performance.now();
    if (nowMs - state.searchedMs >= SEARCH_MS) {
      state.searchedMs = nowMs;
      state.rings.search(pidsOf(state.proc));
    }
    for (const ring of state.rings.all()) watchRing(state, ring);
    state.rings.read(SLOTS);
  });
}

/** Somebody has written. A flood ends the watch until the next invocation. */
function wake(state: State): void {
  if (!state.pace.allows()) {
    state.paused += 1;
    letGo(state);
    return;
  }
  state.wakes += 1;
  state.pace.spend(() => void state.rings.read(MAX_SLOTS));
}

/** Limits on inotify are shared with the function: at the first refusal it goes without. */
function watchRing(state: State, { identity, fd }: KeptRing): void {
  if (state.watchers.has(identity) || state.unwatched !== undefined) return;
  try {
    const watcher = watch(`/proc/self/fd/${fd}`, { persistent: false }, () => wake(state));
    watcher.on('error', () => letGo(state));
    state.watchers.set(identity, watcher);
  } catch (error) {
    state.unwatched = (error as NodeJS.ErrnoException).code ?? 'unknown';
    letGo(state);
  }
}

function letGo({ watchers }: State): void {
  for (const watcher of watchers.values()) watcher.close();
  watchers.clear();
}

/** Our own last: a descriptor that we hold tells nothing of the function. */
function pidsOf(proc: string): readonly number[] {
  try {
    const pids = readdirSync(proc).filter((name) => /^[1-9]\d{0,9}$/u.test(name));
    return pids
      .map(Number)
      .filter((pid) => pid !== process.pid)
      .sort((one, other) => one - other)
      .slice(0, MAX_PROCESSES);
  } catch {
    return [];
  }
}
