/** All that is compared: what stood there at init is what it is held against. */
import type { Armed } from '../armed.ts';
import { makeTurns, type Teller } from './check.ts';
import { moduleChecks } from './exports.ts';
import { functionChecks, standingChecks } from './functions.ts';
import { inspectorCheck, prototypeChecks, variableChecks } from './surroundings.ts';

export interface Checks {
  /** An invocation begins: some of it in turns, all of it when a module has come. */
  readonly ask: () => void;
  /** See {@link Turns.longest}. */
  readonly longest: () => number;
}

/** The first 16 invocations look for new modules, and every 16th later: it goes through Node's cache. */
const MODULES_EACH = 16;
/** So few modules are all noted at the second invocation; of more it takes too long, up to half a millisecond each. */
const MAX_AT_ONCE = 16;

export function openChecks({ env, initial, functions, places, inspector, polluted }: Armed, told: Teller): Checks {
  const turns = makeTurns();
  const prototypes = prototypeChecks(polluted);
  const modules = moduleChecks(cacheOf());
  const standing = places === undefined ? [] : standingChecks(places);
  turns.add([...functionChecks(functions), ...standing, ...variableChecks({ env, initial }), ...prototypes.inTurns]);
  const early = modules.fresh();
  turns.add(early);
  let asked = 0;
  const each = [prototypes.each, ...(inspector === undefined ? [] : [inspectorCheck(inspector)])];
  return {
    ask: () => {
      for (const look of each) {
        try {
          look(told);
        } catch {
          // a getter in the place of what is compared
        }
      }
      asked += 1;
      const fresh = asked <= MODULES_EACH || asked % MODULES_EACH === 0 ? modules.fresh(told) : [];
      turns.add(fresh);
      // What stands in a module is noted in its first turn: soon after init, and when one has come.
      if (fresh.length > 0 || (asked === 1 && early.length <= MAX_AT_ONCE)) turns.all(told);
      else turns.next(told);
    },
    longest: turns.longest,
  };
}

function cacheOf(): Parameters<typeof moduleChecks>[0] {
  return (process.getBuiltinModule('node:module') as unknown as { _cache: Parameters<typeof moduleChecks>[0] })._cache;
}
