/** Reads a small object only if it has changed: one signed GET with If-None-Match, and no SDK. */
import { faultFromAnswer } from './faults.ts';
import type { Reply } from './faults.ts';
import { signedRequest } from './signed-request.ts';
import type { SignedSession } from './signed-request.ts';

export type Fetched =
  | { readonly state: 'unchanged' }
  | {
      readonly state: 'changed';
      readonly body: Buffer;
      readonly etag: string | undefined;
      readonly serverDate: string | undefined;
    };

/** SHA-256 of no bytes: a GET signs this as its payload. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Asks once for the object `key`, without its body if it still has `etag`. Never throws. An object longer than
 * `maxBytes` is a fault (`AnswerTooLong`). Without ListBucket, S3 answers 403 for an object that does not exist.
 */
export async function conditionalGet(
  session: SignedSession,
  key: string,
  etag: string | undefined,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Reply<Fetched>> {
  const headers = etag === undefined ? {} : { 'if-none-match': `"${etag.replaceAll('"', '')}"` };
  const reply = await signedRequest(
    session,
    { method: 'GET', key, headers, sha256: EMPTY_SHA256, body: [], maxAnswerBytes: maxBytes },
    signal,
  );
  if (!reply.ok) return reply;
  const { status, headers: answered, body } = reply.value;
  if (status === 304) return { ok: true, value: { state: 'unchanged' } };
  if (status !== 200) return { ok: false, fault: faultFromAnswer(status, answered, body.toString('utf8')) };
  return {
    ok: true,
    value: { state: 'changed', body, etag: answered.etag?.replaceAll('"', ''), serverDate: answered.date },
  };
}
