/**
 * S3 without the SDK, for where loading it would eat the budget: a signed PutObject over node:https, connections kept.
 */
import { defined } from '../defined.ts';
import { cured, type Place } from './cure.ts';
import type { Reply } from './faults.ts';
import { MAX_ANSWER_BYTES, putReply } from './receipt.ts';
import { openSession, signedRequest } from './signed-request.ts';
import type { SignedSession } from './signed-request.ts';
import type { PutAnswer, PutRequest, S3Settings } from './s3-settings.ts';
import type { S3Transport } from './s3-transport.ts';

/**
 * Connects at once: by the time that there is a segment to send, the connection is there.
 *
 * @throws AmberError DESTINATION_CREDENTIALS when the settings hold none.
 */
export async function openLight(settings: S3Settings, place: Place = settings): Promise<S3Transport> {
  const session = {
    ...(await openSession({ ...settings, ...place })),
    ...defined({ clockMs: place.clockMs }),
  };
  session.connections.begin();
  return lightOver(session, settings);
}

/** The same, and signed anew where that cures a refusal. @throws AmberError DESTINATION_CREDENTIALS. */
export async function openLightCured(settings: S3Settings): Promise<S3Transport> {
  return cured(settings, (place) => openLight(settings, place));
}

/** The transport over a session that is open. */
export function lightOver(session: SignedSession, settings: S3Settings): S3Transport {
  return {
    put: (request, signal) => put(session, settings, request, signal),
    close: session.connections.close,
  };
}

async function put(
  session: SignedSession,
  settings: S3Settings,
  request: PutRequest,
  signal: AbortSignal,
): Promise<Reply<PutAnswer>> {
  const reply = await signedRequest(
    session,
    {
      method: 'PUT',
      key: request.key,
      headers: putHeaders(settings, request),
      sha256: request.sha256,
      body: request.body,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      onSlow: request.onSlow,
    },
    signal,
  );
  return reply.ok ? putReply(reply.value, request) : reply;
}

/** Header names: PutObject in the Amazon S3 API Reference. */
function putHeaders(settings: S3Settings, request: PutRequest): Record<string, string | number> {
  return {
    'content-length': request.bytes,
    'content-type': request.contentType,
    'if-none-match': '*',
    'x-amz-checksum-sha256': request.checksum,
    ...(request.expectContinue ? { expect: '100-continue' } : {}),
    ...defined({ 'x-amz-expected-bucket-owner': settings.bucketOwner }),
    ...(settings.kmsKey === undefined
      ? {}
      : {
          'x-amz-server-side-encryption': 'aws:kms',
          'x-amz-server-side-encryption-aws-kms-key-id': settings.kmsKey,
        }),
  };
}
