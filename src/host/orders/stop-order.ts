/**
 * A signed order to stop, as it reaches a capture that runs: the channel is read meanwhile, and the capture closes with
 * what it has.
 */
import type { InvocationFacts } from '../../contracts/evidence.ts';
import { AmberError } from '../../errors.ts';
import type { Control } from './control.ts';

// Kept from before user code can replace them, and not imported: node:timers brings timers/promises and streams with
// it.
const { clearTimeout, setTimeout } = globalThis;

/** Most captures are over by then; one that has gigabytes to read is not. */
const EVERY_MS = 1000;
const LEAST_MS = 100;
/** Longest time of one read. */
const READ_MS = 1000;

/** The manifest gives its message. */
function stopCame(): AmberError {
  return new AmberError('CAPTURE_ABORTED', 'a signed order to stop (AMBER_CONTROL) came', {
    details: { limit: 'stop' },
  });
}

export interface WhileCapturing {
  readonly control: Control;
  readonly ttlMs: number;
  readonly facts: () => InvocationFacts | undefined;
  /** Called once, when the order has come, with the reason to end the capture for. */
  readonly stop: (reason: AmberError) => void;
}

/**
 * Reads the channel again and again while a capture runs. No read fails: the last good order counts.
 *
 * @returns what is to be called when the capture has ended
 */
export function watchForStopOrder({ control, ttlMs, facts, stop }: WhileCapturing): () => void {
  const calledOff = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const ask = async (): Promise<void> => {
    await control.check(READ_MS, facts(), { fresh: true, background: true, signal: calledOff.signal });
    if (calledOff.signal.aborted) return;
    if (control.stopped()) stop(stopCame());
    else next();
  };
  const next = (): void => {
    timer = setTimeout(() => void ask(), Math.max(LEAST_MS, Math.min(EVERY_MS, ttlMs))).unref();
  };
  next();
  return () => {
    calledOff.abort();
    clearTimeout(timer);
  };
}
