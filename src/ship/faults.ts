/**
 * What a failed S3 request means, whichever transport ran it: may it be repeated, may it have been carried out all the
 * same, and which AmberError tells the reader what to do. Codes: "Error responses" of the Amazon S3 API Reference.
 */
import { defined } from '../defined.ts';
import { AmberError, isAmberError, systemCode } from '../errors.ts';
import type { AmberErrorCode } from '../errors.ts';
import { printable } from '../printable.ts';
import { codeWord } from './code-word.ts';
import { many } from '../many.ts';

/** A failed request as data. */
export interface Fault {
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** S3's error code (`AccessDenied`), Node's (`ECONNRESET`), or ours (`AttemptTimeout`, `Aborted`). */
  readonly code: string;
  /** The server's words, one short line. */
  readonly reason?: string;
  /** Region of the bucket, where the answer names it. */
  readonly region?: string;
  readonly serverDate?: string;
  /** True when it is certain that no byte of the request was sent. */
  readonly unsent?: boolean;
  /** How the attempt before ended, where the end of the time cut this one off: `503 SlowDown`. */
  readonly before?: string;
  readonly cause?: unknown;
}

/** An answer or a fault; transports do not throw. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

/** What the messages name. */
export interface FaultContext {
  readonly bucket: string;
  readonly key: string;
  readonly region: string;
  readonly kmsKey: string | undefined;
  readonly attempts: number;
  /** An earlier attempt may have been carried out although no answer came. */
  readonly lost: boolean;
}

/** An answer of success that does not prove that anything was stored. */
const NO_RECEIPT = 'NoReceipt';

/** Nothing can have been written: no connection was made. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ConnectTimeout',
]);
/** Ask to come back, whatever the status. ConditionalRequestConflict: S3 User Guide, "conditional writes". */
const COME_BACK: ReadonlySet<string> = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'IncompleteBody',
  'AttemptTimeout',
  'ConnectTimeout',
  'TimeoutError',
  'ERR_STREAM_PREMATURE_CLOSE',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  NO_RECEIPT,
  'ERR_TLS_HANDSHAKE_TIMEOUT',
]);
const CREDENTIALS: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'InvalidAccessKeyId',
  'CredentialsProviderError',
  'NotSignedUp',
  'UnrecognizedClientException',
]);
const CLOCK: ReadonlySet<string> = new Set(['RequestTimeTooSkewed', 'RequestExpired']);
const REGION: ReadonlySet<string> = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'Redirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
/** A certificate that is not trusted does not become so by trying again (codes: Node's tls, from OpenSSL). */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_/u;

/** No such name (getaddrinfo(3)): asking again changes nothing. A resolver that does not answer says EAI_AGAIN. */
const NO_SUCH_HOST: ReadonlySet<string> = new Set(['ENOTFOUND']);

export function noReceipt(status: number, why: string): Fault {
  return { status, code: NO_RECEIPT, reason: `the answer is no receipt of S3: ${why}` };
}

/** True if the same request may succeed when it is sent again. */
export function isTransient(fault: Fault): boolean {
  if (COME_BACK.has(fault.code)) return true;
  if (fault.status !== undefined) return fault.status >= 500 || fault.status === 429;
  if (CERTIFICATE.test(fault.code) || NO_SUCH_HOST.has(fault.code)) return false;
  return /^E[A-Z]|^HPE_/u.test(fault.code) && !fault.code.startsWith('ERR_');
}

/** True if no S3 was reached: nobody is there, which is usual after a thaw, or who is there is somebody else. */
export function isUnreached({ code, status }: Fault): boolean {
  return code === NO_RECEIPT || (status === undefined && NEVER_SENT.has(code));
}

/** True if the server holds our clock to be wrong. */
export function isClockFault(fault: Fault): boolean {
  return CLOCK.has(fault.code);
}

