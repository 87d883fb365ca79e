/**
 * Places as users type them. The function, the command and the doctor read them here, so that all of them mean the same
 * object. What stands in a URL is kept as it is typed, or refused: a URL parser would drop `#…` and `?…`, decode `%25`
 * and resolve `..` without a word, and the evidence would lie elsewhere.
 */

export type Judged<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

export interface BucketUrl {
  readonly bucket: string;
  /** Key or prefix, as it was typed; without a slash at either end, may be empty. */
  readonly prefix: string;
}

/** An S3 key has 1024 bytes at most ("Naming Amazon S3 objects"). */
const MAX_KEY_BYTES = 1024;
/** What follows the prefix of a destination needs up to 500 bytes. */
export const MAX_PREFIX_BYTES: number = 500;
/** Bucket names and access point aliases: "General purpose bucket naming rules" of the S3 User Guide. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/u;

const good = <T>(value: T): Judged<T> => ({ ok: true, value });
const bad = (expected: string): Judged<never> => ({ ok: false, expected });

/**
 * `s3://BUCKET` or `s3://BUCKET/PREFIX`: as for `aws s3`, the prefix is no URL, so that `#`, `?`, `%` and spaces are
 * themselves.
 */
export function parseBucketUrl(text: string, mostBytes: number = MAX_KEY_BYTES): Judged<BucketUrl> {
  const [, bucket = '', typed = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/isu.exec(text) ?? [];
  if (bucket.includes('@')) return bad('a URL without a user name in it');
  if (!BUCKET.test(bucket)) return bad('s3://BUCKET/PREFIX with the name of a bucket');
  const prefix = typed.replace(/\/$/u, '');
  const problem = problemOf(prefix);
  if (problem !== undefined)
    return bad(`a prefix without ${problem}: S3 would take it as it is, and other tools would change it`);
  if (Buffer.byteLength(prefix) > mostBytes) return bad(`a prefix of at most ${String(mostBytes)} bytes`);
  return good({ bucket, prefix });
}

function problemOf(path: string): string | undefined {
  const parts = path.split('/');
  if (path !== '' && parts.includes('')) return 'an empty part (`//`)';
  if (parts.includes('.') || parts.includes('..')) return '`.` and `..`';
  if (/[\u0000-\u001f\u007f-\u009f]/u.test(path)) return 'control characters';
  if (path !== path.trim()) return 'spaces at its ends';
  return path.isWellFormed() ? undefined : 'halves of surrogate pairs';
}

/** `file:///DIR`, percent-encoded (RFC 8089): the path. */
export function parseFileUrl(text: string): Judged<string> {
  const [, typed] = /^file:(?:\/\/(?:localhost)?(?=\/)|(?!\/\/))(\/.*)$/isu.exec(text) ?? [];
  if (typed === undefined) return bad('file:///DIR with an absolute path');
  if (/[?#\\]/u.test(typed)) return bad('file:///DIR with %3F for ?, %23 for # and %5C for \\');
  try {
    const path = decodeURIComponent(typed);
    if (/%2f/iu.test(typed) || path.split('/').some((part) => part === '.' || part === '..'))
      return bad('file:///DIR without `.`, `..` and %2F');
    if (typed !== typed.trim() || /[\u0000-\u001f\u007f]/u.test(typed) || path.includes('\0'))
      return bad('file:///DIR without control characters, and with %20 for spaces at its ends');
    return good(path);
  } catch {
    return bad('file:///DIR in percent-encoded UTF-8 (%25 for %)');
  }
}

/** Schemes with a destination of their own; code may bring others. */
export const OWN_SCHEMES: readonly string[] = ['s3:', 'file:'];

/** Lower-case, with the colon; empty where there is none. */
export function schemeOf(text: string): string {
  return /^[a-z][a-z0-9+.-]*:/iu.exec(text)?.[0].toLowerCase() ?? '';
}

/** The URL for the provider of its scheme. For S3 its path is encoded, so that decoding it gives what was typed. */
export function parseDestination(text: string): Judged<URL> {
  const scheme = schemeOf(text);
  if (scheme === 's3:') {
    const judged = parseBucketUrl(text, MAX_PREFIX_BYTES);
    if (!judged.ok) return judged;
    const { bucket, prefix } = judged.value;
    return good(
      new URL(`s3://${bucket}${prefix === '' ? '' : `/${prefix.split('/').map(encodeURIComponent).join('/')}`}`),
    );
  }
  if (scheme === 'file:') {
    const judged = parseFileUrl(text);
    return judged.ok ? good(new URL(text)) : judged;
  }
  if (!URL.canParse(text)) return bad('a URL');
  return new URL(text).username === '' ? good(new URL(text)) : bad('a URL without a user name in it');
}
