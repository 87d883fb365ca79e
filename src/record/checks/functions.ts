/** Functions of the language and of Node that others stand in for. */
import { described, hasChanged, TURN, type Check, type Noted } from './check.ts';
import { kept } from '../kept.ts';
import type { Places } from '../hooks/places.ts';

const { channel } = kept;

/** Functions that stand in one object. */
export interface Functions {
  readonly where: string;
  readonly holder: Readonly<Record<string, unknown>>;
  readonly keys: readonly string[];
  /** What stood under each key at init; undefined for what is no function of the holder's own. */
  readonly initial: readonly unknown[];
}

/** One check for each object, of the weight of its functions. They are noted one by one in its first turn. */
export function functionChecks(groups: readonly Functions[]): Check[] {
  return groups.map((group) => {
    let notes: readonly Noted[] | undefined;
    return {
      weight: Math.min(TURN, group.keys.length),
      ask: (recorder) => {
        notes ??= notesOf(group);
        for (const note of notes)
          if (hasChanged(note)) recorder.put('builtin', note.name, { detail: described(note.value) });
      },
    };
  });
}

function notesOf({ where, holder, keys, initial }: Functions): readonly Noted[] {
  const notes: Noted[] = [];
  keys.forEach((key, index) => {
    const value = initial[index];
    if (value !== undefined) notes.push({ name: where === '' ? key : `${where}.${key}`, holder, key, value });
  });
  return notes;
}

/** Whether the recorder still hears: told once for each hook that is gone. */
export function standingChecks({ heard, fronted }: Places): Check[] {
  return [
    ...heard.map(({ name, own }) => standingCheck(name, () => isListed(name, own))),
    ...fronted.map(({ name, holder, key, own }) => standingCheck(name, () => holder[key] === own)),
  ];
}

/** `_subscribers` is what somebody empties who wants to be unheard (lib/diagnostics_channel.js). */
function isListed(name: string, own: unknown): boolean {
  const listed = (channel(name) as { _subscribers?: unknown })._subscribers;
  return !Array.isArray(listed) || listed.includes(own);
}

function standingCheck(name: string, isThere: () => boolean): Check {
  let wasThere = true;
  return {
    weight: 1,
    ask: (recorder) => {
      const isNow = isThere();
      if (wasThere && !isNow) recorder.put('hook', name, { detail: { now: 'gone' } });
      wasThere = isNow;
    },
  };
}
