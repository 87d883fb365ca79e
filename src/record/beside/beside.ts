/**
 * The recorder of the extension: what it keeps of a function beside its processes, so that it is there when they are
 * killed. It looks when an invocation begins and ends and when a ring was written, as far as the share of CPU allows.
 * With more than a tenth of a core it also looks by the clock, while an invocation lasts.
 */
import { readdirSync } from 'node:fs';
import type { BytePath } from '../../contracts/evidence.ts';
import type { BesideRecord, RingDoubt } from '../../contracts/recorded.ts';
import { SLOTS } from '../format.ts';
import { followPids, type Children } from './children.ts';
import { followConnections, type Connections } from './connections.ts';
import { watchFiles, type Files } from './files.ts';
import { openJournal, type Journal } from './journal.ts';
import { keepRings, type KeptRings } from './kept-rings.ts';
import { openPace, type Pace } from './pace.ts';
import { watchRings, type RingWatch } from './ring-watch.ts';
import { watchSurroundings, type Surroundings } from './surroundings.ts';

export interface Beside {
  /** An invocation begins. Never throws. */
  readonly begins: (number: number) => void;
  /** It has been answered, or the sandbox ends: all that is new is read. Never throws. */
  readonly ends: () => void;
  /** Processes that are runtimes, as far as somebody knows them. */
  readonly runtimes: (pids: readonly number[]) => void;
  /** Rings that are no longer as they were read. */
  readonly doubts: () => readonly RingDoubt[];
  /** For a capture: reads all that is new first. */
  readonly record: () => BesideRecord;
  readonly close: () => void;
}

export interface BesideOptions {
  /** Cores that the function may use. */
  readonly cores: number;
  readonly writable: readonly BytePath[];
  /** Address of the Runtime API: connections to it tell nothing. */
  readonly api: string;
  /** Nobody tells of invocations: it looks by the clock all the time. */
  readonly always: boolean;
  readonly proc?: string;
}

/** Processes in which rings are looked for, and how long such a search stays fresh. */
const MAX_PROCESSES = 64;
const SEARCH_MS = 1000;
/** Slots of a look that nobody has asked for. */
const MAX_SLOTS = 64;
/** Between two looks by the clock at a full core; less often with less of one, and not at all below the least. */
const TICK_MS = 60;
const LEAST_CORES = 0.1;
/** Looks behind a wake, milliseconds apart: a child that is just being started has no arguments yet. */
const BURST_MS = [1, 1, 2, 4, 8, 16] as const;
/** Ticks between two looks at the counts of sockets. */
const SOCKETS_EVERY = 5;
/** Between two readings of the socket tables at a full core. */
const SOCKETS_MS = 250;

interface State {
  readonly proc: string;
  readonly pace: Pace;
  readonly journal: Journal;
  readonly rings: KeptRings;
  readonly watch: RingWatch;
  readonly children: Children;
  readonly connections: Connections;
  readonly surroundings: Surroundings;
  readonly files: Files;
  readonly runtimes: Set<number>;
  readonly tickMs: number | undefined;
  searchedMs: number;
  ticks: number;
  ticking: NodeJS.Timeout | undefined;
  burst: NodeJS.Timeout | undefined;
  wakes: number;
  /** Wakes that found no CPU left. */
  paused: number;
}

export function openBeside(options: BesideOptions): Beside {
  const state = openState(options);
  if (options.always) tickOn(state);
  return {
    begins: (number) => {
      state.journal.invocation = number;
      look(state);
      tickOn(state);
    },
    ends: () => {
      look(state);
      if (!options.always) tickOff(state);
    },
    runtimes: (pids) => know(state, pids),
    doubts: () => state.rings.doubts(),
    record: () => {
      look(state);
      return { rings: state.rings.all(), observed: state.journal.all(), facts: factsOf(state) };
    },
    close: () => {
      tickOff(state);
      clearTimeout(state.burst);
      state.watch.letGo();
      state.connections.close();
      state.files.close();
      state.children.close();
      state.rings.close();
    },
  };
}

