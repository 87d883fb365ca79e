/** A hook: how the recorder hears of one thing that the function does, without a change to anything public. */
import type { RecordedKind } from '../../contracts/recorded.ts';
import type { Recorder } from '../recorder.ts';

export interface Hook {
  readonly name: string;
  /** One line for the documents: what it tells. */
  readonly description: string;
  readonly kinds: readonly RecordedKind[];
  /** Arms it; called once. What it throws is told as `away`. */
  readonly arm: (scope: HookScope) => void;
}

/** What hooks stand on. */
export interface HookScope {
  readonly recorder: Recorder;
  /** AMBER_RECORD=paths: names of hosts and paths of requests as they are. */
  readonly whole: boolean;
  /** Variables as they were at init. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears a channel; {@link takePlaces} knows which ones from init on. */
  readonly subscribe: (channel: string, listener: (message: unknown) => void) => void;
  /** Puts a function in front of one that Node calls and that no user code sees; as above. */
  readonly before: (binding: string, path: string, told: Before) => void;
}

/**
 * Told of a call, before it. What it gives is called behind it. Neither changes arguments, result or error.
 */
export type Before = (args: readonly unknown[], self: unknown) => (() => void) | undefined;

/** Members of what is not known, read without trust. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map((one) => (typeof one === 'string' ? one : String(one))) : [];
}
