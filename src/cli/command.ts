/** What a command of `amber` is: a plain object. A new one is a file in this folder and one line in index.ts. */
import { readFile } from 'node:fs/promises';
import { OPTIONS, resolveConfig } from '../config/config.ts';
import { defined } from '../defined.ts';
import { AmberError, isAmberError } from '../errors.ts';
import { openIdentity, type AgeIdentity } from '../seal/age-open.ts';
import type { S3ReadOptions } from '../ship/s3-read.ts';
import type { Output } from './output.ts';
import { outwardOf } from './outward.ts';
import { profileOption } from './profile.ts';
import type { Values } from './option-values.ts';

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string;
  readonly description: string;
  /** A value, where that of its kind (usage.ts) does not fit. */
  readonly example?: string;
}

export type CommandOptions = Readonly<Record<string, CommandOption>>;

export interface Invocation {
  readonly positionals: readonly string[];
  readonly values: Values;
  readonly out: Output;
  /** A call of the command, for who typed another one. */
  readonly example: string;
}

export interface Command {
  readonly name: string;
  /** One line for `amber --help`. */
  readonly summary: string;
  /** What follows `amber NAME`. */
  readonly usage: string;
  /** A few sentences, and examples. */
  readonly details: string;
  readonly options: CommandOptions;
  /** Gives the exit code: 0, or 1 where it found a problem. Everything it needs is imported here, not above. */
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** Said wherever a command tells either. */
export const TWO_WORDS = `Two words, two questions. \`whole\` or \`cut\` is the state of the commit: whether
manifest.json and every segment that it names are stored. \`complete\` or \`partial\` is the evidence: whether all is
in them that was there and was to be taken. A capture whose time ended after three items can be whole, and is
partial; what is skipped on purpose, with \`byDesign\` in its line of the manifest, is no shortfall.`;

/** Options of every command. */
export const GENERAL_OPTIONS: CommandOptions = {
  json: { type: 'boolean', description: 'One JSON document on standard output, for machines.' },
  help: { type: 'boolean', short: 'h', description: 'This text.' },
};

/** Options of commands that read s3:// locations. */
export const S3_OPTIONS: CommandOptions = {
  profile: { type: 'string', value: 'NAME', description: 'Profile of the shared AWS configuration.' },
  region: { type: 'string', value: 'REGION', description: 'Region of the bucket (AMBER_S3_REGION, AWS_REGION).' },
  endpoint: { type: 'string', value: 'ENDPOINT', description: 'Another S3 endpoint (AMBER_S3_ENDPOINT).' },
  'path-style': { type: 'boolean', description: 'Bucket in the path instead of the host name (AMBER_S3_PATH_STYLE).' },
};

export const IDENTITY_OPTION: CommandOptions = {
  identity: {
    type: 'string',
    short: 'i',
    value: 'FILE',
    description: 'age identity (AGE-SECRET-KEY-1…) that opens the age files; - reads standard input.',
  },
};

/** The only positional argument. @throws AmberError USAGE. */
export function onePositional(
  { positionals, example }: Pick<Invocation, 'positionals' | 'example'>,
  what: string,
): string {
  const [first, ...others] = positionals;
  if (first === undefined) throw new AmberError('USAGE', `${what} is missing; for example ${example}.`);
  if (first === '')
    throw new AmberError(
      'USAGE',
      `${what} is ""; expected one that is not empty (the folder that one is in is "."), for example ${example}.`,
    );
  if (others.length > 0)
    throw new AmberError(
      'USAGE',
      `There is ${JSON.stringify(others[0])} behind ${what}; expected one ${what}, for example ${example}.`,
    );
  return first;
}

/** Value of an option with a text. */
export function textOption(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** S3 options from the command line over those in the environment. @throws AmberError CONFIG_INVALID. */
export function s3Options(values: Values): S3ReadOptions {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, { env: variable }] of Object.entries(OPTIONS)) {
    const value = process.env[variable];
    if (name.startsWith('s3') && name !== 's3KmsKey' && value !== undefined) env[variable] = value;
  }
  const endpoint = textOption(values, 'endpoint');
  const region = textOption(values, 'region');
  const config = resolveConfig(
    {
      ...defined({ s3Endpoint: endpoint, s3Region: region }),
      ...(values['path-style'] === true ? { s3PathStyle: true } : {}),
    },
    env,
  );
  const profile = profileOption(values);
  return { config, profile, outward: outwardOf(profile) };
}

const MAX_IDENTITY_FILE = 1024 * 1024;

/** The identity that --identity names. @throws AmberError IDENTITY_INVALID, CASE_MISSING, CASE_DENIED. */
export async function identityOption(values: Values): Promise<AgeIdentity | undefined> {
  const path = textOption(values, 'identity');
  if (path === undefined) return undefined;
  const { readError } = await import('../case/store/store.ts');
  let text: string;
  try {
    text = path === '-' ? await readInput() : await readFile(path, 'utf8');
  } catch (cause) {
    throw readError(path, cause);
  }
  return openIdentity(text);
}

/** Like `verify`: an identity that is one and opens nothing is no wrong usage, but a capture that cannot be read. */
export function unopened(cause: unknown): unknown {
  return isAmberError(cause) && cause.code === 'IDENTITY_INVALID'
    ? new AmberError('CASE_UNREADABLE', cause.message, { cause })
    : cause;
}

async function readInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > MAX_IDENTITY_FILE)
      throw new AmberError('IDENTITY_INVALID', 'Standard input is no identity: it is too long.');
  }
  return text;
}
