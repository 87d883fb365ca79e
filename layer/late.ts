/** In place of `src/record/load.ts` where the library is built: what the recorder loads is compiled when it is due. */
import { checksText, recorderText } from 'amber:texts';
import { kept } from '../src/record/kept.ts';
import type * as load from '../src/record/load.ts';
import { compiled } from './compiled.ts';

let recorder: unknown;
let checks: unknown;

export function lateRecorder(): ReturnType<typeof load.lateRecorder> {
  return (recorder ??= compiled(recorderText(), { kept: { kept } })) as ReturnType<typeof load.lateRecorder>;
}

export function lateChecks(): ReturnType<typeof load.lateChecks> {
  return (checks ??= compiled(checksText(), { kept: { kept } })) as ReturnType<typeof load.lateChecks>;
}
