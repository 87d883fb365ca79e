/** Figures of a collection in progress: what the responder sees while it runs, and what the report says at the end. */

export interface MeterFigures {
  readonly requests: number;
  readonly inFlight: number;
  /** Answers that asked to slow down. */
  readonly throttled: number;
  /** Bytes of evidence that came in, before compression. */
  readonly bytes: number;
  /** Steps that are known of, and that are done: versions, layers, streams, queries. */
  readonly planned: number;
  readonly done: number;
  readonly elapsedMs: number;
  /** Milliseconds that are left if the rest goes as what is done; undefined until something is. */
  readonly etaMs: number | undefined;
}

export interface Meter {
  readonly begin: () => void;
  readonly end: (options: { readonly throttled: boolean }) => void;
  readonly bytes: (count: number) => void;
  readonly plan: (steps: number) => void;
  readonly step: () => void;
  readonly figures: () => MeterFigures;
}

export function createMeter(): Meter {
  const started = performance.now();
  const sum = { requests: 0, inFlight: 0, throttled: 0, bytes: 0, planned: 0, done: 0 };
  return {
    begin: () => {
      sum.requests += 1;
      sum.inFlight += 1;
    },
    end: ({ throttled }) => {
      sum.inFlight -= 1;
      if (throttled) sum.throttled += 1;
    },
    bytes: (count) => {
      sum.bytes += count;
    },
    plan: (steps) => {
      sum.planned += steps;
    },
    step: () => {
      sum.done += 1;
    },
    figures: () => {
      const elapsedMs = Math.round(performance.now() - started);
      const left = Math.max(0, sum.planned - sum.done);
      return { ...sum, elapsedMs, etaMs: sum.done === 0 ? undefined : Math.round((elapsedMs / sum.done) * left) };
    },
  };
}
