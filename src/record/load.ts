/** What the recorder loads when it is due. In what is built, each is a text that is compiled then. */
import * as checks from './checks/index.ts';
import * as late from './late.ts';

/** At the first event. */
export function lateRecorder(): typeof late {
  return late;
}

/** At the second invocation. */
export function lateChecks(): typeof checks {
  return checks;
}
