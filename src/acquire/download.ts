/** Bytes of code: streamed, digested on the way, taken up again where a connection broke. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { AmberError, describeError } from '../errors.ts';
import type { Clients } from './clients.ts';
import type { Meter } from './meter.ts';
import { webRequest } from './web.ts';
import { many } from '../many.ts';

export interface Download {
  /** Bytes that the server announced. */
  readonly size: number;
  readonly chunks: () => AsyncGenerator<Uint8Array>;
  /** What came so far. */
  readonly facts: () => DownloadFacts;
}

export interface DownloadFacts {
  readonly bytes: number;
  /** Base64, as Lambda words CodeSha256. */
  readonly sha256: string;
  readonly attempts: number;
}

/** The bytes from an offset on; `length` is what the server says will come. Rejects if they are not given. */
export type Opener = (from: number) => Promise<{ readonly length: number; readonly body: AsyncIterable<Uint8Array> }>;

export interface DownloadOptions {
  /** Called again, with another offset, when a connection broke. */
  readonly open: Opener;
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

const ATTEMPTS = 5;
/** Longest silence of the server, in milliseconds. */
const SILENCE_MS = 30_000;

/** Opens it; the body is read by `chunks`. Rejects with what the opener rejects with. */
export async function openDownload(options: DownloadOptions): Promise<Download> {
  let attempts = 1;
  let source = await options.open(0);
  const size = source.length;
  const digest = createHash('sha256');
  let bytes = 0;

  async function* chunks(): AsyncGenerator<Uint8Array> {
    while (bytes < size) {
      try {
        for await (const chunk of audible(source.body, options.signal)) {
          digest.update(chunk);
          bytes += chunk.length;
          options.meter.bytes(chunk.length);
          yield chunk;
        }
        if (bytes < size)
          throw new AmberError('ACQUIRE_FAILED', `the connection ended after ${bytes} of ${many(size, 'byte')}`);
      } catch (error) {
        if (options.signal.aborted || attempts >= ATTEMPTS) throw error;
        attempts += 1;
        await sleep(Math.random() * 200 * 2 ** attempts, undefined, { signal: options.signal });
        source = await options.open(bytes);
      }
    }
  }
  return { size, chunks, facts: () => ({ bytes, sha256: digest.copy().digest('base64'), attempts }) };
}

/**
 * Opens a presigned link. `link` gives one that is good now: it is asked at each attempt, because links last minutes.
 */
export function fromLink(
  link: () => Promise<string>,
  { aws, signal }: { readonly aws: Pick<Clients, 'agent'>; readonly signal: AbortSignal },
): Opener {
  return async (from) => {
    const url = await link();
    let response: IncomingMessage;
    try {
      response = await webRequest(url, {
        signal,
        agent: aws.agent,
        answerMs: SILENCE_MS,
        ...(from === 0 ? {} : { headers: { range: `bytes=${from}-` } }),
      });
    } catch (cause) {
      throw new AmberError('ACQUIRE_FAILED', `the download did not start: ${describeError(cause)}`, { cause });
    }
    const {
      statusCode: status = 0,
      headers: { 'content-length': length },
    } = response;
    if (status === (from === 0 ? 200 : 206) && length !== undefined) return { length: Number(length), body: response };
    response.destroy();
    throw new AmberError(
      'ACQUIRE_FAILED',
      `the server of the download answered ${status}${length === undefined ? ' without a length' : ''}`,
      { details: { status } },
    );
  };
}

/** The body, as long as the server goes on. */
async function* audible(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await heard(iterator.next(), signal);
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // Not awaited: a body that has gone silent does not come back from this either.
    iterator.return?.().catch(() => undefined);
  }
}

async function heard<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  const quiet = new AbortController();
  const silence = sleep(SILENCE_MS, undefined, { signal: AbortSignal.any([signal, quiet.signal]) }).then(() => {
    throw new AmberError('ACQUIRE_FAILED', `the server was silent for ${SILENCE_MS} ms`);
  });
  silence.catch(() => undefined);
  try {
    return await Promise.race([step, silence]);
  } finally {
    quiet.abort();
  }
}

/** A link as evidence: without its query, which holds a signature and a session token. */
export function bareLink(link: string | undefined): string | undefined {
  return link?.split('?', 1)[0];
}
