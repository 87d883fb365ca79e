/**
 * Where the objects of a capture stand: one folder a capture, Hive-style, so that Athena and a human can both read it.
 */
import type { CaptureIdentity } from '../contracts/evidence.ts';

/** Longest encoded component. A file name has 255 bytes at most (NAME_MAX), an S3 key 1024 in all. */
const MAX_COMPONENT = 160;

/**
 * A value as one component of a path or key: letters, digits, `_`, `-` and `.` stay, every other byte of its UTF-8 form
 * becomes `%XX`. So a value cannot bring a slash, a control byte, `=` or a name that is `.` or `..`.
 */
export function encodeComponent(value: string): string {
  if (value === '') return 'unknown';
  if (/^\.+$/u.test(value)) return value.replaceAll('.', '%2E').slice(0, MAX_COMPONENT);
  const encoded = Array.from(Buffer.from(value, 'utf8'), encodeByte).join('');
  return encoded.length <= MAX_COMPONENT ? encoded : encoded.slice(0, MAX_COMPONENT).replace(/%.?$/u, '');
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9._-]/u.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** `account=…/region=…/function=…/date=YYYY-MM-DD/capture=<id>`, as components, without a prefix. */
export function captureFolder(capture: CaptureIdentity): readonly string[] {
  return [
    `account=${encodeComponent(capture.account)}`,
    `region=${encodeComponent(capture.region)}`,
    `function=${encodeComponent(capture.functionName)}`,
    `date=${encodeComponent(capture.date)}`,
    `capture=${encodeComponent(capture.captureId)}`,
  ];
}

/** The S3 key of an object of a capture. `prefix` has no slash at either end, and may be empty. */
export function objectKey(prefix: string, capture: CaptureIdentity, name: string): string {
  return [...(prefix === '' ? [] : [prefix]), ...captureFolder(capture), encodeComponent(name)].join('/');
}
