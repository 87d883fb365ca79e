/**
 * Judges values without their names: what is plainly no secret, what looks random, what may be searched for everywhere.
 * Every pattern here is anchored and bounded: the attacker writes the values.
 */

/** Prefixes of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes. */
const PRINCIPAL_ID =
  /^(?:ABIA|ACCA|AGPA|AIDA|AIPA|AKIA|ANPA|ANVA|APKA|AROA|ASCA|ASIA)[A-Z0-9]{12,28}(?:(?:\/|%2F)[\w%./-]{0,200})?$/u;
const ARN = /^arn:aws[a-z-]{0,20}:[\w.:/*$@+=,!~#?{}[\]()-]{1,1024}$/u;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iu;
const EMPTY = /^(?:|true|false|yes|no|on|off|null|undefined|none|nil|n\/a|\*+|0|1|-1)$/iu;
const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,9})?(?:ms|s|m|h|d|%|[kmg]i?b?)?$/iu;
const PATH = /^(?:[~.]{0,2}\/)?(?:[\w.@+~-]{1,255}\/){0,40}[\w.@+~-]{1,255}\/?(?::\/[\w.@+~/-]{0,255}){0,40}$/u;
const PLAIN_URL = /^[a-z][a-z0-9+.-]{1,20}:\/\/[\w.-]{1,253}(?::\d{1,5})?(?:\/[\w.~/-]{0,512})?$/iu;
const HOST = /^(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}(?::\d{1,5})?$/u;
const WORDS = /^[A-Za-z][A-Za-z]{0,30}(?:[ _.,/-][A-Za-z]{1,30}){0,8}$/u;
const RESOURCE_ID = /^[a-z]{1,12}-[0-9a-f]{8}(?:[0-9a-f]{9})?$/u;
const TOKEN = /^[A-Za-z0-9+/=_.:~-]{20,512}$/u;

/** Booleans, nothing, single digits: under any name. */
export function isEmptyValue(value: string): boolean {
  return value.length < 16 && EMPTY.test(value);
}

/**
 * An IAM unique id (AKIA…, ASIA…, AROA…, AIDA…), also with the scope of a signature behind it. It names a principal and
 * opens nothing: the pivot into CloudTrail.
 */
export function isPrincipalId(value: string): boolean {
  return value.startsWith('A') && value.length < 240 && PRINCIPAL_ID.test(value);
}

export function isArn(value: string): boolean {
  return value.startsWith('arn:') && ARN.test(value);
}

/** A reference, a place, a number or words: what a setting *about* a secret holds, rather than a secret. */
export function isPlain(value: string): boolean {
  if (isEmptyValue(value) || NUMBER.test(value) || isArn(value) || isPrincipalId(value)) return true;
  if (value.length > 2048 || looksRandom(value)) return false;
  return WORDS.test(value) || HOST.test(value) || (value.includes('/') && (PATH.test(value) || PLAIN_URL.test(value)));
}

/** Ids and digests whose form is published: each names a thing, and opens none. */
const IDENTIFIER = new RegExp(
  `^(?:${[
    '[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}', // https://www.w3.org/TR/trace-context/#traceparent-header
    '(?:Root=)?1-[0-9a-f]{8}-[0-9a-f]{24}(?:;.{0,200})?', // X-Ray
    '[0-9a-f]{16}-[A-Z]{3}', // CF-Ray
    '01[0-9A-HJKMNP-TV-Z]{24}', // https://github.com/ulid/spec, until 2039
    '(?:.{1,255}@)?(?:sha(?:1|256|384|512)[:-])[0-9A-Za-z+/=]{40,128}', // image, Subresource Integrity
    '[a-z]{1,20}:\\/\\/[0-9a-f]{64}', // docker://, containerd://
    // Stripe
    '(?:pk|price|prod|acct|cus|evt|pi|ch|py|sub|si|in|ii|re|req|pm|card|src|txn|po|tr)_(?:live_|test_)?[0-9A-Za-z]{14,99}',
    '[a-z]{1,20}_01[0-9a-hjkmnp-tv-z]{24}', // https://github.com/jetify-com/typeid, a UUIDv7 until 2039
    'c[j-m][0-9a-z]{23}', // CUID, by its time: 2017 to 2028
    '[0-9a-f]{32}-\\d{1,5}', // ETag of an upload in parts
    'AC[0-9a-f]{32}', // Twilio, the account
    'W?\\/?"[0-9a-f-]{8,64}"', // ETag
  ].join('|')})$`,
  'u',
);
const KSUID = /^[0-3][0-9A-Za-z]{26}$/u;
/** Seconds since the epoch at which KSUIDs begin to count, and the years in which they may have been made. */
const KSUID_EPOCH = 1_400_000_000;
const KSUID_YEARS: readonly [number, number] = [1_480_000_000, 2_200_000_000];
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A document in base64: what stands in it is looked at by the rules for text (encoded.ts). */
const DOCUMENT = /^(?:eyJ|eyA|ewo|ewog|W3si|WyJ)[A-Za-z0-9+/_-]{12,}={0,2}$/u;

function isDocument(value: string): boolean {
  if (!DOCUMENT.test(value)) return false;
  try {
    return typeof JSON.parse(Buffer.from(value, 'base64').toString('utf8')) === 'object';
  } catch {
    return false;
  }
}

/** A trace id, a ULID, a KSUID, a digest with its name, a publishable key, a document in base64. */
export function isIdentifier(value: string): boolean {
  if (value.length < 16 || value.length > 512) return isDocument(value.slice(0, 262_144));
  if (isDocument(value)) return true;
  return IDENTIFIER.test(value) || (value.length === 27 && KSUID.test(value) && isTimed(value));
}

/** The first 32 of 160 bits are a time (https://github.com/segmentio/ksuid). */
function isTimed(value: string): boolean {
  let number = 0n;
  for (const digit of value) number = number * 62n + BigInt(BASE62.indexOf(digit));
  const seconds = Number(number >> 128n) + KSUID_EPOCH;
  return seconds > KSUID_YEARS[0] && seconds < KSUID_YEARS[1];
}

/** An object in a bucket, a commit: the path may hold digests, and what asks for it needs a signature. */
const PLAIN_OBJECT =
  /^(?:s3:\/\/|https:\/\/(?:[\w.-]{1,100}\.)?s3[.-][\w.-]{1,40}\.amazonaws\.com(?:\.cn)?\/)[^?#\s]{1,1024}$/u;
const DIGESTS =
  /(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![0-9A-Za-z])/giu;

/** Paths and URLs without the digests in them. */
function withoutDigests(value: string): string {
  return value.startsWith('/') || value.includes('://') ? value.replaceAll(DIGESTS, 'digest') : value;
}

export function isUuid(value: string): boolean {
  return value.length === 36 && UUID.test(value);
}

/**
 * True for one token of at least 20 characters with a stretch that nobody would choose: letters, cases and digits
 * change places as often as in random base64, base36 or hex. Names that tools generate have shorter random parts
 * (`MyStack-Table794EDED1-3S8G0BUU9XJX`), words change case too seldom.
 */
export function looksRandom(text: string): boolean {
  if (text.length < 20) return false;
  if (isIdentifier(text) || isArn(text) || PLAIN_OBJECT.test(text)) return false;
  const value = withoutDigests(text.length > 512 ? text.slice(0, 512) : text);
  if (!TOKEN.test(value) || isUuid(value) || RESOURCE_ID.test(value) || HOST.test(value)) return false;
  let start = 0;
  for (let at = 0; at <= value.length; at++) {
    const char = value[at];
    if (char !== undefined && char !== '-' && char !== '_' && char !== '.' && char !== ':' && char !== '~') continue;
    if (at - start >= 16 && isRandomStretch(value, start, at)) return true;
    start = at + 1;
  }
  return false;
}

const LOWER = 1;
const UPPER = 2;
const DIGIT = 4;

function classOf(code: number): number {
  if (code >= 97 && code <= 122) return LOWER;
  if (code >= 65 && code <= 90) return UPPER;
  return code >= 48 && code <= 57 ? DIGIT : 0;
}

function isRandomStretch(value: string, start: number, end: number): boolean {
  let seen = 0;
  let changes = 0;
  let pairs = 0;
  let before = 0;
  const distinct = new Set<number>();
  for (let at = start; at < end; at++) {
    const code = value.charCodeAt(at);
    const kind = classOf(code);
    distinct.add(code);
    seen |= kind;
    if (before !== 0 && kind !== 0) {
      pairs++;
      if (kind !== before) changes++;
    }
    before = kind;
  }
  if ((seen & DIGIT) === 0 || (seen & (LOWER | UPPER)) === 0 || distinct.size < 8) return false;
  // Expected share of changes: base64 0.62, hex 0.47, base36 0.40, base32 0.30; camel case with a version number up to
  // 0.4.
  return changes >= pairs * ((seen & LOWER) !== 0 && (seen & UPPER) !== 0 ? 0.4 : 0.2);
}

/** Shortest value that is searched for everywhere: shorter ones would hit by chance. */
export const LEAST_LEARNED = 8;

/**
 * Whether a redacted value may be replaced wherever it occurs. Ordinary words, paths, numbers and addresses are not:
 * a planted `X_TOKEN=processes` or `/tmp/implant` would blind the whole capture, and such a value protects nothing,
 * since it is guessed at once. They are still redacted where their name says so.
 */
export function isLearnable(secret: string): boolean {
  const value = secret.trim();
  if (value.length < LEAST_LEARNED || value.includes('<redacted') || '<redacted:'.includes(value)) return false;
  // `0000000000000000` is a mask of signals or capabilities, or a filler: it stands in too many places.
  if (new Set(value.slice(0, 64)).size < 3) return false;
  if (isPrincipalId(value) || isArn(value) || (NUMBER.test(value) && value.length < 12)) return false;
  if (looksRandom(value)) return true;
  if (/^(?:[A-Z]?[a-z]{1,16}|[A-Z]{1,16})$/u.test(value)) return false;
  return !isPlainPath(value) && !PLAIN_URL.test(value);
}

/** `/var/task/x`: absolute, at least one slash more, and nothing random in it. */
function isPlainPath(value: string): boolean {
  return (
    value.startsWith('/') &&
    value.length < 1024 &&
    /^(?:\/[a-z0-9_.@+~-]{1,255}){1,40}\/?$/iu.test(value) &&
    !/[a-z][A-Z0-9]{2}|[0-9][a-zA-Z][0-9]/u.test(value)
  );
}
