/** Parsers of option values. Each takes what the user wrote and gives a value, or says what it expected. */

import { unusableBucket } from './bucket.ts';
import { readPolicy } from './detect-policy.ts';
import { parseBucketUrl, parseDestination } from './destination.ts';
import { refusal } from '../secrets/pattern.ts';
import { isPlain, looksRandom } from '../secrets/values.ts';
import { many } from '../many.ts';

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };
export type Parser<T> = (given: unknown) => Parsed<T>;

const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (expected: string): Parsed<never> => ({ ok: false, expected });

const LIST = /^[+-]?[a-z][a-z-]{0,30}(?:, ?[+-]?[a-z][a-z-]{0,30}){0,20}$/u;
const AMOUNT = /^[+-]?\d{1,9} ?[A-Za-z]{0,10}$/u;
const LONGEST_SHOWN = 80;

/**
 * The value as an error message may show it. The message goes to the log, and somebody may have put a secret in the
 * wrong variable: words, numbers, paths and addresses are shown, a URL without its user and query, of the rest the
 * length.
 */
export function show(given: unknown): string {
  if (given === null || given === undefined || typeof given === 'number' || typeof given === 'boolean')
    return `"${String(given)}"`;
  const text = textOf(given);
  if (text === undefined) return `of type ${typeof given}`;
  const safe = text.replace(/\/\/[^/@\s]*@/u, '//…@').replace(/\?.*$/su, '?…');
  const plain = safe.replace('//\u2026@', '//').replace(/\?\u2026$/u, '');
  const isShown =
    safe.length <= LONGEST_SHOWN && !looksRandom(plain) && (isPlain(plain) || LIST.test(plain) || AMOUNT.test(plain));
  return isShown ? `"${safe}"` : `a text of ${many(text.length, 'character')} (not shown)`;
}

/** Undefined for what has no text: a function, a symbol, a ring. */
function textOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  try {
    return JSON.stringify(given);
  } catch {
    return undefined;
  }
}

export const flag: Parser<boolean> = (given) => {
  if (typeof given === 'boolean') return good(given);
  const word = typeof given === 'string' ? given.trim().toLowerCase() : '';
  if (['1', 'true', 'on', 'yes'].includes(word)) return good(true);
  if (['0', 'false', 'off', 'no'].includes(word)) return good(false);
  return bad('1 or 0');
};

export function oneOf<const T extends string>(...words: readonly T[]): Parser<T> {
  return (given) => {
    const found = words.find((word) => typeof given === 'string' && word === given.trim().toLowerCase());
    return found === undefined ? bad(`one of ${words.join(', ')}`) : good(found);
  };
}

