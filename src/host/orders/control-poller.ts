/**
 * When the control object is read in process: at init, and at the beginning of invocations under the TTL, beside the
 * handler. What a read brings counts as soon as it is there: in its own invocation if the handler takes that long, else in
 * the next. All that reads is loaded only where AMBER_CONTROL is set.
 */
import type { Config } from '../../config/config.ts';
import type { InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { isAmberError, type AmberError } from '../../errors.ts';
import type { Ground } from '../wrapper/setup.ts';
import type { Control } from './control.ts';
import { shared, type SandboxState } from '../limits/state.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with it.
const { clearTimeout, setTimeout } = globalThis;

/** Longest time of one read. The handler runs meanwhile. */
const READ_MS = 2000;
/** A read that is older than this when an invocation begins was frozen in between: its connection is dead. */
const STALE_MS = 1000;
/**
 * An answer waits so long, at most, for a read that was begun before its invocation: a handler that is always quicker than
 * the read would otherwise never let one end. Not again after a wait that brought nothing, until a read has succeeded.
 */
const HOLD_MS = 150;
/** In an invocation that lasts, the object is read again under the TTL; not more often than this. */
const LEAST_AGAIN_MS = 1000;

export interface Checks {
  /** An invocation begins (1 also for init: the first invocation waits for nothing). `isQuiet`: its client waits for an empty event loop before it takes the answer. */
  readonly begin: (invocation: number, isQuiet: () => boolean) => void;
  /** What the answer of this invocation has to wait for, at most {@link HOLD_MS}; undefined: nothing. */
  readonly overdue: (invocation: number, leftMs: number) => Promise<unknown> | undefined;
  /** The answer goes out to a client that waits for an empty event loop: lets go of a read that still runs. */
  readonly letGo: () => void;
  /** The order that is due, if one is held at all. */
  readonly due: (facts: () => InvocationFacts) => OrderedCapture | undefined;
  readonly took: (ordered: OrderedCapture) => void;
  readonly stopped: () => boolean;
  /** Reads on while a capture runs, and calls `stop` with a reason to end it when a signed order to stop comes. @returns what to call at its end. */
  readonly heed: (stop: (reason: AmberError) => void) => () => void;
}

/** How a control is opened; replaced in tests. */
export type OpenControl = () => Promise<Control>;

const kept = shared<Checks>('checks');

/** The checks of this sandbox, one for all hosts in it; undefined where AMBER_CONTROL is not set. */
export function checksFor(config: Config, state: SandboxState, ground: Ground): Checks | undefined {
  if (config.control === undefined || config.capture === 'off') return undefined;
  const open = ground.control ?? (async () => (await import('./control.ts')).openControl(config, ground));
  const checks = kept.get(state) ?? makeChecks(open, state, config, ground);
  kept.set(state, checks);
  return checks;
}

interface Read {
  readonly startedMs: number;
  /** The invocation that first wanted it. */
  readonly since: number;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

/** All that is kept between invocations. */
interface Site {
  readonly open: OpenControl;
  readonly state: SandboxState;
  readonly config: Config;
  readonly ground: Ground;
  control: Control | undefined;
  opening: Promise<Control | undefined> | undefined;
  running: Read | undefined;
  /** The invocation that wanted a read which was let go. */
  owed: number | undefined;
  /** False after a wait that brought nothing, until a read succeeds. */
  patient: boolean;
  isQuiet: () => boolean;
  again: NodeJS.Timeout | undefined;
}

function makeChecks(open: OpenControl, state: SandboxState, config: Config, ground: Ground): Checks {
  const site: Site = {
    open, state, config, ground, control: undefined, opening: undefined, running: undefined, owed: undefined, patient: true,
    isQuiet: () => false, again: undefined,
  };
  return {
    begin: (invocation, isQuiet) => {
      site.isQuiet = isQuiet;
      begin(site, invocation);
    },
    overdue: (invocation, leftMs) => {
      const { running, control } = site;
      if (running === undefined || running.since >= invocation || !site.patient || control?.lastRead() === 'failed') return undefined;
      return within(site, running.ended, Math.max(0, Math.min(HOLD_MS, leftMs)));
    },
    letGo: () => {
      site.owed = site.running?.since ?? site.owed;
      drop(site);
    },
    due: (facts) => (site.control?.isPending() === true ? site.control.due(facts()) : undefined),
    took: (ordered) => site.control?.took(ordered),
    stopped: () => site.control?.stopped() === true,
    heed: (stop) => heed(site, stop),
  };
}

function begin(site: Site, invocation: number): void {
  const { running, control } = site;
  const nowMs = Date.now();
  if (running !== undefined) {
    if (nowMs - running.startedMs < STALE_MS) return;
    drop(site);
    control?.dropConnections();
    start(site, running.since);
  } else if (site.owed !== undefined || control === undefined || nowMs >= control.nextMs()) {
    start(site, site.owed ?? invocation);
  }
}

function start(site: Site, since: number): void {
  site.owed = undefined;
  const stop = new AbortController();
  // Behind what the runtime client does on this stack: then the handler has been called, and it is known how it answers.
  const ended = Promise.resolve().then(() => run(site, read)).catch(() => undefined);
  const read: Read = { startedMs: Date.now(), since, stop, ended };
  site.running = read;
}

async function run(site: Site, read: Read): Promise<void> {
  const quiet = site.isQuiet();
  const control = site.control ?? (await opened(site));
  await control?.check(READ_MS, undefined, { fresh: true, background: true, quiet, signal: read.stop.signal });
  if (control?.lastRead() === 'good') site.patient = true;
  if (site.running !== read) return; // it was dropped, and another one may run
  site.running = undefined;
  if (control?.nextMs() === 0) site.owed = read.since; // it was cut, and what it was to bring is still wanted
  readAgain(site);
}

function opened(site: Site): Promise<Control | undefined> {
  return (site.opening ??= site.open().then(
    (made) => (site.control = made),
    (error: unknown) => {
      site.ground.log('fault', { where: 'control', error: isAmberError(error) ? error.message : 'the channel could not be opened' });
      return undefined;
    },
  ));
}

/** An invocation that lasts gets to know of orders as well. */
function readAgain(site: Site): void {
  clearTimeout(site.again);
  if (site.state.inFlight === 0) return;
  site.again = setTimeout(() => {
    if (site.state.inFlight > 0 && site.running === undefined) start(site, site.state.invocations);
  }, Math.max(LEAST_AGAIN_MS, site.config.controlTtlMs));
  site.again.unref();
}

function drop(site: Site): void {
  site.running?.stop.abort();
  site.running = undefined;
}

/** The timer keeps the event loop alive: an answer is held, and a callback runtime must not find the loop empty. */
function within(site: Site, ended: Promise<unknown>, ms: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      site.patient = false;
      resolve(undefined);
    }, ms);
    void ended.then(() => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

function heed({ control, config }: Site, stop: (reason: AmberError) => void): () => void {
  let end: (() => void) | undefined;
  let isOver = control === undefined;
  if (control !== undefined) {
    void import('./stop-order.ts').then(({ heedStop }) => {
      if (!isOver) end = heedStop({ control, ttlMs: config.controlTtlMs, facts: () => undefined, stop });
    });
  }
  return () => {
    isOver = true;
    end?.();
  };
}
