/** What was seen before: the same variables in hundreds of processes, the same keys in thousands of rows. Bounded. */
import { Notes } from './cover.ts';

/** Whether anything was hidden or noted on the way. */
export interface Watch {
  noted: boolean;
}

export interface Memory {
  /** True if the string is known to be clean, or if `check` gives it back unchanged. */
  readonly isClean: (text: string, check: () => string) => boolean;
  /** `run` of the text, unless that gave back the same value as it was, and noted nothing, a short while ago. */
  readonly unlessClean: (text: string, run: (watch: Watch) => string) => string;
  /** The answer of `run` for an entry, with its notes, from memory where it was asked before. */
  readonly recall: (entry: string, notes: Notes, run: (notes: Notes) => string) => string;
}

const MAX_ENTRIES = 16_384;
const MAX_CHARS = 2_097_152;
const LONGEST = 4096;
/** Values of rows: kinds, modes, times. One place each, so that what comes once takes the room of no more than one. */
const PLACES = 256;
const LONGEST_VALUE = 64;

interface Answer {
  readonly shown: string;
  readonly notes: readonly string[];
}

/** `generation` grows when secrets are learned; everything remembered before is then forgotten. */
export function createMemory(generation: () => number): Memory {
  const clean = new Set<string>();
  const answers = new Map<string, Answer>();
  const values = createValues();
  let current = generation();
  let chars = 0;

  function refresh(): void {
    if (current === generation() && chars < MAX_CHARS && clean.size + answers.size < MAX_ENTRIES) return;
    current = generation();
    chars = 0;
    clean.clear();
    answers.clear();
    values.forget();
  }

  return {
    isClean(text, check) {
      refresh();
      if (clean.has(text)) return true;
      if (check() !== text) return false;
      if (text.length <= LONGEST && current === generation()) {
        clean.add(text);
        chars += text.length;
      }
      return true;
    },
    unlessClean(text, run) {
      refresh();
      if (values.holds(text)) return text;
      const watch = { noted: false };
      const shown = run(watch);
      if (shown === text && !watch.noted && current === generation()) values.keep(text);
      return shown;
    },
    recall(entry, notes, run) {
      refresh();
      let answer = answers.get(entry);
      if (answer === undefined) {
        const own = new Notes();
        const shown = run(own);
        answer = { shown, notes: own.list() };
        if (entry.length <= LONGEST && current === generation()) {
          answers.set(entry, answer);
          chars += entry.length;
        }
      }
      for (const note of answer.notes) notes.copy(note);
      return answer.shown;
    },
  };
}

interface Values {
  readonly holds: (text: string) => boolean;
  readonly keep: (text: string) => void;
  readonly forget: () => void;
}

function createValues(): Values {
  const values = Array.from({ length: PLACES }, () => '');
  return {
    holds: (text) => text.length <= LONGEST_VALUE && text !== '' && values[placeOf(text)] === text,
    keep: (text) => {
      if (text.length <= LONGEST_VALUE && text !== '') values[placeOf(text)] = text;
    },
    forget: () => values.fill(''),
  };
}

/** By its length and three of its characters. That they are equal is seen by comparing. */
function placeOf(text: string): number {
  const { length } = text;
  return (
    (length * 67 + text.charCodeAt(0) * 31 + text.charCodeAt(length >> 1) * 17 + text.charCodeAt(length - 1)) % PLACES
  );
}
