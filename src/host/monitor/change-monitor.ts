/**
 * Whether anything has moved in the sandbox since the last invocation, asked in process at the cost of some
 * microseconds.
 *
 * It is asked when an invocation begins: what the last one did is done by then. A sandbox is frozen as soon as it has
 * answered, so nothing could be done earlier. While nothing has moved the handler is called directly. When something
 * has, the invocation is watched and the detectors look, beside the handler. What they find starts a capture, for which
 * the answer of that invocation waits.
 */
import type { Cause, Finding } from '../../contracts/evidence.ts';
import type { OwnRecords } from '../../detect/own.ts';
import type { InitFacts, AnomalyMonitor } from '../../detect/anomaly-monitor.ts';
import type { RecordedNews } from '../../contracts/recorded.ts';
import { builtinGroups, currentBuiltins, namedBuiltins, type Group } from './builtins.ts';
import { haveChanged, makeNotes, type Notes } from './notes.ts';
import type { Moved, Probe } from './probe.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with
// it.
const { setTimeout } = globalThis;

/**
 * Files that come and go at every invocation are looked at once a second, and not more than a twentieth of the time.
 */
const FILES_MS = 1000;
const FILES_SHARE = 20;
/** What moves none of what is compared is seen this late. */
const HEARTBEAT_MS = 300_000;
/**
 * With no invocation in progress a capture waits so long for the next one; a sandbox that runs on then is not frozen.
 */
const IDLE_MS = 100;
/** A timer that is later than this was frozen meanwhile. */
const LATE_MS = 50;
/** Children that are kept between two looks. */
const MAX_CHILDREN = 64;

/** What the change monitor asks of an invocation under watch. */
export interface MonitoredInvocation {
  readonly number: number;
  readonly open: boolean;
}

/** What the change monitor does with a finding: asks the triggers, and starts the capture in this invocation. */
export interface FindingHandler<W extends MonitoredInvocation> {
  readonly ask: (tracked: W, findings: readonly Finding[]) => Cause | undefined;
  /** False if too little was left of the invocation: it is tried again in the next one. */
  readonly begin: (tracked: W, cause: Cause) => boolean;
  readonly fault: (error: unknown) => void;
}

export interface ChangeMonitor<W extends MonitoredInvocation> {
  /** An invocation begins: asks whether anything has moved. At most 10 microseconds when nothing has. Never throws. */
  readonly begins: (number: number) => void;
  /** True if this invocation has to be watched. */
  readonly isHot: () => boolean;
  /** It is watched, by whichever trigger. */
  readonly opened: (tracked: W) => void;
  /** A watched invocation has settled. */
  readonly settled: (tracked: W) => void;
  /** The anomaly monitor, for the findings of a capture. Loads it. */
  readonly anomalyMonitor: () => Promise<AnomalyMonitor>;
}

export type OpenMonitor = (records: OwnRecords, init: InitFacts) => Promise<AnomalyMonitor>;

/** The black box of this process. */
export interface NewsSource {
  readonly take: () => RecordedNews;
  /** Something has come that is worth a look. */
  readonly isDue: () => boolean;
}

/** What others in the process have noted already. */
export interface Noted {
  readonly functions?: readonly Group[];
  readonly recorded?: NewsSource | undefined;
}

/** What a scan leaves behind when it ends, all of it at once. */
interface LastScan {
  readonly endedMs: number;
  readonly costMs: number;
  /** Processes that the last invocation has started are still there. The next scan shows whether they outlive it. */
  readonly unsettled: boolean;
}

/**
 * Three states that change apart from each other:
 *
 *     due      none → files                            a file has moved, or the heartbeat is due
 *              none, files → processes                 a process, a built-in or a variable has moved
 *              any → none                              a scan begins
 *     scan     resting → scheduled → running → resting
 *     pending  none → cause                            no invocation is in progress, or too little is left of it
 *              cause → none                            a capture begins
 */
