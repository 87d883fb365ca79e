/**
 * Sends segments with a bounded number in flight and keeps what became of each. A segment that cannot be stored is
 * reported as lost and the next ones are still tried, unless the destination refused for good.
 */
import type { Destination, Receipt, Segment } from '../contracts.ts';
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
  /** Takes nothing any more: whoever still packs segments ends with it. */
  readonly close: () => void;
}

/** Errors that the next segment would meet as well. */
const FINAL: ReadonlySet<AmberErrorCode> = new Set([
  'DESTINATION_DENIED', 'DESTINATION_MISSING', 'DESTINATION_REGION', 'DESTINATION_CLOCK', 'DESTINATION_CREDENTIALS',
]);

export function openOutbox(
  destination: Destination, signal: AbortSignal, inFlight: number, onShipped: (shipped: Shipped) => void,
): Outbox {
  const flying = new Map<Promise<void>, Shipped['segment']>();
  const results: Shipped[] = [];
  let refused: AmberError | undefined;
  let closed = false;

  const deliver = async ({ body, recycle }: Pick<Segment, 'body' | 'recycle'>, facts: Shipped['segment']): Promise<void> => {
    const object = { name: facts.name, body, bytes: facts.bytes, sha256: facts.sha256 };
    const shipped = refused === undefined ? await attempt(destination, object, signal) : { error: refused };
    if (shipped.error !== undefined && FINAL.has(shipped.error.code)) refused ??= shipped.error;
    // What was given up may still be read by the transport.
    if (shipped.receipt !== undefined) recycle?.();
    const result: Shipped = { segment: { ...facts, name: shipped.receipt?.name ?? facts.name }, settledMs: Date.now(), ...shipped };
    results.push(result);
    onShipped(result);
  };

  return {
    send: async (segment) => {
      if (closed) throw new AmberError('CAPTURE_ABORTED', 'The capture has ended.');
      const { body, recycle, ...facts } = segment;
      const flight = deliver({ body, ...(recycle === undefined ? {} : { recycle }) }, facts).finally(() => flying.delete(flight));
      flying.set(flight, facts);
      while (flying.size >= inFlight) await Promise.race(flying.keys());
    },
    settle: async (until) => {
      const settled = Promise.all(flying.keys());
      await (until === undefined ? settled : untilAborted(settled, until).catch(() => undefined));
    },
    shipped: () => {
      // An answered flight is in `results` a moment before it is out of `flying`.
      const answered = new Set(results.map(({ segment }) => segment.number));
      const open = [...flying.values()].filter(({ number }) => !answered.has(number));
      return [...results, ...open.map(unanswered)].sort((one, other) => one.segment.number - other.segment.number);
    },
    refused: () => refused,
    close: () => {
      closed = true;
    },
  };
}

function unanswered(segment: Shipped['segment']): Shipped {
  const error = new AmberError('DESTINATION_UNAVAILABLE', 'The destination had not answered when the commit marker was written: it may be stored.', { details: { maybeStored: true } });
  return { segment, error, settledMs: Date.now() };
}

async function attempt(
  destination: Destination, object: Parameters<Destination['put']>[0], signal: AbortSignal,
): Promise<{ receipt?: Receipt; error?: AmberError }> {
  if (signal.aborted) return { error: new AmberError('CAPTURE_ABORTED', 'The time budget ended before the segment was sent.') };
  try {
    return { receipt: await untilAborted(destination.put(object, signal), signal) };
  } catch (cause) {
    return { error: isAmberError(cause) ? cause : new AmberError('DESTINATION_FAILED', undefined, { cause }) };
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
