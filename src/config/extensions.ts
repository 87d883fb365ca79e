/**
 * Collectors, destinations and triggers of code, judged when a handler is wrapped: in a capture it would be too late to
 * say so.
 */
import { COLLECTOR_NAMES, TRIGGER_NAMES } from './names.ts';
import type { Extensions } from './options.ts';
import type { ConfigIssue } from './unknown.ts';
import { show } from './values.ts';
import type { Collector, DestinationProvider, Tier, Trigger } from '../contracts/evidence.ts';

const TIERS: readonly Tier[] = ['volatile', 'recovered', 'files', 'code', 'memory'];
/** The form in which AMBER_COLLECT can name it, and a path of the manifest hold it. */
const NAME = /^[a-z][a-z0-9-]{0,63}$/u;
const PROTOCOL = /^[a-z][a-z0-9+.-]*:$/u;

type Member = readonly [name: string, fits: (value: unknown) => boolean, expected: string, example: string];

const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isSwitch = (value: unknown): boolean => value === undefined || typeof value === 'boolean';
const isName = (value: unknown): boolean => typeof value === 'string' && NAME.test(value);
const NAME_FORM = 'a name of lower-case letters, digits and hyphens, at most 64';

const COLLECTOR: readonly Member[] = [
  ['name', isName, NAME_FORM, "'pending-orders'"],
  ['description', isText, 'a text that is not empty', "'orders not yet written'"],
  ['tier', (value) => TIERS.includes(value as Tier), `one of ${TIERS.join(', ')}`, "'volatile'"],
  ['collect', isFunction, 'a function that gives entries', '*collect(context) { yield … }'],
  ...['optIn', 'needsRecipient', 'inProcess'].map((name): Member => [name, isSwitch, 'true or false', 'true']),
];

const DESTINATION: readonly Member[] = [
  ['name', isName, NAME_FORM, "'vault'"],
  [
    'protocol',
    (value) => typeof value === 'string' && PROTOCOL.test(value),
    'a scheme in lower case with its colon',
    "'vault:'",
  ],
  ['description', isText, 'a text that is not empty', "'the evidence vault'"],
  ['open', isFunction, 'a function that opens a destination', 'open(url, capture, config) { return { … } }'],
];

const TRIGGER: readonly Member[] = [
  ['name', isName, NAME_FORM, "'forged-order'"],
  ['description', isText, 'a text that is not empty', "'an order has a forged signature'"],
  ['moments', isFunction, 'a function that gives the moments at which it is asked', "moments: () => ['settled']"],
  ['fires', isFunction, 'a function that gives the cause, or undefined', 'fires(moment) { return undefined }'],
  [
    'leadMs',
    (value) => value === undefined || isFunction(value),
    'a function that gives milliseconds',
    'leadMs: () => 1000',
  ],
  ['once', isSwitch, 'true or false', 'true'],
];

export interface Extended {
  readonly collectors: readonly Collector[];
  readonly destinations: readonly DestinationProvider[];
  readonly triggers: readonly Trigger[];
  readonly issues: ConfigIssue[];
}

/** What code brings along; the lists hold what is usable of it. */
export function readExtensions(options: { readonly [name in keyof Extensions]?: unknown }): Extended {
  const collectors = readList('collectors', options.collectors, COLLECTOR, ['name'], COLLECTOR_NAMES);
  // A built-in scheme may be replaced, so that only two of the same list are one too many.
  const destinations = readList('destinations', options.destinations, DESTINATION, ['name', 'protocol'], []);
  const triggers = readList('triggers', options.triggers, TRIGGER, ['name'], TRIGGER_NAMES);
  return {
    collectors: collectors.usable as unknown as readonly Collector[],
    destinations: destinations.usable as unknown as readonly DestinationProvider[],
    triggers: triggers.usable as unknown as readonly Trigger[],
    issues: [...collectors.issues, ...destinations.issues, ...triggers.issues],
  };
}

type Fields = Readonly<Record<string, unknown>>;

function readList(
  option: string,
  given: unknown,
  members: readonly Member[],
  unique: readonly string[],
  taken: readonly string[],
): { readonly usable: readonly Fields[]; readonly issues: readonly ConfigIssue[] } {
  if (given === undefined) return { usable: [], issues: [] };
  if (!Array.isArray(given))
    return { usable: [], issues: [issue(option, given, 'an array of objects', `{ ${option}: [mine] }`)] };
  const usable: Fields[] = [];
  const issues: ConfigIssue[] = [];
  for (const [index, one] of (given as readonly unknown[]).entries()) {
    const where = `${option}[${String(index)}]`;
    const wrong = issuesOf(where, one, members);
    if (wrong.length === 0) wrong.push(...doublesOf(where, one as Fields, usable, unique, taken));
    issues.push(...wrong);
    if (wrong.length === 0) usable.push(one as Fields);
  }
  return { usable, issues };
}

function issuesOf(where: string, one: unknown, members: readonly Member[]): ConfigIssue[] {
  if (typeof one !== 'object' || one === null)
    return [
      issue(
        where,
        one,
        `an object with ${members
          .slice(0, 4)
          .map(([name]) => name)
          .join(', ')}`,
        '[mine]',
      ),
    ];
  return members
    .filter(([name, fits]) => !fits((one as Fields)[name]))
    .map(([name, , expected, example]) => issue(`${where}.${name}`, (one as Fields)[name], expected, example));
}

function doublesOf(
  where: string,
  one: Fields,
  others: readonly Fields[],
  unique: readonly string[],
  taken: readonly string[],
): ConfigIssue[] {
  return unique.flatMap((member) => {
    const value = String(one[member]);
    if (taken.includes(value))
      return [issue(`${where}.${member}`, value, 'a name that no built-in one has', `'my-${value}'`)];
    if (others.some((other) => other[member] === value))
      return [
        issue(
          `${where}.${member}`,
          value,
          `a ${member} that no other one of \`${option(where)}\` has`,
          `'my-${value}'`,
        ),
      ];
    return [];
  });
}

function option(where: string): string {
  return where.replace(/\[.*/u, '');
}

function issue(where: string, given: unknown, expected: string, example: string): ConfigIssue {
  return {
    name: where,
    message: `option \`${where}\` is ${show(given)}; expected ${expected}, for example ${example}`,
  };
}
