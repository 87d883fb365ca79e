/**
 * Whether anything has moved in the sandbox since the last invocation, asked in process at the cost of some microseconds.
 *
 * It is asked when an invocation begins: what the last one did is done by then, and a sandbox is frozen as soon as it has
 * answered, so that nothing could be done earlier. While nothing has moved the handler is called directly. When something
 * has, the invocation is watched and the detectors look, beside the handler; what they find starts a capture, for which
 * the answer of that invocation waits.
 */
import type { Cause, Finding } from '../../contracts/evidence.ts';
import type { OwnRecords } from '../../detect/own.ts';
import type { InitFacts, Sentry } from '../../detect/anomaly-monitor.ts';
import { builtinPlaces, currentBuiltins, type Place } from './builtins.ts';
import type { Probe } from './probe.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with it.
const { setTimeout } = globalThis;

/** Files that come and go at every invocation are looked at once a second, and not more than a twentieth of the time. */
const FILES_MS = 1000;
const FILES_SHARE = 20;
/** What moves none of what is compared is seen this late. */
const HEARTBEAT_MS = 300_000;
/** With no invocation in progress a capture waits so long for the next one; a sandbox that runs on then is not frozen. */
const IDLE_MS = 100;
/** A timer that is later than this was frozen meanwhile. */
const LATE_MS = 50;
/** Children that are kept between two looks. */
const MOST_CHILDREN = 64;

/** What the guard asks of an invocation under watch. */
export interface Guarded {
  readonly number: number;
  readonly open: boolean;
}

/** What the guard does with a finding: asks the triggers, and starts the capture in this invocation. */
export interface Alarm<W extends Guarded> {
  readonly ask: (watch: W, findings: readonly Finding[]) => Cause | undefined;
  /** False if too little was left of the invocation: it is tried again in the next one. */
  readonly begin: (watch: W, cause: Cause) => boolean;
  readonly fault: (error: unknown) => void;
}

export interface Guard<W extends Guarded> {
  /** An invocation begins: asks whether anything has moved. At most 10 microseconds when nothing has. Never throws. */
  readonly begins: (number: number) => void;
  /** True if this invocation has to be watched. */
  readonly isHot: () => boolean;
  /** It is watched, by whichever trigger. */
  readonly opened: (watch: W) => void;
  /** A watched invocation has settled. */
  readonly settled: (watch: W) => void;
  /** The sentry, for the findings of a capture. Loads it. */
  readonly sentry: () => Promise<Sentry>;
}

export type OpenSentry = (records: OwnRecords, init: InitFacts) => Promise<Sentry>;

/** A property and what stood in it when it was last looked at. */
interface Note {
  readonly holder: Readonly<Record<string, unknown>>;
  readonly key: string;
  value: unknown;
}

interface Notes {
  readonly functions: readonly Note[];
  readonly variables: readonly Note[];
  /** The variable whose turn it is. */
  next: number;
}

interface Site<W extends Guarded> {
  readonly probe: Probe;
  readonly notes: Notes;
  readonly alarm: Alarm<W>;
  readonly load: () => Promise<Sentry>;
  /** The last invocation that was watched. */
  current: W | undefined;
  /** The invocation in progress, or the last one. */
  moment: { readonly number: number; readonly startedMs: number };
  /** A look is due or under way. */
  looking: boolean;
  /** Something has moved and was not looked at yet. */
  owed: boolean;
  /** A process among it: that is not put off. */
  urgent: boolean;
  /** Processes that were started in the last invocation are still there: whether they outlive it is seen in the next. */
  unsettled: boolean;
  lookedMs: number;
  costMs: number;
  pending: Cause | undefined;
}

/** Opens the guard of a sandbox at the end of init. */
export function openGuard<W extends Guarded>(probe: (spawned: () => number) => Probe, env: NodeJS.ProcessEnv, open: OpenSentry, alarm: Alarm<W>): Guard<W> {
  const init: InitFacts = { ms: Date.now(), uptimeSeconds: process.uptime(), rssBytes: process.memoryUsage.rss() };
  // The one way to hear of children that wraps nothing; starts that wait for their end (spawnSync) do not tell.
  process.getBuiltinModule('node:diagnostics_channel').subscribe('child_process', (message) => {
    if (records.children.length < MOST_CHILDREN) records.children.push({ child: (message as { process?: unknown }).process, atMs: Date.now() });
    else records.missed = (records.missed ?? 0) + 1;
  });
  const places = builtinPlaces();
  const builtins = currentBuiltins(places);
  const records: OwnRecords = { env, children: [], builtins, currentBuiltins };
  let sentry: Promise<Sentry> | undefined;
  const site: Site<W> = {
    probe: probe(() => startedOf(records)), notes: makeNotes(env, places, builtins), alarm, current: undefined, moment: { number: 0, startedMs: init.ms }, looking: false, owed: false, urgent: false, unsettled: false,
    lookedMs: init.ms, costMs: 0, pending: undefined,
    load: () => (sentry ??= open(records, init)),
  };
  return {
    begins: (number) => {
      try {
        begins(site, number);
      } catch (error) {
        alarm.fault(error); // what stands in a built-in's place may be anything, also a getter that throws
      }
    },
    isHot: () => site.owed || site.unsettled || site.looking || site.pending !== undefined,
    opened: (watch) => opened(site, watch),
    settled: (watch) => settled(site, watch),
    sentry: site.load,
  };
}

