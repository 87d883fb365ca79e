/**
 * Forms that begin with the same 8 characters, kept in order, so that the longest one at a place is found by bisection.
 */

export interface Form {
  readonly text: string;
  readonly mark: string;
  /** The longest other form that this one begins with. */
  parent: Form | undefined;
}

export interface Family {
  readonly forms: Form[];
  longest: number;
}

/** Work that may still be done on one text; negative when it is used up. */
export interface Work {
  left: number;
}

/** Adds a form that is not there yet. */
export function insert(family: Family, text: string, mark: string): void {
  const { forms } = family;
  const at = countUpTo(forms, text);
  const form: Form = { text, mark, parent: prefixOf(forms[at - 1], text) };
  forms.splice(at, 0, form);
  family.longest = Math.max(family.longest, text.length);
  for (let index = at + 1; forms[index]?.text.startsWith(text) === true; index++) {
    const behind = forms[index];
    if (behind !== undefined && (behind.parent?.text.length ?? 0) < text.length) behind.parent = form;
  }
}

/** The longest form that `text` begins with at `start`. */
export function longestAt(family: Family, text: string, start: number, work: Work): Form | undefined {
  const { forms, longest } = family;
  const rest = text.slice(start, start + longest);
  work.left -= longest * (1 + Math.log2(forms.length));
  return prefixOf(forms[countUpTo(forms, rest) - 1], rest, work);
}

/** Number of forms that do not come behind `text` in order. */
function countUpTo(forms: readonly Form[], text: string): number {
  let low = 0;
  let high = forms.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((forms[middle]?.text ?? '') <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What `text` begins with is the form in front of it in order, or one that this form itself begins with. */
function prefixOf(form: Form | undefined, text: string, work: Work = { left: 0 }): Form | undefined {
  let candidate = form;
  while (candidate !== undefined && !text.startsWith(candidate.text)) {
    candidate = candidate.parent;
    work.left -= 8;
  }
  return candidate;
}
