/** Functions of the language and of Node that others stand in for. */
import { described, hasChanged, type Check, type Noted } from './check.ts';
import type { Standing } from '../hooks/scope.ts';

/** Where a function stands. */
export type Place = Omit<Noted, 'value'>;

export function functionChecks(places: readonly Place[]): Check[] {
  return places.map((place) => {
    const note: Noted = { ...place, value: place.holder[place.key] };
    return {
      weight: 1,
      ask: (recorder) => {
        if (hasChanged(note)) recorder.put('builtin', note.name, { detail: described(note.value) });
      },
    };
  });
}

/** Whether the recorder still hears: told once for each hook that is gone. */
export function standingChecks(standing: readonly Standing[]): Check[] {
  return standing.map(({ name, isThere }) => {
    let wasThere = true;
    return {
      weight: 1,
      ask: (recorder) => {
        const isNow = isThere();
        if (wasThere && !isNow) recorder.put('hook', name, { detail: { now: 'gone' } });
        wasThere = isNow;
      },
    };
  });
}
