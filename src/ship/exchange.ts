/**
 * One HTTP exchange: the body goes out piece by piece, the answer comes back bounded. Both S3 transports send with it.
 */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { AmberError } from '../errors.ts';

/** How a request behaves that nobody waits for. */
export interface Background {
  /** In place of Node's look-up of names, which keeps the event loop alive and cannot be called off. */
  readonly lookup: LookupFunction;
  /** Longest time to a connection, asked at each request. */
  readonly connectMs: () => number;
}

/** Who waits for the connection, and how long. */
export interface Waits {
  readonly background?: Background;
  /** Longest time to a connection; without it, what suits a sandbox. */
  readonly connectMs?: number;
}

export interface Outgoing {
  readonly body: readonly Uint8Array[];
  /** The body waits until the server asks for it (Expect: 100-continue). */
  readonly expects: boolean;
  /** The body of a good answer is what was asked for: without the whole of it the exchange has failed. */
  readonly needsAnswer: boolean;
  /** Most bytes of the answer's body that are kept. */
  readonly maxAnswerBytes: number;
  /** Called when there is no connection after {@link SLOW_MS}; it is tried on. */
  readonly onSlow?: (() => void) | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The answer's body was read to its end. */
  readonly isWhole: boolean;
  /** The whole request had left this process when the answer came. */
  readonly isSent: boolean;
}

const CONNECT_MS = 1000;
/** Within a region a connection takes a few milliseconds; a name server or a host that is silent takes seconds. */
const SLOW_MS = 100;
/** A server that does not know Expect never answers it: RFC 9110 section 10.1.1 lets the client go on. */
const CONTINUE_MS = 1000;
/**
 * More at a time is encrypted into more memory than the socket takes, and leaves the caches of the processor meanwhile.
 */
const PIECE_BYTES = 256 * 1024;

/** Sends the body of a request that was made, and gives the answer. Rejects where none came. */
export function exchange(outgoing: ClientRequest, call: Outgoing, waits: Waits = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const writing: Writing = { answered: false, left: call.body.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  outgoing.on('response', (incoming) => {
    writing.answered = true;
    // The last piece may have left, and its callback still be on its way.
    setImmediate(() => {
      const isSent = writing.left === 0;
      collect(incoming, call).then((answer) => resolve({ ...answer, isSent }), reject);
    });
  });
  // A server may answer (403) and close before it has read the body. The answer counts, the broken pipe does not.
  outgoing.on('error', (error) => {
    if (!writing.answered) reject(error);
  });
  limitConnect(outgoing, waits, call.onSlow);
  const write = (): void => void writeBody(outgoing, call.body, writing);
  if (call.expects) afterContinue(outgoing, write);
  else write();
  return promise;
}

interface Writing {
  answered: boolean;
  /** Bytes that have not left this process. */
  left: number;
}

function limitConnect(
  outgoing: ClientRequest,
  { background, connectMs: given = CONNECT_MS }: Waits,
  onSlow: (() => void) | undefined,
): void {
  const connectMs = background?.connectMs() ?? given;
  outgoing.once('socket', (socket) => {
    if (background !== undefined) socket.unref();
    if (!socket.connecting) return;
    // When the thread was held by other work, the connection may be there and its event still to come.
    const ifConnecting = (then: () => void) => () => void setImmediate(() => (socket.connecting ? then() : undefined));
    const give = (): void =>
      void outgoing.destroy(
        new AmberError('DESTINATION_UNAVAILABLE', `no connection within ${String(connectMs)} ms`, {
          details: { fault: 'ConnectTimeout' },
        }),
      );
    const timers = [
      setTimeout(ifConnecting(give), connectMs),
      ...(onSlow === undefined ? [] : [setTimeout(ifConnecting(onSlow), SLOW_MS)]),
    ];
    if (background !== undefined) for (const timer of timers) timer.unref();
    const clear = (): void => timers.forEach((timer) => clearTimeout(timer));
    socket.once('connect', clear).once('close', clear);
  });
}

function afterContinue(outgoing: ClientRequest, write: () => void): void {
  const timer = setTimeout(write, CONTINUE_MS);
  const clear = (): void => clearTimeout(timer);
  outgoing.once('continue', () => {
    clear();
    write();
  });
  outgoing.once('response', clear).once('close', clear);
  outgoing.flushHeaders();
}

/** Piece after piece, waiting for the socket, so that no second copy of the body stands in memory. */
async function writeBody(outgoing: ClientRequest, body: readonly Uint8Array[], writing: Writing): Promise<void> {
  for (const whole of body) {
    for (let at = 0; at < whole.byteLength; at += PIECE_BYTES) {
      if (outgoing.destroyed || writing.answered) return;
      const piece = whole.subarray(at, at + PIECE_BYTES);
      const left = (error?: Error | null): void => {
        if (error === undefined || error === null) writing.left -= piece.byteLength;
      };
      if (!outgoing.write(piece, left)) await drained(outgoing);
    }
  }
  if (!outgoing.destroyed) outgoing.end();
}

function drained(outgoing: ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = (): void => {
    outgoing.off('drain', done).off('close', done).off('response', done);
    resolve(undefined);
  };
  outgoing.once('drain', done).once('close', done).once('response', done);
  return promise;
}

async function collect(
  incoming: IncomingMessage,
  { maxAnswerBytes, needsAnswer }: Outgoing,
): Promise<Omit<Answer, 'isSent'>> {
  const status = incoming.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let kept = 0;
  let isWhole = true;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      kept += chunk.byteLength;
      if (kept > maxAnswerBytes)
        throw new AmberError('DESTINATION_FAILED', `the answer is longer than ${String(maxAnswerBytes)} bytes`, {
          details: { fault: 'AnswerTooLong' },
        });
      chunks.push(chunk);
    }
  } catch (error) {
    // A refusal says what it has to say in its status and headers, whatever is lost of its body.
    if (needsAnswer && status < 300) throw error;
    isWhole = false;
  }
  return { status, headers: incoming.headers, body: Buffer.concat(chunks), isWhole };
}
