/**
 * A request without a client of the SDK: presigned links, and whether an endpoint answers. Redirects are not followed.
 */
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import type { OpenAgent } from '../contracts/outward.ts';

export interface WebRequest {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the request and the body of its answer. */
  readonly signal: AbortSignal;
  readonly agent: OpenAgent;
  /** Longest time to the answer; its body may take longer. */
  readonly answerMs: number;
}

/** The answer, its body unread. Rejects where none comes. */
export async function webRequest(
  url: string,
  { method = 'GET', headers = {}, signal, agent, answerMs }: WebRequest,
): Promise<IncomingMessage> {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const through = await agent({ secure });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const asked = (secure ? secureRequest : plainRequest)(
    target,
    { method, headers, signal, ...defined({ agent: through }) },
    resolve,
  );
  asked.on('error', reject).end();
  // A request that waits for its proxy hears of neither by itself.
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    const late = new AmberError('ACQUIRE_FAILED', `${target.host} did not answer within ${answerMs} ms`);
    reject(late);
    asked.destroy(late);
  }, answerMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
