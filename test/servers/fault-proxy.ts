/**
 * A proxy in front of an S3 server that fails on demand: what each request meets is scripted, or drawn from a seed. It
 * keeps the request line and the headers as they are, so that signatures stay valid behind it.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { generator } from './generator.ts';

/** What a request meets. */
export type Fault =
  | 'pass'
  /** Half of the body is read, then the connection is reset. Nothing reaches the server. */
  | 'reset-in-body'
  /** The server carries the request out; its answer is dropped and the connection is reset. */
  | 'drop-answer'
  /** The request is read and never answered. */
  | 'never-answer'
  /** The connection is accepted, and nothing is read from it. */
  | 'never-read'
  /** An error as S3 words it. `early`: before the body is read, with the connection closed behind it. */
  | {
      readonly status: number;
      readonly code: string;
      readonly inside?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly early?: boolean;
    }
  /** The request passes after so many milliseconds. */
  | { readonly latencyMs: number }
  | Answered;

/** An answer that is no receipt of S3, whatever its status. Nothing reaches the server. */
export interface Answered {
  readonly answers: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** So many bytes of white space follow the body, without an announced length. */
  readonly padBytes?: number;
  /** Before the body of the request is read; the connection stays open, and nothing more is read from it. */
  readonly early?: boolean;
  /** The connection is reset in the middle of the answer. */
  readonly cut?: boolean;
}

const ETAG = { etag: '"0123456789abcdef0123456789abcdef"' };
const HTML = '<!DOCTYPE html><html><body>Sign in to the network</body></html>';

export type NoReceipt =
  | 'an error behind 200'
  | '202'
  | '204'
  | '200 without an ETag'
  | 'a web page'
  | 'a web page with an ETag'
  | '200 before the body is read'
  | 'an answer that breaks off'
  | 'an answer without end';

/** What a portal, a proxy or a web server says in place of S3, or S3 itself behind a 200. */
export const NO_RECEIPTS: Readonly<Record<NoReceipt, Answered>> = {
  'an error behind 200': {
    answers: 200,
    headers: ETAG,
    body: '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>try again</Message></Error>',
  },
  '202': { answers: 202, headers: ETAG },
  '204': { answers: 204, headers: ETAG },
  '200 without an ETag': { answers: 200 },
  'a web page': { answers: 200, headers: { 'content-type': 'text/html' }, body: HTML },
  'a web page with an ETag': { answers: 200, headers: { ...ETAG, 'content-type': 'text/html' }, body: HTML },
  '200 before the body is read': { answers: 200, headers: ETAG, early: true },
  'an answer that breaks off': { answers: 200, headers: { ...ETAG, 'content-length': '1000' }, body: ' ', cut: true },
  'an answer without end': { answers: 200, headers: ETAG, padBytes: 400 * 1024 * 1024 },
};

/** The errors that the tests ask for, as S3 answers them. */
export const ANSWERS = {
  denied: { status: 403, code: 'AccessDenied' },
  signature: { status: 403, code: 'SignatureDoesNotMatch' },
  skewed: { status: 403, code: 'RequestTimeTooSkewed' },
  unknownKey: { status: 403, code: 'InvalidAccessKeyId' },
  expired: { status: 400, code: 'ExpiredToken' },
  noKey: { status: 400, code: 'KMS.NotFoundException' },
  noBucket: { status: 404, code: 'NoSuchBucket' },
  exists: { status: 412, code: 'PreconditionFailed' },
  conflict: { status: 409, code: 'ConditionalRequestConflict' },
  redirect: { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-1' } },
  malformed: { status: 400, code: 'AuthorizationHeaderMalformed', inside: '<Region>eu-west-1</Region>' },
  internal: { status: 500, code: 'InternalError' },
  slowDown: { status: 503, code: 'SlowDown' },
} as const;

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly fault: Fault;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** Requests in the order of their arrival. */
  readonly seen: Seen[];
  /** Connections that were accepted. */
  readonly connections: () => number;
  /** For so many milliseconds from the next request on, every request meets this fault; then the script goes on. */
  readonly outage: (ms: number, fault: Fault) => void;
  /** What the next requests meet, in order; after them all pass. Forgets what was scripted and seen before. */
  readonly script: (...faults: readonly Fault[]) => void;
  readonly close: () => Promise<void>;
}

export interface Dice {
  readonly seed: number;
  /** Share of requests that meet a fault, 0 to 1. */
  readonly share: number;
  readonly faults: readonly Fault[];
}

