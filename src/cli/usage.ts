/**
 * What was typed, read against the options of a command: a wrong word is one sentence with the flag, the value, what is
 * expected and an example.
 */
import { parseArgs } from 'node:util';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import type { Command, CommandOption, CommandOptions } from './command.ts';
import type { Values } from './option-values.ts';

export interface Typed {
  readonly positionals: readonly string[];
  readonly values: Values;
}

/** Of what stands for the value in the help: an example, and the form where one rule holds for every command. */
interface Kind {
  readonly example: string;
  readonly form?: RegExp;
  readonly expected?: string;
}

const WHOLE = { form: /^[1-9]\d{0,12}$/u, expected: 'a whole number from 1 on' };

const KINDS: Readonly<Record<string, Kind>> = {
  'AGE1…': { example: 'age1qyqsz…' },
  DIR: { example: './case' },
  ENDPOINT: {
    example: 'http://127.0.0.1:9000',
    form: /^https?:\/\/[^\s/?#@]+(?:\/[^\s]*)?$/u,
    expected: 'an URL with http or https',
  },
  FILE: { example: './file' },
  ID: { example: 'tenant-7' },
  IDS: { example: 'reset-in-place,rare-runtime' },
  'JSON|@FILE': { example: '@event.json' },
  KEYFILE: { example: './keys/order.key' },
  LIFE: { example: '12h', form: /^0*[1-9]\d{0,4}[mhd]$/u, expected: 'how long: 30m, 12h, or 7d at most' },
  LINES: { example: '3', form: /^\d{1,3}$/u, expected: 'a number of lines from 0 to 999' },
  LOCATION: { example: 's3://evidence-bucket/amber' },
  N: { example: '40', ...WHOLE },
  NAME: { example: 'checkout' },
  NAMES: { example: 'logs,cloudtrail' },
  REGION: { example: 'eu-central-1', form: /^[a-z0-9][a-z0-9-]{0,62}$/iu, expected: 'the name of a region' },
  SECONDS: { example: '60', ...WHOLE },
  SIZE: { example: '24GiB' },
  TEXT: { example: '"GuardDuty 42"' },
  TIME: { example: '24h' },
  URL: { example: 's3://evidence-bucket/amber' },
  VERSION: { example: '7' },
  WHO: { example: 'alice' },
};

/** @throws AmberError USAGE. */
export function typed(command: Command, options: CommandOptions, args: readonly string[]): Typed {
  const spec = Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, { type, ...defined({ short }) }]),
  );
  const words = withNegatives(options, args);
  let read: Typed;
  let twice: string | undefined;
  try {
    const { tokens, ...parsed } = parseArgs({ args: words, options: spec, allowPositionals: true, tokens: true });
    read = parsed;
    twice = doubled(tokens);
  } catch (cause) {
    throw new AmberError(
      'USAGE',
      `${sentence(options, words) ?? 'The options cannot be read;'} \`amber ${command.name} --help\` lists them.`,
      { cause },
    );
  }
  if (twice !== undefined)
    throw new AmberError(
      'USAGE',
      `--${twice} is given twice; expected one ${options[twice]?.value ?? 'value'}, for example --${twice} ` +
        `${exampleOf(options[twice] ?? { type: 'string', description: '' })}.`,
    );
  for (const [name, option] of Object.entries(options)) checkValue(name, option, read.values[name]);
  return read;
}

/** The first option with a value that is given twice: nobody knows which one was meant. */
function doubled(
  tokens: readonly { readonly kind: string; readonly name?: string; readonly value?: string | undefined }[],
): string | undefined {
  const seen = new Set<string>();
  return tokens.find(({ kind, name = '', value }) => {
    if (kind !== 'option' || value === undefined) return false;
    const isDouble = seen.has(name);
    seen.add(name);
    return isDouble;
  })?.name;
}

