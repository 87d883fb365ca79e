/** The command lines of `amber` in a block of shell. */

/** Words as a shell splits them: quotes hold blanks together, `#` begins a comment, `\` at the end goes on. */
export function words(line: string): readonly string[] {
  return [...line.matchAll(/(?:[^\s"'#]|"[^"]*"|'[^']*')(?:[^\s"']|"[^"]*"|'[^']*')*|#.*$/gu)]
    .map(([word]) => word)
    .filter((word) => !word.startsWith('#'))
    .map((word) => word.replaceAll(/["']/gu, ''));
}

/** Each `amber NAME …`, without the program. */
export function amberLines(block: string): readonly (readonly string[])[] {
  const lines = block.replaceAll(/\\\n\s*/gu, '').split('\n');
  return lines
    .map(words)
    .filter(([program, name]) => program === 'amber' && name !== undefined)
    .map(([, ...rest]) => rest);
}
