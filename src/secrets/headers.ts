/** Values of Authorization and Cookie headers: the secret goes, the scheme, the key id and the cookie names stay. */
import type { Cover } from './cover.ts';
import { holdsMark, isMark } from './mark.ts';

const SCHEME = /^([A-Za-z][\w-]{1,40})([ \t]{1,8})(?=\S)/u;
/**
 * SigV4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html): only the signature is
 * one use.
 */
const SIGV4 = /^(AWS4-[\w-]{1,60}[ \t]{1,8}[\s\S]{0,4096}?Signature=)([0-9a-fA-F]{16,512}|<redacted:[0-9a-f]{16}>)/u;
const ATTRIBUTES: ReadonlySet<string> = new Set([
  'path',
  'domain',
  'expires',
  'max-age',
  'secure',
  'httponly',
  'samesite',
  'priority',
  'partitioned',
  'version',
]);
const MAX_COOKIES = 200;

/** `Bearer x` to `Bearer <mark>`; `AWS4-HMAC-SHA256 Credential=…, Signature=x` keeps the credential scope. */
export function hideCredential(value: string, cover: Cover, rule: string): string {
  const signed = SIGV4.exec(value);
  if (signed?.[1] !== undefined && signed[2] !== undefined) {
    return signed[1] + cover.hide(signed[2], rule) + value.slice(signed[0].length);
  }
  const scheme = SCHEME.exec(value);
  const lead = scheme?.[0] ?? '';
  const secret = value.slice(lead.length);
  if (scheme?.[1]?.toLowerCase() === 'basic') return lead + hideBasic(secret, cover);
  return lead + cover.hide(secret, rule);
}

/** Each cookie's value on its own. The attributes of Set-Cookie are no secret. */
export function hideCookies(value: string, cover: Cover, rule: string): string {
  const parts = value.split(';');
  if (parts.length > MAX_COOKIES) return cover.hide(value, rule);
  return parts
    .map((part) => {
      const at = part.indexOf('=');
      const name = part.slice(0, Math.max(0, at)).trim().toLowerCase();
      if (ATTRIBUTES.has(at < 0 ? part.trim().toLowerCase() : name)) return part;
      const start = at + 1;
      const secret = part.slice(start).trim();
      if (secret === '' || isMark(secret)) return part;
      return part.slice(0, start) + part.slice(start).replace(secret, () => cover.hide(secret, rule));
    })
    .join(';');
}

/** `user:password` out of the base64 of Basic authentication (RFC 7617), or undefined if it is something else. */
export function openBasic(pair: string): string | undefined {
  const text = Buffer.from(pair, 'base64').toString('utf8');
  return /^[^\u0000-\u001f\ufffd:]{0,256}:[^\u0000-\u001f\ufffd]{0,1024}$/u.test(text) ? text : undefined;
}

/** Hides a Basic credential; the password in it is learned as well. */
export function hideBasic(pair: string, cover: Cover): string {
  const opened = openBasic(pair);
  if (opened !== undefined && holdsMark(opened)) return pair; // it was hidden inside
  if (opened !== undefined) cover.hide(opened.slice(opened.indexOf(':') + 1), 'basic');
  return cover.hide(pair, 'basic');
}
