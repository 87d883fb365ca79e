/**
 * Codes of errors as AWS writes them (`NoSuchKey`, `KMS.DisabledException`), told from anything else that a server may
 * put in their place.
 */

/** Words in camel case, joined by dots. Alternating runs of one class: the time grows with the length. */
const WORDS = /^(?:[A-Z]{1,8}[a-z]{1,20}|[A-Z]{2,8}\.){1,12}$/u;
const LONGEST = 64;
/** Letters to a capital. Words have five, random letters two. */
const LEAST_RATIO = 2.2;

/**
 * The code, or undefined if it is none: it goes to the log, and a server in the place of AWS may have put a secret
 * there.
 */
export function codeWord(code: string | undefined): string | undefined {
  if (code === undefined || code.length > LONGEST || !WORDS.test(code)) return undefined;
  const capitals = code.replaceAll(/[A-Z]+(?=[A-Z])|[^A-Z]/gu, '').length;
  return code.length / Math.max(1, capitals) >= LEAST_RATIO ? code : undefined;
}