function openState({ cores, writable, api, proc = '/proc' }: BesideOptions): State {
  const journal = openJournal();
  const rings = keepRings(proc);
  const state: State = {
    proc,
    pace: openPace(cores),
    journal,
    rings,
    watch: watchRings(() => wake(state)),
    children: followPids(journal, proc),
    connections: followConnections({
      ...{ journal, api, proc, everyMs: SOCKETS_MS / Math.min(1, cores) },
      charge: (ms) => state.pace.charge(ms),
    }),
    surroundings: watchSurroundings(journal, writable, proc),
    files: watchFiles({ journal, roots: writable, allows: (ms) => charged(state, ms) }),
    runtimes: new Set(),
    tickMs: cores < LEAST_CORES ? undefined : Math.round(TICK_MS / Math.min(1, cores)),
    searchedMs: Number.NEGATIVE_INFINITY,
    ticks: 0,
    ticking: undefined,
    burst: undefined,
    wakes: 0,
    paused: 0,
  };
  state.files.open();
  return state;
}

function factsOf(state: State): Readonly<Record<string, unknown>> {
  const { pace, rings, journal, children, files, wakes, paused, watch } = state;
  const unwatched = watch.refused();
  return {
    cpuMs: Math.round(pace.spentMs()),
    wakes,
    paused,
    ringsLeft: rings.left(),
    pids: children.facts(),
    files: files.facts(),
    eventsLeft: journal.left(),
    ...(unwatched === undefined ? {} : { unwatched }),
  };
}

function know({ runtimes, children }: State, pids: readonly number[]): void {
  for (const pid of pids) runtimes.add(pid);
  children.runtimes(pids);
}

/** All that is due where somebody has asked: rings are looked for and read, children and surroundings looked at. */
function look(state: State): void {
  state.wakes += 1;
  state.pace.spend(() => {
    const nowMs = performance.now();
    if (nowMs - state.searchedMs >= SEARCH_MS) {
      state.searchedMs = nowMs;
      state.rings.search(pidsOf(state.proc));
    }
    state.watch.cover(state.rings.all());
    state.rings.read(SLOTS);
    know(
      state,
      state.rings.all().flatMap(({ holders }) => holders.slice(0, 1)),
    );
    state.children.look();
    state.files.open();
    state.files.check();
    state.pace.charge(state.surroundings.look([...state.runtimes]));
    state.connections.look([...state.runtimes, ...state.children.living()]);
  });
}

/** True while there is CPU left for what nobody has asked for. */
function allows(state: State): boolean {
  if (state.pace.allows()) return true;
  state.paused += 1;
  return false;
}

function charged(state: State, ms: number): boolean {
  if (!allows(state)) return false;
  state.pace.charge(ms);
  return true;
}

/** A ring was written: a child may just be starting. A flood ends the watch until the next invocation. */
function wake(state: State): void {
  if (!allows(state)) {
    state.watch.letGo();
    return;
  }
  state.wakes += 1;
  state.pace.spend(() => {
    state.rings.read(MAX_SLOTS);
    state.children.look();
  });
  burst(state, 0);
}

function burst(state: State, step: number): void {
  const ms = BURST_MS[step];
  if (state.burst !== undefined && step === 0) return;
  state.burst = undefined;
  if (ms === undefined || !allows(state)) return;
  state.burst = setTimeout(() => {
    state.pace.spend(() => void state.children.look());
    burst(state, step + 1);
  }, ms).unref();
}

function tickOn(state: State): void {
  if (state.tickMs === undefined || state.ticking !== undefined) return;
  state.ticking = setInterval(() => tick(state), state.tickMs).unref();
}

function tickOff(state: State): void {
  clearInterval(state.ticking);
  state.ticking = undefined;
}

/** One read where nothing has moved. */
function tick(state: State): void {
  state.ticks += 1;
  state.files.check();
  const holders = [...state.runtimes, ...state.children.living()];
  if (state.ticks % SOCKETS_EVERY === 0 && state.pace.allows()) state.connections.look(holders);
  if (!state.children.hasMoved() || !allows(state)) return;
  state.pace.spend(() => void state.children.look());
  burst(state, 0);
}

/** Our own holds rings for us alone. */
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
