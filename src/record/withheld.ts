/** What is never recorded: user info and queries of URLs; and by AMBER_RECORD=events names of hosts below a domain. */

const MAX_VALUE = 400;
const MAX_HOST = 253;
/** Second labels that belong to the suffix in most countries (`co.uk`, `com.au`). No list of all of them is loaded. */
const OF_SUFFIX = /^(?:ac|co|com|edu|go|gob|gov|gouv|ne|net|nom|or|org)$/u;
const ADDRESS = /^[\d.]+$|:/u;

/** A text in which each URL has lost its user info and what stands behind `?` or `#`. */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, MAX_VALUE)
    .replace(/\/\/[^/@\s]*@/gu, '//')
    .replace(/[?#][^\s"']*/gu, '?');
}

/** A host as it may be recorded, and what is measured of the rest. */
export interface NamedHost {
  readonly host: string;
  /** Characters of the whole name, and of its longest label: data leaves in long ones. */
  readonly detail?: { readonly length: number; readonly label: number };
}

/** @param whole - AMBER_RECORD=paths: the name as it is */
export function namedHost(given: string, { whole }: { readonly whole: boolean }): NamedHost {
  const host = given.slice(0, MAX_HOST).toLowerCase().replace(/\.$/u, '');
  if (ADDRESS.test(host)) return { host };
  const labels = host.split('.');
  const detail = { length: given.length, label: Math.max(...labels.map(({ length }) => length)) };
  return { host: whole ? host : labels.slice(-kept(labels)).join('.'), detail };
}

function kept(labels: readonly string[]): number {
  const isCountry = labels.at(-1)?.length === 2;
  return isCountry && OF_SUFFIX.test(labels.at(-2) ?? '') ? 3 : 2;
}
