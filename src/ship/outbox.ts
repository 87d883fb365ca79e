/**
 * Sends segments with a bounded number in flight and keeps what became of each. One that meets trouble goes on being
 * sent and makes room for the next ones. That holds as long as the bytes of all that wait fit a bound: beyond it the
 * capture waits with them. A segment that cannot be stored is reported as lost, and the next ones are still tried,
 * unless the destination refused for good.
 */
import type { Destination, Receipt, Segment, Trouble } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { AmberError, isAmberError, type AmberErrorCode } from '../errors.ts';

/** A segment without its bytes, and what the destination said. */
export interface Shipped {
  readonly segment: Omit<Segment, 'body'>;
  readonly receipt?: Receipt;
  readonly error?: AmberError;
  /** Our clock when the answer came, to measure it against the server's. */
  readonly settledMs: number;
}

export interface Outbox {
  /** Resolves when another segment may follow. Rejects (CAPTURE_ABORTED) only once the outbox is closed. */
  readonly send: (segment: Segment) => Promise<void>;
  /** Waits for all that is in flight, at the longest until `signal` aborts. Never rejects. */
  readonly settle: (signal?: AbortSignal) => Promise<void>;
  /** In the order of their numbers. One that is still in flight counts as lost: nobody has acknowledged it. */
  readonly shipped: () => readonly Shipped[];
  /** Set when trying further segments is pointless. */
  readonly refused: () => AmberError | undefined;
  /** Takes nothing any more: the code that still packs segments ends with it. */
  readonly close: () => void;
}

/** Errors that the next segment would meet as well. */
const FINAL: ReadonlySet<AmberErrorCode> = new Set([
  'DESTINATION_DENIED',
  'DESTINATION_MISSING',
  'DESTINATION_REGION',
  'DESTINATION_CLOCK',
  'DESTINATION_CREDENTIALS',
  'DESTINATION_UNTRUSTED',
]);

export interface OutboxOptions {
  /** Aborted when nothing may go on. */
  readonly signal: AbortSignal;
  /** Segments on their way at a time that have met no trouble. */
  readonly inFlight: number;
  /** Most memory of segments that wait to be sent again, bytes. */
  readonly waitingBytes: number;
  /** Longest time that a segment in trouble is tried, milliseconds; without it until the signal. */
  readonly patienceMs?: number;
  /** Called once for each segment that was stored or lost. */
  readonly onShipped: (shipped: Shipped) => void;
  /** Called when a segment meets trouble, the first time of each kind. */
  readonly onTrouble?: (trouble: Trouble, segment: Shipped['segment']) => void;
  /** Called once, when the bound of the memory is reached and the capture waits. */
  readonly onFull?: (waitingBytes: number) => void;
}

interface Flight {
  readonly facts: Shipped['segment'];
  /** Memory that it holds: that of the whole body, however much of it is filled. */
  readonly memory: number;
  readonly troubles: Set<Trouble>;
  readonly stop: AbortController;
}

interface OutboxState {
  readonly destination: Destination;
  readonly options: OutboxOptions;
  readonly flying: Map<Promise<void>, Flight>;
  readonly results: Shipped[];
  refused: AmberError | undefined;
  closed: boolean;
  isFull: boolean;
  /** Resolved when there may be room. */
  turn: PromiseWithResolvers<undefined>;
}

export function openOutbox(destination: Destination, options: OutboxOptions): Outbox {
  const state: OutboxState = {
    destination,
    options,
    flying: new Map(),
    results: [],
    refused: undefined,
    closed: false,
    isFull: false,
    turn: Promise.withResolvers(),
  };
  return {
    send: (segment) => send(state, segment),
    settle: async (until) => {
      const settled = Promise.all(state.flying.keys());
      await (until === undefined ? settled : untilAborted(settled, until).catch(() => undefined));
    },
    shipped: () => {
      // An answered flight is in `results` a moment before it is out of `flying`.
      const answered = new Set(state.results.map(({ segment }) => segment.number));
      const open = [...state.flying.values()].filter(({ facts }) => !answered.has(facts.number));
      return [...state.results, ...open.map(({ facts }) => unanswered(facts))].sort(
        (one, other) => one.segment.number - other.segment.number,
      );
    },
    refused: () => state.refused,
    close: () => {
      state.closed = true;
    },
  };
}

