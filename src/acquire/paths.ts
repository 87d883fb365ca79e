/** Names that come from AWS, or from somebody who named a log stream, as paths in the tarball. */
import { hash } from 'node:crypto';

/** Longest component of a path: file systems take 255 bytes, and a number and a suffix follow. */
const MAX_COMPONENT = 200;

/**
 * A name as one component: what is not a letter, digit or one of `._$[]@:+=-` becomes `%XX` of its UTF-8 form, as does
 * every dot of a name of dots. A longer name is cut and ends with a part of its SHA-256.
 */
export function component(name: string): string {
  if (name === '') return '%';
  const dots = /^\.+$/u.test(name);
  const encoded = Array.from(Buffer.from(name, 'utf8'), (byte) => {
    const character = String.fromCharCode(byte);
    return !dots && /[A-Za-z0-9._$[\]@:+=-]/u.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  if (encoded.length <= MAX_COMPONENT) return encoded;
  return `${encoded.slice(0, MAX_COMPONENT - 17).replace(/%.?$/u, '')}~${hash('sha256', name, 'hex').slice(0, 16)}`;
}

/** A name with slashes as folders: `/aws/lambda/checkout` is `aws/lambda/checkout`. */
export function folders(name: string): string {
  return name.replace(/^\/+/u, '').split('/').map(component).join('/');
}

/** The last part of an ARN or of a path in one. */
export function arnName(arn: string): string {
  return arn.split(/[:/]/u).at(-1) ?? arn;
}
