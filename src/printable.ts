/** Text that somebody else has chosen, as one line of a bounded length for a log, a manifest and a terminal. */

type Form = 'sentence' | 'ascii' | 'name';

/** What each form does not keep, and what stands in its place. */
const FORMS: Readonly<Record<Form, { readonly other: RegExp; readonly by: string }>> = {
  /** A sentence in any language. */
  sentence: { other: /\p{Cc}+/gu, by: ' ' },
  ascii: { other: /[^\x20-\x7e]/gu, by: '?' },
  /** Names, paths, addresses and ARNs. */
  name: { other: /[^\w./:+@=,$-]/gu, by: '?' },
};

/** `text` with nothing but what `form` keeps, `most` characters at most. */
export function printable(text: string, form: Form, most: number): string {
  const { other, by } = FORMS[form];
  return text.replaceAll(other, by).trim().slice(0, most);
}