/** A negative number is no option: the command says what it expects in its place. */
function withNegatives(options: CommandOptions, args: readonly string[]): string[] {
  const words: string[] = [];
  for (const [at, word] of args.entries()) {
    const flag = words.at(-1) ?? '';
    const isValue =
      /^-\d/u.test(word) &&
      args[at - 1] === flag &&
      !args.slice(0, at).includes('--') &&
      named(options, flag)?.[1].type === 'string';
    if (isValue) words[words.length - 1] = flag.startsWith('--') ? `${flag}=${word}` : `${flag}${word}`;
    else words.push(word);
  }
  return words;
}

function named(options: CommandOptions, flag: string): readonly [string, CommandOption] | undefined {
  return Object.entries(options).find(
    ([name, { short }]) => flag === `--${name}` || (short !== undefined && flag === `-${short}`),
  );
}

/** Why node:util could not read it: the first word that does not fit. */
function sentence(options: CommandOptions, words: readonly string[]): string | undefined {
  for (const [at, word] of words.entries()) {
    if (word === '--') return undefined;
    if (!/^-./u.test(word)) continue;
    const [flag = '', given] = word.startsWith('--')
      ? [word.split('=')[0], word.includes('=') ? word.slice(word.indexOf('=') + 1) : undefined]
      : [word.slice(0, 2), word.slice(2) || undefined];
    const option = named(options, flag);
    if (option === undefined) return unknown(options, flag);
    const [name, { type }] = option;
    if (type === 'boolean' && given !== undefined && word.startsWith('--'))
      return `--${name} is ${JSON.stringify(given)}; expected no value, for example --${name}.`;
    const next = words[at + 1];
    if (type === 'string' && given === undefined && (next === undefined || /^-./u.test(next))) {
      const instead =
        next === undefined
          ? ''
          : ` (${JSON.stringify(next)} is an option; a value that begins so is typed --${name}=${next})`;
      return (
        `--${name} has no value${instead}; expected ${expectedOf(option[1])}, for example --${name} ` +
        `${exampleOf(option[1])}.`
      );
    }
  }
  return undefined;
}

function unknown(options: CommandOptions, flag: string): string {
  const near = Object.keys(options).find((name) => name.startsWith(flag.slice(2, 5)) && flag.length > 3);
  const known = Object.keys(options).map((name) => `--${name}`);
  return (
    `There is no option ${JSON.stringify(flag)}; expected one of ${known.join(', ')}, for example ` +
    `${near === undefined ? (known[0] ?? '--help') : `--${near}`}.`
  );
}

/** An empty value is what a shell leaves of a variable that is not set: it is never what was meant. */
function checkValue(name: string, option: CommandOption, value: string | boolean | undefined): void {
  const form = KINDS[option.value ?? '']?.form ?? /./su;
  if (typeof value !== 'string' || form.test(value)) return;
  throw new AmberError(
    'USAGE',
    `--${name} is ${JSON.stringify(value.slice(0, 200))}; expected ${expectedOf(option)}, for example --${name} ` +
      `${exampleOf(option)}.`,
  );
}

function expectedOf({ value = '', description }: CommandOption): string {
  const said = description.split(/[.;:]/u)[0] ?? '';
  return KINDS[value]?.expected ?? `${value} (${said})`;
}

function exampleOf({ value = '', example }: CommandOption): string {
  return example ?? KINDS[value]?.example ?? value;
}

/** Whatever was typed wrong, a call that is right stands behind it. */
export function withExample(error: AmberError, example: string): AmberError {
  if (error.code !== 'USAGE' || error.message.includes('for example ')) return error;
  const { message, details, cause } = error;
  return new AmberError('USAGE', `${message.replace(/\.$/u, '')}; for example ${example}.`, { details, cause });
}

/** The first example of a command, out of its help. */
export function exampleCall({ name, details, usage }: Pick<Command, 'name' | 'details' | 'usage'>): string {
  return (
    details
      .split('\n')
      .map((line) => line.trim().replace(/ {2,}#.*$/u, ''))
      .find((line) => line.startsWith(`amber ${name}`)) ?? `amber ${name} ${usage}`
  );
}
