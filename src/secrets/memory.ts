/** What was seen before: the same variables in hundreds of processes, the same keys in thousands of rows. Bounded. */
import { Notes } from './cover.ts';

export interface Memory {
  /** True if the string is known to be clean, or if `check` gives it back unchanged. */
  readonly isClean: (text: string, check: () => string) => boolean;
  /** The answer of `run` for an entry, with its notes, from memory where it was asked before. */
  readonly recall: (entry: string, notes: Notes, run: (notes: Notes) => string) => string;
}

const MAX_ENTRIES = 16_384;
const MAX_CHARS = 2_097_152;
const LONGEST = 4096;

interface Answer {
  readonly shown: string;
  readonly notes: readonly string[];
}

/** `generation` grows when secrets are learned; everything remembered before is then forgotten. */
export function createMemory(generation: () => number): Memory {
  const clean = new Set<string>();
  const answers = new Map<string, Answer>();
  let current = generation();
  let chars = 0;

  function refresh(): void {
    if (current === generation() && chars < MAX_CHARS && clean.size + answers.size < MAX_ENTRIES) return;
    current = generation();
    chars = 0;
    clean.clear();
    answers.clear();
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