async function send(state: OutboxState, segment: Segment): Promise<void> {
  if (state.closed) throw new AmberError('CAPTURE_ABORTED', 'The capture has ended.');
  const { body, recycle, ...facts } = segment;
  const memory = body.reduce((sum, piece) => sum + Math.max(piece.byteLength, piece.buffer.byteLength), 0);
  const flight: Flight = { facts, memory, troubles: new Set(), stop: new AbortController() };
  const flown = deliver(state, { body, ...defined({ recycle }) }, flight).finally(() => {
    state.flying.delete(flown);
    moved(state);
  });
  state.flying.set(flown, flight);
  while (!hasRoom(state)) await state.turn.promise;
}

async function deliver(
  state: OutboxState,
  { body, recycle }: Pick<Segment, 'body' | 'recycle'>,
  flight: Flight,
): Promise<void> {
  const { facts } = flight;
  const { signal, patienceMs, onShipped } = state.options;
  const object = { name: facts.name, body, bytes: facts.bytes, sha256: facts.sha256 };
  const ends = patienceMs === undefined ? signal : AbortSignal.any([signal, flight.stop.signal]);
  const put = (own: AbortSignal): Promise<Receipt> =>
    state.destination.put(object, own, (what) => trouble(state, flight, what));
  const shipped: Attempted = state.refused === undefined ? await attempt(put, ends, signal) : { error: state.refused };
  if (shipped.error !== undefined && FINAL.has(shipped.error.code)) state.refused ??= shipped.error;
  // What was given up may still be read by the transport.
  if (shipped.receipt !== undefined) recycle?.();
  const result: Shipped = {
    segment: { ...facts, name: shipped.receipt?.name ?? facts.name },
    settledMs: Date.now(),
    ...shipped,
  };
  state.results.push(result);
  onShipped(result);
}

function trouble(state: OutboxState, flight: Flight, what: Trouble): void {
  const { patienceMs, onTrouble } = state.options;
  if (flight.troubles.has(what)) return;
  if (flight.troubles.size === 0 && patienceMs !== undefined) setTimeout(() => flight.stop.abort(), patienceMs).unref();
  flight.troubles.add(what);
  onTrouble?.(what, flight.facts);
  moved(state);
}

/** Code that waits for room looks again. */
function moved(state: OutboxState): void {
  state.turn.resolve(undefined);
  state.turn = Promise.withResolvers();
}

function hasRoom(state: OutboxState): boolean {
  const { inFlight, waitingBytes, onFull } = state.options;
  const flights = [...state.flying.values()];
  const waiting = flights.filter(({ troubles }) => troubles.size > 0).reduce((sum, { memory }) => sum + memory, 0);
  if (waiting > waitingBytes && !state.isFull) onFull?.(waiting);
  state.isFull ||= waiting > waitingBytes;
  return waiting <= waitingBytes && flights.filter(({ troubles }) => troubles.size === 0).length < inFlight;
}

function unanswered(segment: Shipped['segment']): Shipped {
  const error = new AmberError(
    'DESTINATION_UNAVAILABLE',
    'The destination had not answered when the commit marker was written: it may be stored.',
    { details: { maybeStored: true } },
  );
  return { segment, error, settledMs: Date.now() };
}

type Attempted =
  | { readonly receipt: Receipt; readonly error?: never }
  | { readonly receipt?: never; readonly error: AmberError };

/** @param hardStop - ends the wait even where the destination does not listen to `signal` */
async function attempt(
  put: (signal: AbortSignal) => Promise<Receipt>,
  signal: AbortSignal,
  hardStop: AbortSignal,
): Promise<Attempted> {
  if (signal.aborted)
    return { error: new AmberError('CAPTURE_ABORTED', 'The time budget ended before the segment was sent.') };
  let own: Attempted | undefined;
  const settled = put(signal).then(
    (receipt): Attempted => (own = { receipt }),
    (cause: unknown): Attempted =>
      (own = { error: isAmberError(cause) ? cause : new AmberError('DESTINATION_FAILED', undefined, { cause }) }),
  );
  try {
    return await untilAborted(settled, hardStop);
  } catch (cause) {
    // The fault that it met says more than that the time is over.
    await new Promise((resolve) => void setImmediate(resolve));
    return own ?? { error: cause as AmberError };
  }
}

/** The promise, or CAPTURE_ABORTED as soon as the signal says so: a user's destination may not listen to it. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(new AmberError('CAPTURE_ABORTED', 'The time budget ended before the destination answered.'));
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
