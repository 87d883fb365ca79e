/** What a read from S3 that failed for good means to the responder, and what to do about it. */
import { defined } from '../defined.ts';
import { AmberError, isAmberError, type AmberErrorCode } from '../errors.ts';
import { certificateAdvice } from './certificate-advice.ts';
import { credentialAdvice } from './credential-advice.ts';
import { faultFromError, isTransient, type Fault } from './faults.ts';

/** The error for a read that failed for good: says which permission is missing, holds no secret. */
export function readFault(bucket: string, action: string, key: string, cause: unknown): AmberError {
  if (isAmberError(cause)) return cause;
  const fault = faultFromError(cause);
  const [code, advice] = meaning(bucket, fault, action, key);
  const status = fault.status === undefined ? fault.code : `${fault.status} ${fault.code}`;
  return new AmberError(
    code,
    `${action} on s3://${bucket}/${key} failed (${status}): ${advice}`.replaceAll(/\s+/gu, ' '),
    {
      cause,
      details: {
        bucket,
        key,
        action,
        fault: fault.code,
        ...defined({ status: fault.status }),
      },
    },
  );
}

const NO_CREDENTIALS =
  /^(?:CredentialsProviderError|ExpiredToken|InvalidToken|InvalidAccessKeyId|TokenRefreshRequired|TokenProviderError)/u;

function meaning(bucket: string, fault: Fault, action: string, key: string): readonly [AmberErrorCode, string] {
  const { code, status } = fault;
  if (NO_CREDENTIALS.test(code))
    return [
      'CASE_DENIED',
      credentialAdvice(fault.cause) ??
        'the credentials are missing, wrong or expired; log in, or choose others with --profile',
    ];
  if (code === 'InvalidObjectState')
    return [
      'CASE_UNREADABLE',
      `the object is archived (Glacier): restore it first with aws s3api restore-object --bucket ${bucket} ` +
        `--key '${key}' --restore-request Days=7, and read it when that is done`,
    ];
  if (code === 'SignatureDoesNotMatch') return ['CASE_DENIED', 'the secret key does not belong to the access key id'];
  if (status === 301 || status === 307 || code === 'PermanentRedirect' || code === 'AuthorizationHeaderMalformed') {
    return ['CASE_UNREADABLE', `the bucket is in ${fault.region ?? 'another region'}; give it with --region`];
  }
  if (status === 412) return ['CASE_UNREADABLE', 'the object was replaced while it was read'];
  if (status === 403) {
    const resource = action.startsWith('s3:ListBucket') ? bucket : `${bucket}/${key}`;
    const decrypt = action.startsWith('s3:GetObject')
      ? ', and kms:Decrypt where the bucket is encrypted with a KMS key'
      : '';
    return ['CASE_DENIED', `this role may not; allow ${action} on arn:aws:s3:::${resource}${decrypt}`];
  }
  if (code === 'NoSuchBucket') return ['CASE_MISSING', `there is no bucket ${bucket}`];
  if (status === 404) return ['CASE_MISSING', 'there is no such object'];
  if (/region/iu.test(fault.reason ?? '') && status === undefined)
    return ['CASE_UNREADABLE', 'no region is configured; give it with --region'];
  const untrusted = certificateAdvice(fault.cause);
  if (untrusted !== undefined) return ['CASE_UNREADABLE', untrusted];
  return [
    'CASE_UNREADABLE',
    isTransient(fault)
      ? 'no answer; check the network and --endpoint, or try again'
      : (fault.reason ?? 'the answer is one that Amber does not know'),
  ];
}
