/** The profile that is asked for: one that is not there is told of before anything is asked. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AmberError } from '../errors.ts';
import type { Values } from './option-values.ts';

/** Files and their variables: "Shared config and credentials files" in the AWS SDKs and Tools Reference Guide. */
const FILES: readonly (readonly [variable: string, name: string])[] = [
  ['AWS_CONFIG_FILE', 'config'],
  ['AWS_SHARED_CREDENTIALS_FILE', 'credentials'],
];
const SECTION = /^\s*\[\s*(?:profile\s+)?["']?([^\]"']{1,200}?)["']?\s*\]/gmu;
const MAX_NAMED = 10;

/** The value of --profile. @throws AmberError USAGE when the shared configuration has no such profile. */
export function profileOption(values: Values): string | undefined {
  const given = typeof values['profile'] === 'string' ? values['profile'] : undefined;
  const profile = given ?? process.env['AWS_PROFILE'];
  if (profile === undefined || profile === '' || profile === 'default') return given;
  const names = new Set(
    FILES.flatMap(([variable, name]) => sectionsOf(process.env[variable] ?? join(homedir(), '.aws', name))),
  );
  if (names.has(profile)) return given;
  const known = [...names].filter((name) => !/^(?:sso-session|services) /u.test(name));
  const which =
    known.length === 0
      ? 'which has none'
      : `which has ${known.slice(0, MAX_NAMED).join(', ')}${known.length > MAX_NAMED ? ', …' : ''}`;
  throw new AmberError(
    'USAGE',
    `There is no profile ${JSON.stringify(profile)} in the shared AWS configuration (~/.aws), ${which}; give ` +
      `another with ${given === undefined ? 'AWS_PROFILE' : '--profile'}.`,
  );
}

function sectionsOf(path: string): readonly string[] {
  try {
    return Array.from(readFileSync(path, 'utf8').matchAll(SECTION), ([, name = '']) => name);
  } catch {
    return []; // the SDK looks no further either
  }
}
