/**
 * What an answer to PutObject says: stored, refused, or nothing that counts. Both transports are judged here.
 *
 * S3 answers 200 with an ETag and no body ("PutObject", Amazon S3 API Reference), and may put an error into a body
 * behind a 200 ("Error responses"). Another one that answers (a portal, a proxy, a web server) must not pass for it.
 */
import type { Answer } from './exchange.ts';
import { faultFromAnswer, noReceipt, type Reply } from './faults.ts';
import type { PutAnswer, PutRequest } from './s3-settings.ts';

/** Longest answer to a PutObject that is read; what is longer is no receipt. */
export const MAX_ANSWER_BYTES: number = 64 * 1024;

export function putReply(answer: Answer, { checksum: expected }: Pick<PutRequest, 'checksum'>): Reply<PutAnswer> {
  const { status, headers } = answer;
  const body = answer.body.toString('utf8');
  if (status >= 300) return { ok: false, fault: faultFromAnswer(status, headers, body) };
  if (/<Error[\s>]/u.test(body)) return { ok: false, fault: faultFromAnswer(status, headers, body) };
  const [etag, checksum, versionId, serverDate] = ['etag', 'x-amz-checksum-sha256', 'x-amz-version-id', 'date'].map(
    (name) => one(headers[name]),
  );
  const missing = whatIsMissing(answer, etag, body);
  if (missing !== undefined) return { ok: false, fault: noReceipt(status, missing) };
  if (checksum !== undefined && checksum !== expected) {
    return {
      ok: false,
      fault: {
        status,
        code: 'ChecksumMismatch',
        reason: 'the server computed another SHA-256: what it stored is not what was sent',
      },
    };
  }
  return { ok: true, value: { etag, versionId, checksum, serverDate } };
}

function whatIsMissing(
  { status, headers, isWhole, isSent }: Answer,
  etag: string | undefined,
  body: string,
): string | undefined {
  if (status !== 200) return `status ${String(status)} where 200 is expected`;
  if (etag === undefined || etag.replaceAll('"', '') === '') return 'it has no ETag';
  if (!isSent) return 'it came before the body was sent';
  if (!isWhole) return 'it ended before its end, or is longer than an answer may be';
  if (body.trim() !== '' && /html/iu.test(one(headers['content-type']) ?? body.slice(0, 200)))
    return 'it is a web page';
  return undefined;
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