interface MonitorState<W extends MonitoredInvocation> {
  readonly probe: Probe;
  readonly notes: Notes;
  readonly handler: FindingHandler<W>;
  readonly recorded: NewsSource | undefined;
  readonly load: () => Promise<AnomalyMonitor>;
  /** The last invocation that was watched. */
  current: W | undefined;
  /** The invocation in progress, or the last one. */
  moment: { readonly number: number; readonly startedMs: number };
  /** What has moved since the last scan began. A scan for files may be put off, one for processes is not. */
  due: Moved | undefined;
  scan: 'resting' | 'scheduled' | 'running';
  last: LastScan;
  /** Why a capture waits for an invocation. */
  pending: Cause | undefined;
}

/** Opens the change monitor of a sandbox at the end of init. */
export function openChangeMonitor<W extends MonitoredInvocation>(
  probe: (spawned: () => number) => Probe,
  env: NodeJS.ProcessEnv,
  open: OpenMonitor,
  handler: FindingHandler<W>,
  { functions = builtinGroups(), recorded }: Noted = {},
): ChangeMonitor<W> {
  const init = { ms: Date.now(), uptimeSeconds: process.uptime(), rssBytes: 0 };
  const news = recorded === undefined ? {} : { news: recorded.take };
  const records: OwnRecords = { env, children: [], builtins: new Map(), currentBuiltins, ...news };
  hearOfChildren(records);
  const notes = makeNotes(env, functions);
  let monitor: Promise<AnomalyMonitor> | undefined;
  const state: MonitorState<W> = {
    probe: probe(() => startedOf(records)),
    notes,
    handler,
    recorded,
    current: undefined,
    moment: { number: 0, startedMs: init.ms },
    due: undefined,
    scan: 'resting',
    last: { endedMs: init.ms, costMs: 0, unsettled: false },
    pending: undefined,
    load: () => {
      if (monitor !== undefined) return monitor;
      for (const [name, value] of namedBuiltins(notes.functions)) records.builtins.set(name, value);
      return (monitor = open(records, ended(init)));
    },
  };
  return {
    begins: (number) => {
      try {
        ended(init);
        begins(state, number);
      } catch (error) {
        handler.fault(error); // what stands in a built-in's place may be anything, also a getter that throws
      }
    },
    isHot: () =>
      state.due !== undefined || state.last.unsettled || state.scan !== 'resting' || state.pending !== undefined,
    opened: (tracked) => opened(state, tracked),
    settled: (tracked) => settled(state, tracked),
    anomalyMonitor: state.load,
  };
}

/**
 * Init ends when the first invocation begins: what is loaded until then is its memory, too. A look before that ends it
 * as well.
 */
function ended(init: { -readonly [K in keyof InitFacts]: InitFacts[K] }): InitFacts {
  if (init.rssBytes === 0) init.rssBytes = process.memoryUsage.rss();
  return init;
}

/** The one way to hear of children that wraps nothing; starts that wait for their end (spawnSync) do not tell. */
function hearOfChildren(records: OwnRecords): void {
  process.getBuiltinModule('node:diagnostics_channel').subscribe('child_process', (message) => {
    if (records.children.length < MAX_CHILDREN)
      records.children.push({ child: (message as { process?: unknown }).process, atMs: Date.now() });
    else records.missed = (records.missed ?? 0) + 1;
  });
}

/**
 * Children that were started since the last look. A reader that a look of ours has started is no reason for another
 * look.
 */
function startedOf({ children, isOurs }: OwnRecords): number {
  return isOurs === undefined || children.length === 0
    ? children.length
    : children.filter(({ child }) => !isOurs(child)).length;
}

function begins<W extends MonitoredInvocation>(state: MonitorState<W>, number: number): void {
  const nowMs = Date.now();
  state.moment = { number, startedMs: nowMs };
  ask(state, 'all');
  if (nowMs - state.last.endedMs > HEARTBEAT_MS) state.due ??= 'files';
  if (isUrgent(state)) scanSoon(state);
}