/** True if the bucket is in another region than `asked`, for which the request was signed. */
export function isRegionFault({ code, status, region }: Fault, asked: string): boolean {
  if (REGION.has(code) || status === 301 || status === 307) return true;
  return (
    status === 400 && region !== undefined && region !== asked && !CREDENTIALS.has(code) && !code.startsWith('KMS.')
  );
}

/** True if the server may have carried the request out. */
export function mayHaveArrived(fault: Fault): boolean {
  if (fault.unsent === true) return false;
  if (fault.status !== undefined) return fault.status >= 500 || fault.status < 300;
  return !NEVER_SENT.has(fault.code) && !CERTIFICATE.test(fault.code) && !CREDENTIALS.has(fault.code);
}

/** `503 SlowDown`, `ECONNRESET`. */
export const faultWord = ({ status, code }: Fault): string => (status === undefined ? code : `${status} ${code}`);

/** The error for a fault after the last attempt. One line, says what to do, holds no secret. */
export function faultError(fault: Fault, context: FaultContext): AmberError {
  const [code, advice] = meaning(fault, context);
  const status = fault.before ?? faultWord(fault);
  const tries = context.attempts > 1 ? ` after ${many(context.attempts, 'attempt')}` : '';
  const message = `s3:PutObject to s3://${context.bucket}/${context.key} failed${tries} (${status}): ${advice}`;
  return new AmberError(code, message.replaceAll(/\s+/gu, ' '), {
    cause: fault.cause,
    details: {
      bucket: context.bucket,
      key: context.key,
      fault: fault.code,
      attempts: context.attempts,
      maybeStored: context.lost || mayHaveArrived(fault),
      ...defined({ status: fault.status, reason: fault.reason, region: fault.region }),
      ...(fault.code === 'Aborted' ? { aborted: true } : {}),
    },
  });
}

function meaning(fault: Fault, context: FaultContext): readonly [AmberErrorCode, string] {
  const { code, status } = fault;
  if (code === 'Aborted')
    return ['DESTINATION_UNAVAILABLE', 'the time of the capture ended before the bucket answered'];
  if (CREDENTIALS.has(code))
    return [
      'DESTINATION_CREDENTIALS',
      'the credentials are missing, wrong or expired; give the function a role, or set AWS_ACCESS_KEY_ID and ' +
        'AWS_SECRET_ACCESS_KEY',
    ];
  if (isClockFault(fault))
    return ['DESTINATION_CLOCK', 'the clock of this machine is more than 15 minutes away from the clock of S3; set it'];
  if (isRegionFault(fault, context.region)) return ['DESTINATION_REGION', regionAdvice(fault, context)];
  if (code.startsWith('KMS.'))
    return ['DESTINATION_DENIED', `the KMS key cannot be used; check AMBER_S3_KMS_KEY${kmsAdvice(context)}`];
  if (code === 'SignatureDoesNotMatch')
    return [
      'DESTINATION_DENIED',
      `bucket ${context.bucket} does not accept the signature; the secret key does not belong to the access key id`,
    ];
  if (status === 403 || code === 'AccessDenied')
    return [
      'DESTINATION_DENIED',
      `allow s3:PutObject on arn:aws:s3:::${context.bucket}/${folderOf(context.key)}*${kmsAdvice(context)}, and ` +
        'look at the bucket policy and AMBER_S3_BUCKET_OWNER',
    ];
  if (code === 'NoSuchBucket' || status === 404)
    return [
      'DESTINATION_MISSING',
      `there is no bucket ${context.bucket} at this endpoint; create it, or correct AMBER_DESTINATION`,
    ];
  if (status === 412)
    return ['DESTINATION_EXISTS', 'an object with this key is there already, and nothing is overwritten'];
  if (isTransient(fault)) return ['DESTINATION_UNAVAILABLE', unavailableAdvice(fault)];
  if (NO_SUCH_HOST.has(code))
    return [
      'DESTINATION_MISSING',
      'there is no host of this name; check AMBER_S3_ENDPOINT and AMBER_S3_REGION, and in a VPC its DNS',
    ];
  if (CERTIFICATE.test(code))
    return [
      'DESTINATION_UNTRUSTED',
      'the TLS certificate of the endpoint is not trusted, and nothing was sent; check AMBER_S3_ENDPOINT and ' +
        'NODE_EXTRA_CA_CERTS',
    ];
  return ['DESTINATION_FAILED', fault.reason ?? 'the answer is one that Amber does not know'];
}

