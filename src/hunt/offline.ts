/** All hunts over collected streams, in one pass: each event once, with a few lines around every hit. */
import type { Hunt, HuntFinding, Matcher, WholeHit } from './contracts.ts';
import { platformLine } from './platform.ts';
import type { LogEvent } from '../contracts/log-event.ts';

export interface OfflineOptions {
  readonly hunts: readonly Hunt[];
  /** Lines before and after a hit. */
  readonly context: number;
}

/** Findings of one hunt that are told one by one; the rest is counted. */
const MAX_FINDINGS = 1000;
/** Streams of which the last lines are remembered. */
const MAX_STREAMS = 10_000;
const MAX_MESSAGE = 4096;

interface Pending {
  readonly hunt: Hunt;
  readonly event: LogEvent;
  readonly detail: string;
  readonly before: readonly string[];
  readonly after: string[];
}

interface StreamState {
  readonly recent: string[];
  pending: Pending[];
}

export class OfflineHunt {
  readonly #options: OfflineOptions;
  readonly #matchers: readonly (readonly [Hunt, Matcher])[];
  readonly #streams = new Map<string, StreamState>();
  readonly #counts = new Map<Hunt, number>();
  events = 0;

  constructor(options: OfflineOptions) {
    this.#options = options;
    this.#matchers = options.hunts.map((hunt) => [hunt, hunt.matcher()]);
  }

  /** Takes the next event; gives the findings that are complete with it, their context included. */
  see(event: LogEvent): HuntFinding[] {
    this.events += 1;
    const text = event.message.slice(0, MAX_MESSAGE);
    const { state, evicted } = this.#state(event.logStream);
    const ready = [...evicted, ...this.#follow(state, text)];
    const platform = platformLine(event.message);
    for (const [hunt, matcher] of this.#matchers) {
      const detail = matcher.see(event, platform);
      if (detail === undefined || !this.#admits(hunt)) continue;
      const pending = { hunt, event, detail, before: [...state.recent], after: [] };
      if (this.#options.context === 0) ready.push(finding(pending));
      else state.pending.push(pending);
    }
    state.recent.push(text);
    if (state.recent.length > this.#options.context) state.recent.shift();
    return ready;
  }

  /** What waits for lines that do not come, what only the whole shows, and how many findings were left out. */
  end(): HuntFinding[] {
    const rest = [...this.#streams.values()].flatMap(({ pending }) => pending.map(finding));
    const whole = this.#matchers.flatMap(([hunt, matcher]) =>
      (matcher.end?.() ?? []).filter(() => this.#admits(hunt)).map((hit) => wholeFinding(hunt, hit)),
    );
    const more = [...this.#counts]
      .filter(([, count]) => count > MAX_FINDINGS)
      .map(([hunt, count]) => wholeFinding(hunt, { detail: `and ${count - MAX_FINDINGS} more` }));
    this.#streams.clear();
    return [...rest, ...whole, ...more];
  }

  #admits(hunt: Hunt): boolean {
    const count = (this.#counts.get(hunt) ?? 0) + 1;
    this.#counts.set(hunt, count);
    return count <= MAX_FINDINGS;
  }

  #state(logStream: string): { state: StreamState; evicted: HuntFinding[] } {
    const known = this.#streams.get(logStream);
    if (known !== undefined) return { state: known, evicted: [] };
    const evicted: HuntFinding[] = [];
    const [oldest] = this.#streams.size >= MAX_STREAMS ? this.#streams.keys() : [];
    if (oldest !== undefined) {
      evicted.push(...(this.#streams.get(oldest)?.pending ?? []).map(finding));
      this.#streams.delete(oldest);
    }
    const state: StreamState = { recent: [], pending: [] };
    this.#streams.set(logStream, state);
    return { state, evicted };
  }

  #follow(state: StreamState, text: string): HuntFinding[] {
    if (state.pending.length === 0) return [];
    for (const pending of state.pending) pending.after.push(text);
    const ready = state.pending.filter(({ after }) => after.length >= this.#options.context);
    state.pending = state.pending.filter(({ after }) => after.length < this.#options.context);
    return ready.map(finding);
  }
}

function finding({ hunt, event, detail, before, after }: Pending): HuntFinding {
  return {
    ...factsOf(hunt),
    source: 'offline',
    time: new Date(event.timestamp).toISOString(),
    logStream: event.logStream,
    message: event.message.slice(0, MAX_MESSAGE),
    detail,
    before,
    after,
  };
}

function wholeFinding(hunt: Hunt, { detail, logStream, timestamp, message }: WholeHit): HuntFinding {
  return {
    ...factsOf(hunt),
    source: 'offline',
    time: timestamp === undefined ? null : new Date(timestamp).toISOString(),
    logStream: logStream ?? null,
    message: message?.slice(0, MAX_MESSAGE) ?? null,
    detail,
    before: [],
    after: [],
  };
}

/** What every finding of a hunt says. */
export function factsOf({
  id,
  title,
  severity,
  technique,
}: Hunt): Pick<HuntFinding, 'hunt' | 'title' | 'severity' | 'technique' | 'attackVersion'> {
  return { hunt: id, title, severity, technique, attackVersion: '19' };
}