/** Children that were started since the last look. A reader that a look of ours has started is no reason for another look. */
function startedOf({ children, isOurs }: OwnRecords): number {
  return isOurs === undefined || children.length === 0 ? children.length : children.filter(({ child }) => !isOurs(child)).length;
}

/** Variables that lead requests elsewhere. Node asks libuv for each, 1 microsecond, so one of them is compared at a time. */
const ROUTES = ['AWS_LAMBDA_RUNTIME_API', 'NODE_OPTIONS', 'LD_PRELOAD', 'HTTPS_PROXY', 'AWS_ENDPOINT_URL', '_HANDLER'] as const;

function makeNotes(env: NodeJS.ProcessEnv, places: readonly Place[], builtins: ReadonlyMap<string, unknown>): Notes {
  return {
    functions: places.map(({ name, holder, key }) => ({ holder, key, value: builtins.get(name) })),
    variables: ROUTES.map((key) => ({ holder: env, key, value: env[key] })),
    next: 0,
  };
}

/** True once for each change: what is there now is what the next call compares with. */
function haveChanged(notes: Notes): boolean {
  let changed = false;
  for (const note of notes.functions) changed = hasChanged(note) || changed;
  const variable = notes.variables[notes.next];
  notes.next = (notes.next + 1) % notes.variables.length;
  return (variable !== undefined && hasChanged(variable)) || changed;
}

function hasChanged(note: Note): boolean {
  const value = note.holder[note.key];
  if (value === note.value) return false;
  note.value = value;
  return true;
}

function begins<W extends Guarded>(site: Site<W>, number: number): void {
  const nowMs = Date.now();
  site.moment = { number, startedMs: nowMs };
  ask(site, 'all');
  if (nowMs - site.lookedMs > HEARTBEAT_MS) site.owed = true;
  if (site.urgent || site.unsettled) lookSoon(site);
}

function opened<W extends Guarded>(site: Site<W>, watch: W): void {
  site.current = watch;
  if (site.pending !== undefined) start(site, watch, site.pending);
}

function ask<W extends Guarded>(site: Site<W>, what: 'all' | 'processes'): void {
  const moved = haveChanged(site.notes) ? 'processes' : site.probe.moved(what);
  if (moved !== undefined) site.owed = true;
  if (moved === 'processes') site.urgent = true;
}

/** Where the sandbox is not frozen at once, what this invocation has started is looked at now; files that moved before it, too. */
function settled<W extends Guarded>(site: Site<W>, watch: W): void {
  site.current = watch;
  ask(site, 'processes');
  if (site.owed) lookSoon(site);
}

/** Behind what runs now, and nothing that an empty event loop waits for. */
function lookSoon<W extends Guarded>(site: Site<W>): void {
  if (site.looking || isTooSoon(site)) return;
  site.looking = true;
  setTimeout(() => void look(site), 1).unref();
}

function isTooSoon<W extends Guarded>(site: Site<W>): boolean {
  if (site.urgent || site.unsettled) return false;
  return site.costMs > 0 && Date.now() - site.lookedMs < FILES_MS + site.costMs * FILES_SHARE;
}

/** One look. Never rejects. */
async function look<W extends Guarded>(site: Site<W>): Promise<void> {
  const started = performance.now();
  const { moment } = site;
  site.owed = false;
  site.urgent = false;
  try {
    const { observation, fresh } = await (await site.load()).look(moment);
    site.unsettled = observation.processes.some(({ role, startMs, state }) => role === 'other' && state !== 'Z' && startMs + LATE_MS >= moment.startedMs);
    site.probe.seen(observation.processes.map(({ pid }) => pid));
    const watch = site.current;
    const cause = fresh.length === 0 || watch === undefined ? undefined : site.alarm.ask(watch, fresh);
    if (cause !== undefined && watch !== undefined) announce(site, watch, cause);
  } catch (error) {
    site.alarm.fault(error);
  }
  site.lookedMs = Date.now();
  site.costMs = performance.now() - started;
  site.looking = false;
}

/** Captures in the invocation that is in progress; with none, in the next one, or where the sandbox runs on all the same. */
function announce<W extends Guarded>(site: Site<W>, watch: W, cause: Cause): void {
  if (watch.open) {
    start(site, watch, cause);
    return;
  }
  site.pending = cause;
  waitForNext(site, watch, cause);
}

function waitForNext<W extends Guarded>(site: Site<W>, watch: W, cause: Cause): void {
  const due = Date.now() + IDLE_MS;
  setTimeout(() => {
    if (site.pending !== cause) return;
    // It was frozen: an invocation has come, or is about to, and its deadline is to be kept.
    if (Date.now() - due > LATE_MS) waitForNext(site, watch, cause);
    else start(site, watch, cause);
  }, IDLE_MS).unref();
}

function start<W extends Guarded>(site: Site<W>, watch: W, cause: Cause): void {
  site.pending = site.alarm.begin(watch, cause) ? undefined : cause;
}