function opened<W extends MonitoredInvocation>(state: MonitorState<W>, tracked: W): void {
  state.current = tracked;
  if (state.pending !== undefined) start(state, tracked, state.pending);
}

function ask<W extends MonitoredInvocation>(state: MonitorState<W>, what: 'all' | 'processes'): void {
  const isTold = state.recorded?.isDue() === true;
  const moved = haveChanged(state.notes) || isTold ? 'processes' : state.probe.moved(what);
  if (state.due !== 'processes') state.due = moved ?? state.due;
}

/**
 * Where the sandbox is not frozen at once, what this invocation has started is looked at now; files that moved before
 * it, too.
 */
function settled<W extends MonitoredInvocation>(state: MonitorState<W>, tracked: W): void {
  state.current = tracked;
  ask(state, 'processes');
  if (state.due !== undefined) scanSoon(state);
}

/** Behind what runs now, and nothing that an empty event loop waits for. */
function scanSoon<W extends MonitoredInvocation>(state: MonitorState<W>): void {
  if (state.scan !== 'resting' || isTooSoon(state)) return;
  state.scan = 'scheduled';
  setTimeout(() => void scan(state), 1).unref();
}

/** Processes have moved, or it is not known yet whether those of the last invocation outlive it. */
function isUrgent<W extends MonitoredInvocation>({ due, last }: MonitorState<W>): boolean {
  return due === 'processes' || last.unsettled;
}

function isTooSoon<W extends MonitoredInvocation>(state: MonitorState<W>): boolean {
  if (isUrgent(state)) return false;
  const { endedMs, costMs } = state.last;
  return costMs > 0 && Date.now() - endedMs < FILES_MS + costMs * FILES_SHARE;
}

/** One look. Never rejects. */
async function scan<W extends MonitoredInvocation>(monitorState: MonitorState<W>): Promise<void> {
  const started = performance.now();
  const { moment } = monitorState;
  let { unsettled } = monitorState.last;
  monitorState.scan = 'running';
  monitorState.due = undefined;
  try {
    const { observation, fresh } = await (await monitorState.load()).scan(moment);
    unsettled = observation.processes.some(
      ({ role, startMs, state }) => role === 'other' && state !== 'Z' && startMs + LATE_MS >= moment.startedMs,
    );
    monitorState.probe.seen(observation.processes.map(({ pid }) => pid));
    const tracked = monitorState.current;
    const cause = fresh.length === 0 || tracked === undefined ? undefined : monitorState.handler.ask(tracked, fresh);
    if (cause !== undefined && tracked !== undefined) announce(monitorState, tracked, cause);
  } catch (error) {
    monitorState.handler.fault(error);
  }
  monitorState.last = { endedMs: Date.now(), costMs: performance.now() - started, unsettled };
  monitorState.scan = 'resting';
}

/**
 * Captures in the invocation that is in progress; with none, in the next one, or where the sandbox runs on all the
 * same.
 */
function announce<W extends MonitoredInvocation>(state: MonitorState<W>, tracked: W, cause: Cause): void {
  if (tracked.open) {
    start(state, tracked, cause);
    return;
  }
  state.pending = cause;
  waitForNext(state, tracked, cause);
}

function waitForNext<W extends MonitoredInvocation>(state: MonitorState<W>, tracked: W, cause: Cause): void {
  const due = Date.now() + IDLE_MS;
  setTimeout(() => {
    if (state.pending !== cause) return;
    // It was frozen: an invocation has come, or is about to, and its deadline is to be kept.
    if (Date.now() - due > LATE_MS) waitForNext(state, tracked, cause);
    else start(state, tracked, cause);
  }, IDLE_MS).unref();
}

function start<W extends MonitoredInvocation>(state: MonitorState<W>, tracked: W, cause: Cause): void {
  state.pending = state.handler.begin(tracked, cause) ? undefined : cause;
}
