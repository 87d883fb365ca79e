/** What an error of the control plane means for the item that was asked for. */
import type { AbsentEntry } from '../contracts/evidence.ts';
import { certificateAdvice } from '../ship/certificate-advice.ts';
import { credentialAdvice } from '../ship/credential-advice.ts';
import { AmberError, describeError, isAmberError, systemCode } from '../errors.ts';

/** Names that the services give to the same three answers. */
const CREDENTIALS =
  /^(?:ExpiredToken|ExpiredTokenException|InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClient|UnrecognizedClientException|InvalidToken|InvalidSignatureException|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|RequestExpired|CredentialsProviderError|TokenProviderError|AuthFailure)$/u;
const DENIED = /^(?:AccessDenied\w*|UnauthorizedOperation|Unauthorized\w*|NotAuthorized\w*|Forbidden)$/u;
const MISSING =
  /^(?:ResourceNotFound\w*|NoSuchEntity\w*|NotFound\w*|NoSuchKey|NoSuchBucket|NoSuchVersion|DurableExecutionNotFound\w*|ProvisionedConcurrencyConfigNotFound\w*|TrailNotFound\w*)$/u;

/** A reason holds names and words that somebody else has chosen. */
const MAX_REASON = 1000;

export type ErrorClass = 'credentials' | 'denied' | 'missing' | 'failed';

export function classifyError(error: unknown): ErrorClass {
  if (isAmberError(error) && error.code === 'ACQUIRE_CREDENTIALS') return 'credentials';
  const name = error instanceof Error ? error.name : '';
  if (CREDENTIALS.test(name)) return 'credentials';
  if (DENIED.test(name)) return 'denied';
  if (MISSING.test(name)) return 'missing';
  const status = statusOf(error);
  return status === 403 ? 'denied' : status === 404 ? 'missing' : 'failed';
}

/** What was asked for: the path it would have had, and the call with its IAM action. */
export interface Asked {
  readonly path: string;
  /** `lambda:GetFunction checkout:3`: the call and what it was asked of. */
  readonly call: string;
  /** IAM action, where it is not the name of the call. */
  readonly action?: string;
  /** Where else the evidence may be, when it is not to be read here. */
  readonly hint?: string;
  /** Asking again changes nothing: it is not ours. */
  readonly final?: boolean;
}

/**
 * The entry of something that could not be read. Never a crash, except for credentials that do not work: every further
 * call would fail in the same way.
 *
 * @throws AmberError ACQUIRE_CREDENTIALS.
 */
export function absentEntry(asked: Asked, error: unknown): AbsentEntry {
  const errorClass = classifyError(error);
  if (errorClass === 'credentials') throw credentialsError(error);
  return {
    kind: 'absent',
    path: asked.path,
    source: asked.call,
    method: 'api',
    outcome: errorClass,
    reason: reasonOf(asked, errorClass, error).slice(0, MAX_REASON),
    notes: () => ({ action: actionOf(asked, error), ...(asked.final === true ? { final: true } : {}) }),
  };
}

/** What only the configuration of the function names, where that could not be read. */
export function withoutFunction(path: string, what: string): AbsentEntry {
  return {
    kind: 'absent',
    path,
    source: 'lambda:GetFunctionConfiguration',
    method: 'api',
    outcome: 'missing',
    reason: `${what}: named by the configuration of the function, which could not be read`,
  };
}

/** The IAM action that a call needs, or that the answer says it needs. */
export function actionOf(asked: Asked, error?: unknown): string {
  const named = error instanceof Error ? /perform:?\s+([a-z0-9-]+:[A-Za-z0-9]+)/u.exec(error.message)?.[1] : undefined;
  return named ?? asked.action ?? asked.call.split(' ')[0] ?? asked.call;
}

function reasonOf(asked: Asked, fate: Exclude<ErrorClass, 'credentials'>, error: unknown): string {
  const hint = asked.hint === undefined ? '' : `; ${asked.hint}`;
  const name = error instanceof Error ? error.name : 'error';
  if (fate === 'denied') return `${actionOf(asked, error)} is denied (${name})${hint}`;
  if (fate === 'missing') return `${asked.call}: it is not there (${name})${hint}`;
  return `${asked.call}: ${certificateAdvice(error) ?? describeError(error)}${hint}`;
}

export function credentialsError(cause: unknown): AmberError {
  if (isAmberError(cause) && cause.code === 'ACQUIRE_CREDENTIALS') return cause;
  const name = cause instanceof Error ? cause.name : 'error';
  const advice = credentialAdvice(cause);
  if (advice !== undefined)
    return new AmberError('ACQUIRE_CREDENTIALS', `No AWS credentials (${name}): ${advice}.`, {
      cause,
      details: { fault: name },
    });
  return new AmberError(
    'ACQUIRE_CREDENTIALS',
    `The AWS credentials are missing, wrong or expired (${name}). Renew them (\`aws sso login\`, or the AWS_ ` +
      'variables) and run the same command again: it goes on where this one ended.',
    { cause, details: { fault: name } },
  );
}

/** The AmberError for a call without which nothing can be collected. */
export function fatalError(asked: Asked, error: unknown, region: string): AmberError {
  const errorClass = classifyError(error);
  if (errorClass === 'credentials') return credentialsError(error);
  const details = { action: actionOf(asked, error), region };
  if (errorClass === 'denied')
    return new AmberError(
      'ACQUIRE_DENIED',
      `${details.action} is denied to this user or role, and nothing can be collected without it.`,
      { cause: error, details },
    );
  if (errorClass === 'missing')
    return new AmberError(
      'ACQUIRE_MISSING',
      `There is no function ${JSON.stringify(asked.call.split(' ')[1] ?? '')} in ${region}; is it another ` +
        'region (--region) or account (--profile)?',
      { cause: error, details },
    );
  return new AmberError('ACQUIRE_FAILED', `${asked.call}: ${certificateAdvice(error) ?? describeError(error)}`, {
    cause: error,
    details: { ...details, fault: systemCode(error) ?? '' },
  });
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return (error.$metadata as { httpStatusCode?: number }).httpStatusCode;
}
