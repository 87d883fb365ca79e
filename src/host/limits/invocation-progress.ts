/** What is kept of the invocation in progress, for code that calls capture() without its context. */

/** What an invocation was called with. */
export interface Called {
  readonly context: unknown;
  readonly event: unknown;
  readonly number: number;
}

export interface Progress {
  /** Code here calls `capture()`. */
  wanted: boolean;
  /** Several invocations at once (Managed Instances). */
  readonly several: boolean;
  /** One was noted: it has told what it knows. */
  isLearned: boolean;
  /** When the last invocation began. */
  startedMs: number;
  /** With what; undefined if it was not noted. */
  last: Called | undefined;
  /** The timeout of the function, as the invocations that were noted had it at their beginning; 0: not known. */
  timeoutMs: number;
  /** The function as an earlier invocation named it. */
  functionArn: string | undefined;
  /** By what the client keeps for each of several invocations. */
  readonly byStore: WeakMap<object, Called>;
}