export function integer(least: number, most: number): Parser<number> {
  return (given) => {
    const value = typeof given === 'string' && /^\d+$/u.test(given.trim()) ? Number(given) : given;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return good(value);
    return bad(`a whole number from ${String(least)} to ${String(most)}`);
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 };

export function bytes(least: number, most: number): Parser<number> {
  return (given) => {
    const match = /^(\d+)\s*([a-z]*)$/u.exec(
      typeof given === 'string' || typeof given === 'number' ? String(given).trim().toLowerCase() : '-',
    );
    const unit = UNITS[match?.[2] ?? ''];
    const value = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return good(value);
    return bad(`bytes from ${String(least)} to ${String(most)}, with B, KiB, MiB or GiB`);
  };
}

export const text: Parser<string> = (given) =>
  typeof given === 'string' && given.trim() !== '' ? good(given.trim()) : bad('a text that is not empty');

export const list: Parser<readonly string[]> = (given) => {
  const items: readonly unknown[] =
    typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : [undefined];
  if (!items.every((item) => typeof item === 'string' && /^[+-]?[a-z][a-z0-9-]*$/u.test(item.trim()))) {
    return bad('names separated by commas, each with + or - before it');
  }
  return good(items.map((item) => String(item).trim()));
};

export const paths: Parser<readonly string[]> = (given) => {
  const items: readonly unknown[] = typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : [];
  const clean = items.map((item) => (typeof item === 'string' ? item.trim().replace(/(?!^)\/+$/u, '') : ''));
  const usable = clean.length > 0 && clean.every((item) => /^\/[^\0]+$/u.test(item) && !`${item}/`.includes('/../'));
  return usable ? good(clean) : bad('absolute directories separated by commas');
};

export const destination: Parser<string | undefined> = (given) => {
  if (typeof given !== 'string') return bad('a URL');
  const other = unusableBucket(given);
  if (other !== undefined) return bad(other);
  const judged = parseDestination(given);
  return judged.ok ? good(given) : judged;
};

/** Of a service: what else stands in a URL would be dropped. */
export const endpoint: Parser<string | undefined> = (given) => {
  if (typeof given !== 'string' || !URL.canParse(given)) return bad('a URL');
  const { protocol, username, search, hash } = new URL(given);
  if (username !== '') return bad('a URL without a user name in it');
  if (!/^https?:$/u.test(protocol) || search !== '' || hash !== '')
    return bad('https://HOST or http://HOST, with a port and a path if need be');
  return good(given);
};

const CHANNELS = ['ssm:/?[\\w./-]{1,1000}', 'appconfig:[\\w-]{1,64}/[\\w-]{1,64}/[\\w-]{1,128}', 'lambda:self'];
const CHANNEL = new RegExp(`^(?:${CHANNELS.join('|')})$`, 'u');

const isObject = (given: string): boolean => {
  const judged = parseBucketUrl(given);
  return (
    judged.ok &&
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u.test(judged.value.bucket) &&
    judged.value.prefix !== '' &&
    !/\s/u.test(given) &&
    !given.endsWith('/')
  );
};

export const control: Parser<string | undefined> = (given) => {
  const other = typeof given === 'string' ? unusableBucket(given) : undefined;
  if (other !== undefined) return bad(other);
  return typeof given === 'string' && (CHANNEL.test(given) || isObject(given))
    ? good(given)
    : bad('s3://BUCKET/KEY, ssm:/NAME, appconfig:APPLICATION/ENVIRONMENT/PROFILE or lambda:self');
};

/** 32 bytes in Base64url (RFC 8032: the length of an Ed25519 public key). */
const PUBLIC_KEY = /^ed25519:[\w-]{43}$/u;
const MAX_KEYS = 4;

export const publicKeys: Parser<readonly string[]> = (given) => {
  const items: readonly unknown[] =
    typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : [undefined];
  const keys = items.map((item) => (typeof item === 'string' ? item.trim() : ''));
  return keys.length <= MAX_KEYS && keys.every((key) => PUBLIC_KEY.test(key))
    ? good(keys)
    : bad(`one to ${String(MAX_KEYS)} of ed25519:KEY, separated by commas`);
};

/** A policy for detectors, kept as it was written: it is taken apart where it is used. */
export const detect: Parser<string> = (given) => {
  const policy = typeof given === 'string' && given.trim() !== '' ? readPolicy(given) : 'a text such as high or off';
  return typeof policy === 'string' ? bad(policy) : good(String(given).trim());
};

export const account: Parser<string | undefined> = (given) =>
  typeof given === 'string' && /^\d{12}$/u.test(given) ? good(given) : bad('an account id of 12 digits');

export const recipient: Parser<string | undefined> = (given) =>
  typeof given === 'string' && /^age1[02-9ac-hj-np-z]{58}$/u.test(given.trim())
    ? good(given.trim())
    : bad('an age X25519 recipient (age1 and 58 characters)');

export const pattern: Parser<RegExp | undefined> = (given) => {
  if (given instanceof RegExp) return acceptable(given);
  if (typeof given !== 'string') return bad('a regular expression');
  const insensitive = given.startsWith('(?i)');
  try {
    return acceptable(new RegExp(insensitive ? given.slice(4) : given, insensitive ? 'giu' : 'gu'));
  } catch {
    return bad('a regular expression');
  }
};

function acceptable(expression: RegExp): Parsed<RegExp | undefined> {
  const reason = refusal(expression);
  return reason === undefined
    ? good(expression)
    : bad(`a regular expression that ends soon on any text (this one ${reason})`);
}
