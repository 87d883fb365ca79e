/**
 * The one error class of Amber. `code` is the identity (stable, documented, closed); the message says what to do.
 * Messages never hold a secret: values are passed through the redactor or left out.
 */
import { defined } from './defined.ts';

/** What went wrong, and the sentence a reader gets when no better one is at hand. */
export const ERROR_CODES = {
  CONFIG_INVALID: 'The configuration is not usable.',
  DESTINATION_UNKNOWN: 'No destination answers to this URL scheme.',
  DESTINATION_DENIED: 'The destination refused the write.',
  DESTINATION_MISSING: 'The bucket or folder does not exist.',
  DESTINATION_EXISTS: 'An object with this name is there already.',
  DESTINATION_UNAVAILABLE: 'The destination did not answer, or asked to slow down.',
  DESTINATION_REGION: 'The bucket lives in another region.',
  DESTINATION_CLOCK: 'The clock of this machine is too far from the clock of the destination.',
  DESTINATION_CREDENTIALS: 'The credentials are missing, wrong or expired.',
  DESTINATION_UNTRUSTED: 'The certificate of the destination is not trusted.',
  DESTINATION_FAILED: 'The destination failed in a way that Amber does not know.',
  RECIPIENT_INVALID: 'The recipient is not an age X25519 recipient.',
  IDENTITY_INVALID: 'The identity does not open this age file.',
  CAPTURE_BUSY: 'A capture is running already.',
  CAPTURE_LIMITED: 'A limit (cooldown, cap, budget, kill switch) forbids another capture.',
  ORDER_REFUSED: 'An order of a responder is refused: it is malformed, expired, replayed, out of scope or not signed.',
  CAPTURE_ABORTED: 'The capture was cut before it was committed.',
  COLLECTOR_FAILED: 'A collector failed.',
  ARCHIVE_CORRUPT: 'The archive is damaged or is not an Amber capture.',
  CASE_UNSAFE: 'The archive holds a name that would leave the target folder.',
  CASE_MISSING: 'There is no such capture.',
  CASE_DENIED: 'This user or role may not read the capture.',
  CASE_UNREADABLE: 'The place of the capture did not answer, or failed.',
  CASE_EXISTS: 'The target is there already, and nothing is overwritten.',
  ACQUIRE_CREDENTIALS: 'The AWS credentials of the responder are missing, wrong or expired.',
  ACQUIRE_MISSING: 'There is no such function in this account and region.',
  ACQUIRE_MISMATCH: 'The control plane answered for another function than the one that was named.',
  ACQUIRE_DENIED: 'This user or role may not read the function.',
  ACQUIRE_FAILED: 'The control plane did not answer, or failed.',
  PLATFORM_REFUSED: 'The platform refused a request of the extension, or answered with what is no answer.',
  USAGE: 'The command line is not usable.',
  BUG: 'A state that the code holds to be impossible.',
} as const;

export type AmberErrorCode = keyof typeof ERROR_CODES;

const BRAND = Symbol.for('lambda-amber.error');

/** Everything that Amber throws. Two copies of the package recognise each other's errors: use {@link isAmberError}. */
export class AmberError extends Error {
  override readonly name = 'AmberError';
  readonly code: AmberErrorCode;
  /** Machine-readable facts, free of secrets: the variable, the bucket, the HTTP status. */
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: AmberErrorCode,
    message?: string,
    options: { cause?: unknown; details?: Readonly<Record<string, string | number | boolean>> } = {},
  ) {
    super(message ?? ERROR_CODES[code], options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * What `JSON.stringify` shows. Members of an `Error` are not enumerable, so that without this the message was lost.
   */
  toJSON(): ErrorDocument {
    const { cause } = this;
    return {
      name: this.name,
      code: this.code,
      message: covered(this.message),
      details: this.details,
      ...(cause === undefined ? {} : { cause: causeDocument(cause, 1) }),
    };
  }

  /** An error of another copy is one as well: the published library holds this module twice. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isAmberError(value);
  }
}

/** An error in JSON: without its stack, which holds paths of the machine. */
export interface ErrorDocument {
  readonly name: string;
  /** Of an AmberError, or the code of a system error. */
  readonly code?: string;
  readonly message: string;
  readonly details?: AmberError['details'];
  readonly cause?: ErrorDocument;
}

/** Causes of causes that are told; a chain may be a ring. */
const MAX_CAUSES = 4;
const MAX_CHARACTERS = 500;

function causeDocument(cause: unknown, depth: number): ErrorDocument {
  if (!(cause instanceof Error)) return { name: typeof cause, message: covered(textOf(cause)) };
  const code = systemCode(cause);
  return {
    name: textOf(cause.name),
    ...defined({ code }),
    message: covered(textOf(cause.message)),
    ...(cause.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: causeDocument(cause.cause, depth + 1) }),
  };
}

/**
 * What secrets look like in messages of others: keys, users of URLs, signatures in their queries, what stands behind a
 * name, and long tokens. Each pattern is linear in the text. They are texts until a message is shown: V8
 * reads a pattern in full where it stands, and this file is read at every cold start.
 */
const SECRETS: readonly (readonly [pattern: string, flags: string, mark: string])[] = [
  ['-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*', 'gu', '…'],
  ['AGE-SECRET-KEY-1[0-9A-Z]+', 'giu', '…'],
  ['://[^/@\\s]{1,500}@', 'gu', '://…@'],
  ['(\\bx-amz-(?:signature|security-token|credential)=)[^&\\s"\']+', 'giu', '$1…'],
  [
    '((?:secret|passw(?:or)?d|token|authorization|api[_-]?key)\\w{0,40}["\']?\\s{0,3}[:=]\\s{0,3}["\']?)' +
      '(?:Bearer |Basic )?[^\\s"\',;&]+',
    'giu',
    '$1…',
  ],
  ['\\b(?=[a-z+/\\d]*[A-Z])(?=[A-Z+/\\d]*[a-z])(?=[A-Za-z+/]*\\d)[A-Za-z\\d+/]{40,}={0,2}', 'gu', '…'],
];

/** Text for a reader outside of the process: one line, secrets covered. */
function covered(text: string): string {
  let line = text.replaceAll(/\s+/gu, ' ').slice(0, 4 * MAX_CHARACTERS);
  for (const [pattern, flags, mark] of SECRETS) line = line.replaceAll(new RegExp(pattern, flags), mark);
  return line.slice(0, MAX_CHARACTERS);
}

/** True for an AmberError of any copy of this package. */
export function isAmberError(value: unknown): value is AmberError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** One line that describes any thrown value. No stack, no newline: the caller redacts it. */
export function describeError(error: unknown): string {
  const text = describeCause(error);
  const inner = error instanceof Error && error.cause !== undefined ? `; cause: ${describeCause(error.cause)}` : '';
  return (text + inner).replaceAll(/\s+/gu, ' ').slice(0, 500);
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? `${textOf(cause.name)}: ${textOf(cause.message)}` : textOf(cause);
}

/** Anything may be thrown, also what has no text: `Object.create(null)`. */
function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `(${typeof value} without a text)`;
  }
}
