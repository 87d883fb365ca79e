/**
 * JSON in printable ASCII, the one form in which anything goes to a terminal, a line of a file or a sort. Names in it
 * were chosen by an attacker: as UTF-8 they may hold C1 controls, bidirectional marks and text that nobody sees.
 */

/** JSON of `value` without a newline: every code unit outside of U+0020 to U+007E is an escape `\uXXXX`. */
export function asciiJson(value: unknown): string {
  return asciiOf(JSON.stringify(value, bigints));
}

/** The same, indented by one space a level: the newlines of the layout are all that is not printable. */
export function asciiDocument(value: unknown): string {
  return asciiOf(JSON.stringify(value, bigints, 1));
}

/** Without the flag `u`: with it a class that ends at U+FFFF lets every code point above through. */
const NOT_PRINTABLE = /[^\n\x20-\x7e]/g;

/** JSON has no text for `undefined` and functions. */
function asciiOf(json: string | undefined): string {
  return (json ?? 'null').replaceAll(NOT_PRINTABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

const PRINTABLE = /^[\x20-\x7e]*$/u;

/** True for text that a sort, a terminal and a tool that reads lines take for what it is. */
export function isPrintableAscii(text: string): boolean {
  return PRINTABLE.test(text);
}