/** Starts a proxy on an ephemeral port. With `dice`, requests beyond the script meet a random fault. */
export async function faultProxy(target: string, dice?: Dice): Promise<FaultProxy> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  let plan: Fault[] = [];
  const random = generator(dice?.seed ?? 0);
  const draw = (): Fault => {
    if (dice === undefined || random() >= dice.share) return 'pass';
    return dice.faults[Math.floor(random() * dice.faults.length)] ?? 'pass';
  };
  let out: { readonly ms: number; readonly fault: Fault; untilMs?: number } | undefined;
  const lasting = (): Fault | undefined => {
    if (out === undefined) return undefined;
    out.untilMs ??= performance.now() + out.ms;
    if (performance.now() < out.untilMs) return out.fault;
    out = undefined;
    return undefined;
  };
  const meet = (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean): void => {
    const fault = lasting() ?? plan.shift() ?? draw();
    const { socket } = incoming; // the message loses it when its body is read no further
    seen.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, fault });
    serve(new URL(target), fault, incoming, outgoing, expects).catch(() => socket.destroy());
  };
  const server = createServer((incoming, outgoing) => meet(incoming, outgoing, false));
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => meet(incoming, outgoing, true));
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    connections: () => accepted,
    outage: (ms, fault) => {
      out = { ms, fault };
    },
    script: (...faults) => {
      out = undefined;
      plan = [...faults];
      seen.length = 0;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(
  target: URL,
  fault: Fault,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  expects: boolean,
): Promise<void> {
  if (fault === 'never-read') {
    incoming.socket.pause();
    return;
  }
  if (typeof fault === 'object' && 'status' in fault) return answer(fault, incoming, outgoing, expects);
  if (typeof fault === 'object' && 'answers' in fault) return answered(fault, incoming, outgoing, expects);
  if (typeof fault === 'object') await sleep(fault.latencyMs);
  if (expects) outgoing.writeContinue();
  if (fault === 'reset-in-body') return resetInBody(incoming);
  if (fault === 'never-answer') return void incoming.resume();
  return forward(target, incoming, outgoing, fault === 'drop-answer');
}

async function answer(
  fault: Extract<Fault, { status: number }>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  expects: boolean,
): Promise<void> {
  const early = fault.early === true || expects;
  if (!early) await once(incoming.resume(), 'end');
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${fault.code}</Code><Message>as scripted</Message>${fault.inside ?? ''}<RequestId>1</RequestId></Error>`;
  outgoing.writeHead(fault.status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
    ...(early ? { connection: 'close' } : {}),
    ...fault.headers,
  });
  outgoing.end(body);
}

async function answered(
  fault: Answered,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  expects: boolean,
): Promise<void> {
  if (fault.early !== true) {
    if (expects) outgoing.writeContinue();
    await once(incoming.resume(), 'end');
  }
  const { body = '', padBytes = 0, cut } = fault;
  outgoing.writeHead(fault.answers, {
    ...(padBytes === 0 && cut !== true && fault.answers !== 204 ? { 'content-length': Buffer.byteLength(body) } : {}),
    ...fault.headers,
  });
  if (cut === true) {
    outgoing.write(body, () => incoming.socket.resetAndDestroy());
    return;
  }
  outgoing.write(body);
  const pad = Buffer.alloc(1024 * 1024, ' ');
  for (let sent = 0; sent < padBytes && !outgoing.destroyed; sent += pad.length) {
    if (!outgoing.write(pad)) await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')]);
  }
  outgoing.end();
}

async function resetInBody(incoming: IncomingMessage): Promise<void> {
  const { socket } = incoming;
  const half = Number(incoming.headers['content-length'] ?? 0) / 2;
  let read = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    read += chunk.byteLength;
    if (read >= half) break;
  }
  socket.resetAndDestroy();
}

function forward(target: URL, incoming: IncomingMessage, outgoing: ServerResponse, drop: boolean): Promise<void> {
  const { socket } = incoming;
  if (socket.destroyed) return Promise.resolve(); // the client has given up while the request was held back
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const headers = incoming.rawHeaders.filter((_, index, all) => all[index - (index % 2)]?.toLowerCase() !== 'expect');
  const upstream = httpRequest(
    {
      host: target.hostname,
      port: target.port,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers,
      agent: false,
    },
    (response) => {
      if (!drop) {
        outgoing.writeHead(
          response.statusCode ?? 502,
          response.rawHeaders.filter(
            (_, index, all) => !/^(connection|keep-alive)$/iu.test(all[index - (index % 2)] ?? ''),
          ),
        );
        response.pipe(outgoing);
      } else {
        response.resume();
      }
      response.on('error', reject).on('end', () => {
        if (drop) socket.resetAndDestroy();
        resolve(undefined);
      });
    },
  );
  upstream.on('error', reject);
  incoming.on('close', () => {
    if (!incoming.complete) upstream.destroy();
  });
  incoming.pipe(upstream);
  return promise;
}