function unavailableAdvice(fault: Fault): string {
  if (fault.code === NO_RECEIPT)
    return `${fault.reason ?? 'the answer is no receipt of S3'}; check AMBER_S3_ENDPOINT and what stands between`;
  if (fault.status !== undefined) return 'the bucket is overloaded or failing; try again later';
  return NEVER_SENT.has(fault.code)
    ? 'no connection; check AMBER_S3_ENDPOINT, and in a VPC the S3 gateway endpoint or NAT'
    : 'the connection broke or no answer came; check the network path to S3';
}

function regionAdvice(fault: Fault, context: FaultContext): string {
  const found = fault.region === undefined ? 'another region' : `region ${fault.region}`;
  return (
    `the bucket is in ${found}, not in ${context.region}; set ` +
    `AMBER_S3_REGION${fault.region === undefined ? '' : `=${fault.region}`}`
  );
}

const kmsAdvice = (context: FaultContext): string =>
  context.kmsKey === undefined ? '' : ' and kms:GenerateDataKey on the key';

const folderOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('account=')));

/** A fault from an error answer: S3's XML body, and the headers with lower-case names. */
export function faultFromAnswer(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
): Fault {
  const region = textHeader(headers['x-amz-bucket-region']) ?? element(body, 'Region');
  const reason = element(body, 'Message');
  const serverDate = textHeader(headers['date']) ?? element(body, 'ServerTime');
  return {
    status,
    code: codeWord(element(body, 'Code')) ?? codeOfStatus(status),
    ...defined({ reason, region, serverDate }),
  };
}

/** A fault from anything that was thrown: an SDK exception, a system error, an abort. */
export function faultFromError(error: unknown): Fault {
  if (isAmberError(error))
    return { code: text(error.details['fault']) ?? error.code, reason: error.message, cause: error };
  const thrown = record(error);
  const status = record(thrown['$metadata'])['httpStatusCode'];
  const headers = record(record(thrown['$response'])['headers']);
  const region = text(headers['x-amz-bucket-region']) ?? text(thrown['Region']);
  const serverDate = text(headers['date']);
  const reason = text(thrown['message']);
  const answered = typeof status === 'number' && status >= 300;
  return {
    code: answered ? nameOr(thrown, codeOfStatus(status)) : (systemCode(error) ?? nameOr(thrown, 'Unknown')),
    ...(answered ? { status } : {}),
    ...defined({ reason, region, serverDate }),
    cause: error,
  };
}

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  307: 'TemporaryRedirect',
  403: 'Forbidden',
  404: 'NotFound',
  412: 'PreconditionFailed',
  503: 'ServiceUnavailable',
};
const codeOfStatus = (status: number): string => CODE_OF_STATUS[status] ?? 'Unknown';

function nameOr(thrown: Readonly<Record<string, unknown>>, otherwise: string): string {
  const name = text(thrown['name']);
  return name === undefined ||
    !/^[A-Za-z0-9_.]+$/u.test(name) ||
    /^(Error|Unknown|UnknownError|SyntaxError)$/u.test(name)
    ? otherwise
    : name;
}

function element(xml: string, name: string): string | undefined {
  return text(new RegExp(`<${name}>([^<]{1,500})</${name}>`, 'u').exec(xml)?.[1]);
}

const textHeader = (value: string | string[] | undefined): string | undefined =>
  text(Array.isArray(value) ? value[0] : value);

/** One printable line of at most 200 characters, or undefined. The server, or who stands in its place, chose it. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = printable(value, 'sentence', 200);
  return line === '' ? undefined : line;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
