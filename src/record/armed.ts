/** What a recorder is armed with, and what its late parts go on from. */
import type { BegunRing } from './begin.ts';
import type { Functions } from './checks/functions.ts';
import type { Places } from './hooks/places.ts';
import type { RecorderIdentity } from './recorder.ts';

/** AMBER_RECORD, where it is not off. */
export type RecordLevel = 'events' | 'paths';

/** What the host gives. */
export interface RecordingScope {
  readonly level: RecordLevel;
  readonly env: NodeJS.ProcessEnv;
  /** The same as it is now. User code may change it later; what was configured counts. */
  readonly initial: Readonly<Record<string, string | undefined>>;
  /** Functions of the language and of Node that are compared. */
  readonly functions: readonly Functions[];
  /** No hook is armed; for tests. */
  readonly isBare?: boolean;
}

/** What the parts go on from that are loaded late. */
export interface Armed extends RecordingScope {
  readonly identity: RecorderIdentity;
  readonly begun: BegunRing | undefined;
  readonly places: Places | undefined;
  /** The address at which the debugger listens, as Node tells it, and as it was at init. */
  readonly inspector: { readonly url: () => string | undefined; readonly initial: string | undefined } | undefined;
  /** What every object had at init, beside what the language gives it. */
  readonly polluted: readonly string[];
}
