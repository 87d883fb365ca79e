/** The recorder behind what was armed at init: it takes over the ring, and says what each call at a hook means. */
import type { OwnRecord } from '../contracts/recorded.ts';
import type { Armed } from './armed.ts';
import { HOOKS } from './hooks/index.ts';
import { openScope } from './hooks/scope.ts';
import { openRecorder, type Recorder } from './recorder.ts';
import { openRing } from './ring.ts';

export function openArmed({ level, initial, identity, begun, places }: Armed): Recorder {
  const recorder = openRecorder(identity, openRing, begun);
  if (places === undefined) return recorder;
  const scope = openScope({ recorder, whole: level === 'paths', env: initial, places });
  for (const hook of HOOKS) {
    try {
      hook.arm(scope);
    } catch (error) {
      recorder.put('away', hook.name, { detail: { why: (error as NodeJS.ErrnoException).code ?? 'absent' } });
    }
  }
  return recorder;
}

/** A ring in a file is read as that of every other process is. */
export function ownRecord(recorder: Recorder, facts: OwnRecord['facts']): OwnRecord {
  const ring = recorder.ring();
  const bytes = ring !== undefined && 'refused' in ring.place ? { bytes: ring.bytes() } : {};
  return { ...bytes, facts };
}
