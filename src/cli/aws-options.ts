/** Options of the commands that ask the control plane, and how times are written. */
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import type { ClientOptions } from '../acquire/clients.ts';
import { OPTIONS, resolveConfig } from '../config/config.ts';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import { textOption, type CommandOptions } from './command.ts';
import { outwardOf } from './outward.ts';
import { profileOption } from './profile.ts';
import type { Config } from '../contracts/evidence.ts';
import type { Values } from './option-values.ts';

export const AWS_OPTIONS: CommandOptions = {
  profile: { type: 'string', value: 'NAME', description: 'Profile of the shared AWS configuration (AWS_PROFILE).' },
  region: {
    type: 'string',
    value: 'REGION',
    description: 'Region of the function (AWS_REGION); an ARN brings its own.',
  },
  endpoint: { type: 'string', value: 'ENDPOINT', description: 'One endpoint for all AWS services, for test servers.' },
};

export const WINDOW_OPTIONS: CommandOptions = {
  since: {
    type: 'string',
    value: 'TIME',
    description: 'Begin of the window: 2025-06-30T09:00Z, or so long ago: 90m, 24h, 7d.',
  },
  until: { type: 'string', value: 'TIME', description: 'End of the window; default now.' },
};

export function clientOptions(values: Values): ClientOptions {
  const profile = profileOption(values);
  return {
    profile,
    outward: outwardOf(profile),
    region: textOption(values, 'region'),
    endpoint: textOption(values, 'endpoint'),
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A time with its zone: what a clock shows means nothing without. */
const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/u;

/** Milliseconds since the epoch. @throws AmberError USAGE. */
function timeOption(values: Values, name: string, nowMs: number = Date.now()): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d{1,6})([mhd])$/u.exec(text) ?? [];
  const ms =
    count !== undefined && unit !== undefined
      ? nowMs - Number(count) * (UNITS[unit] ?? 0)
      : ISO.test(text)
        ? Date.parse(text)
        : Number.NaN;
  if (Number.isNaN(ms))
    throw new AmberError(
      'USAGE',
      `--${name} is ${JSON.stringify(text)}; expected a time with its zone or how long ago, for example ` +
        '2025-06-30T09:00Z or 24h.',
    );
  return ms;
}

/** @throws AmberError USAGE when the window ends before it begins, or has not begun. */
export function windowOption(values: Values): { readonly sinceMs?: number; readonly untilMs?: number } {
  const sinceMs = timeOption(values, 'since');
  const untilMs = timeOption(values, 'until');
  if (sinceMs !== undefined && untilMs === undefined && sinceMs >= Date.now())
    throw new AmberError(
      'USAGE',
      `--since is ${new Date(sinceMs).toISOString()}, which lies in the future: give an earlier time, for example 24h.`,
    );
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs)
    throw new AmberError('USAGE', 'The window ends before it begins: --since must be earlier than --until.');
  return defined({ sinceMs, untilMs });
}

/** Variables of a sandbox that also mean something to a responder; the others are not looked at. */
const SHARED: ReadonlySet<string> = new Set([
  'compression',
  'redact',
  'segmentBytes',
  's3Transport',
  's3Endpoint',
  's3PathStyle',
  's3Region',
  's3BucketOwner',
  's3KmsKey',
]);

/** The configuration of what is written: where to, for whom. @throws AmberError USAGE, CONFIG_INVALID. */
export function writeConfig(values: Values): Config {
  const out = textOption(values, 'out');
  const destination = textOption(values, 'destination');
  if (out !== undefined && destination !== undefined)
    throw new AmberError('USAGE', 'Give --out DIR or --destination URL, not both.');
  const recipient = textOption(values, 'recipient');
  const endpoint = textOption(values, 'endpoint');
  const target = out === undefined ? destination : pathToFileURL(resolve(out)).href;
  const env: NodeJS.ProcessEnv = {};
  for (const [name, { env: variable }] of Object.entries(OPTIONS)) {
    const value = process.env[variable];
    const fits = SHARED.has(name) && (name !== 's3KmsKey' || target?.startsWith('s3:') === true);
    if (fits && value !== undefined) env[variable] = value;
  }
  return resolveConfig(
    {
      ...defined({ destination: target, recipient }),
      ...(endpoint === undefined ? {} : { s3Endpoint: endpoint, s3PathStyle: true }),
    },
    env,
  );
}

/** `--log-group`: names, separated by commas. @throws AmberError USAGE for what cannot be the name of a group. */
export function logGroupsOption(values: Values): readonly string[] | undefined {
  const names = textOption(values, 'log-group')
    ?.split(',')
    .map((name) => name.trim());
  const wrong = names?.find((name) => !/^[\w./#-]{1,512}$/u.test(name));
  if (wrong !== undefined)
    throw new AmberError(
      'USAGE',
      `--log-group has ${JSON.stringify(wrong.slice(0, 100))}; expected names of log groups, for example ` +
        '/aws/lambda/checkout.',
    );
  return names;
}
