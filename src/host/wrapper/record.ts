/** Starts the recorder of the process: one for all copies of the package and all hosts in it. */
import { armRecorder, type RecordLevel, type Recording } from '../../record/arm.ts';
import { shared, type Kept, type SandboxState } from '../limits/state.ts';
import { notedFunctions } from '../monitor/builtins.ts';

export const recordings: Kept<Recording> = shared('recorder');

/** What is recorded from, and how much. */
export interface RecordOptions {
  readonly level: RecordLevel | 'off';
  readonly env: NodeJS.ProcessEnv;
  /** A copy of it, where the host has one. */
  readonly initial?: Readonly<Record<string, string | undefined>>;
  /** Hooks reach all of a process: in a scope that is not its global object, as tests have, nothing is armed. */
  readonly scope: object;
}

/** Called once for each handler that is wrapped. Never throws: a function does without what cannot be armed. */
export function startRecording(state: SandboxState, options: RecordOptions, fault: (error: unknown) => void): void {
  const { level, env, scope, initial = { ...env } } = options;
  if (level === 'off' || scope !== globalThis || recordings.get(state) !== undefined) return;
  try {
    recordings.set(state, armRecorder({ level, env, initial, functions: notedFunctions(state) }));
  } catch (error) {
    fault(error);
  }
}
