/**
 * Whether wrapping a handler has anything to say or to prepare. A configuration is plain where nothing in it can be
 * wrong, no trigger watches invocations, and nothing is loaded ahead: then it is read when something is due.
 *
 * What is not known here to be right is judged at once, by config.ts: a pattern may be narrower than its parser, and
 * never wider. A test holds both against each other.
 */

import type { RecordOptions } from './record.ts';

/** Values of which the parser takes numbers and texts. Each stays within the limits of its option. */
export const PLAIN_NUMBERS: Readonly<Record<string, string>> = {
  AMBER_CONTROL_TTL_MS: '\\d{1,6}',
  AMBER_COOLDOWN_MS: '\\d{1,7}',
  AMBER_DEADLINE_MS: '0',
  AMBER_FLEET_CAP: '\\d{1,3}',
  AMBER_MARGIN_MS: '[5-9]\\d|[1-9]\\d{2,3}',
  AMBER_MAX_CAPTURES: '[1-9]\\d{0,2}',
  AMBER_MAX_ENTRIES: '[1-9]\\d{2,5}',
  AMBER_MAX_MS: '[5-9]\\d|[1-9]\\d{2,4}',
  AMBER_SLICE_MS: '[1-9]',
};

const FLAG = ' 0 1 true false on off yes no ';
const MOMENT = ' off inventory contents ';
const PATHS = '/[\\w-]+(?:/[\\w-]+)*(?:,/[\\w-]+(?:/[\\w-]+)*)*';

/** Values that are words. */
export const PLAIN_WORDS: Readonly<Record<string, string>> = {
  AMBER_CAPTURE: ' armed ',
  AMBER_CODE_BYTES: ' none changed all ',
  AMBER_COMPRESSION: ' zstd gzip none ',
  AMBER_DETECT: ' off low medium high critical ',
  AMBER_INCLUDE_EVENT: FLAG,
  AMBER_ON_CRASH: MOMENT,
  AMBER_ON_ERROR: ' off ',
  AMBER_ON_SHUTDOWN: MOMENT,
  AMBER_RECORD: ' off events paths ',
  AMBER_S3_PATH_STYLE: FLAG,
  AMBER_S3_TRANSPORT: ' auto sdk light ',
};

/** Values that are texts. */
export const PLAIN_TEXTS: Readonly<Record<string, string>> = {
  AMBER_CODE: PATHS,
  AMBER_MAX_BYTES: '[1-9]\\d{0,3} ?MiB',
  AMBER_RECIPIENT: 'age1[02-9ac-hj-np-z]{58}',
  AMBER_S3_BUCKET_OWNER: '\\d{12}',
  AMBER_S3_KMS_KEY: '[\\w:/-]{1,300}',
  AMBER_S3_REGION: '[a-z]{2}(?:-[a-z]{2,12}){1,3}-\\d',
  AMBER_SEGMENT_BYTES: '(?:[1-9]|[1-5]\\d) ?MiB',
  AMBER_WRITABLE: PATHS,
};

/** How options are written in code: what looks like a variable is a mistake there. */
const NAME = /^[a-z][A-Za-z0-9]{1,20}$/u;
/** Of the layer; no option of ours. */
const OF_THE_LAYER = ' AMBER_HANDLER AMBER_NEXT_EXEC_WRAPPER ';

/** What a plain configuration says of what is armed when a handler is wrapped. */
export interface Plain {
  /** Trees that are watched; undefined where no anomaly may start a capture. */
  readonly watched: readonly string[] | undefined;
  readonly record: RecordOptions['level'];
}

/** Undefined where the configuration has to be judged. */
export function readPlain(options: object | undefined, env: NodeJS.ProcessEnv): Plain | undefined {
  let given = env;
  for (const name in env)
    if (
      name.startsWith('AMBER_') &&
      !OF_THE_LAYER.includes(` ${name} `) &&
      env[name] !== '' &&
      !isPlain(name, env[name])
    )
      return undefined;
  if (options !== undefined)
    for (const [option, value] of Object.entries(options) as [string, unknown][]) {
      if (value === undefined) continue;
      if (!NAME.test(option)) return undefined;
      const name = `AMBER_${option.replace(/[A-Z]/gu, '_$&').toUpperCase()}`;
      if (!isPlain(name, value)) return undefined;
      given = { ...given, [name]: String(value) };
    }
  return plainOf(given);
}

function plainOf(given: NodeJS.ProcessEnv): Plain | undefined {
  const { AMBER_DESTINATION: destination, AMBER_DETECT: detect, AMBER_RECORD: record } = given;
  const { AMBER_WRITABLE: writable, AMBER_FLEET_CAP: cap } = given;
  const hasPlace = isGiven(destination);
  if (isGiven(cap) && Number(cap) > 0 && !hasPlace) return undefined;
  const isWatched = hasPlace && detect !== 'off';
  return {
    watched: isWatched ? (isGiven(writable) ? writable.split(',') : ['/tmp', '/dev/shm']) : undefined,
    record: isGiven(record) ? (record as Plain['record']) : isWatched ? 'events' : 'off',
  };
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function isPlain(name: string, value: unknown): value is string | number | boolean {
  if (typeof value === 'boolean') return PLAIN_WORDS[name] === FLAG;
  if (typeof value === 'number') return matches(PLAIN_NUMBERS[name], String(value));
  if (typeof value !== 'string') return false;
  if (name === 'AMBER_DESTINATION') return DESTINATION.test(value);
  const words = PLAIN_WORDS[name];
  return words === undefined
    ? matches(PLAIN_TEXTS[name] ?? PLAIN_NUMBERS[name], value)
    : !value.includes(' ') && words.includes(` ${value} `);
}

/** A pattern is made when it is asked for: that takes as long as all else that is done for a variable. */
function matches(pattern: string | undefined, value: string): boolean {
  return pattern !== undefined && new RegExp(`^(?:${pattern})$`, 'u').test(value);
}

/**
 * `s3://bucket/prefix/prefix` of lower-case words. Two dashes side by side stand in the names of what is no general
 * purpose bucket. Without `u`: it takes half as long to make, and every function has this one.
 */
const DESTINATION = /^s3:\/\/[a-z0-9](?:-?[a-z0-9]){2,62}(?:\/[a-z0-9_-]{1,60}){0,3}$/;
