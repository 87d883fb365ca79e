/**
 * One signed request to S3 over node:http or node:https, with the `aws4` package as the signer. Loads neither before the
 * first session is opened. The light transport puts with it; a conditional read of a control object uses it too.
 */
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions, request as httpRequest } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { sign as aws4Sign } from 'aws4';
import { AmberError } from '../errors.ts';
import { openConnections, serverName, type Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { faultFromError } from './faults.ts';
import type { Reply } from './faults.ts';
import { originOf } from './s3-settings.ts';
import type { S3Origin, S3Settings } from './s3-settings.ts';

/** A kept signer, its credentials and its connections. */
export interface SignedSession {
  readonly origin: S3Origin;
  readonly region: string;
  readonly credentials: Credentials;
  readonly agent: Agent;
  readonly connections: Connections;
  readonly request: typeof httpRequest;
  readonly sign: typeof aws4Sign;
  /** Signing name of the service; `s3` without it. */
  readonly service?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Nothing of this session may keep the event loop alive: sockets and timers are unref'd. */
  readonly background?: Background;
  /** Longest time to a connection; without it, what suits a sandbox. */
  readonly connectMs?: number;
}

/** How a session behaves that nobody waits for. */
export interface Background {
  /** In place of Node's look-up of names, which keeps the event loop alive and cannot be called off. */
  readonly lookup: LookupFunction;
  /** Longest time to a connection, asked at each request. */
  readonly connectMs: () => number;
}

export interface SignedCall {
  readonly method: 'PUT' | 'GET' | 'POST';
  /** Key of the object; with a service other than S3, path and query as they are sent, without the first slash. */
  readonly key: string;
  /** Lower-case names. Host, date, hash and authorization are added. */
  readonly headers: Readonly<Record<string, string | number>>;
  /** Lower-case hex SHA-256 of the body: it is signed as given and not computed again. */
  readonly sha256: string;
  readonly body: readonly Uint8Array[];
  /** Most bytes of the answer's body that are kept; a longer one is a fault. */
  readonly maxAnswerBytes: number;
}

export interface SignedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const CONNECT_MS = 1000;
/** A server that does not know Expect never answers it: RFC 9110 section 10.1.1 lets the client go on. */
const CONTINUE_MS = 1000;
/** Per address, where a name has several: Node's 250 ms are short for a function with 7 % of a core. */
const FAMILY_MS = 500;
const MAX_SOCKETS = 4;

/**
 * Loads the signer and the client. Connections are opened by the first requests and kept; an idle one does not keep the
 * process alive (Node's agent unrefs it). End with `session.agent.destroy()`.
 *
 * @throws AmberError DESTINATION_CREDENTIALS when the settings hold none.
 */
export async function openSession(settings: S3Settings): Promise<SignedSession> {
  if (settings.credentials === undefined) {
    throw new AmberError('DESTINATION_CREDENTIALS', 'No AWS credentials: give the function a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  }
  return openSessionAt(originOf(settings), settings.region, settings.credentials);
}

/** The same at any endpoint of AWS: for services beside S3, and for what runs in the background. */
export async function openSessionAt(
  origin: S3Origin, region: string, credentials: Credentials, more: Pick<SignedSession, 'service' | 'headers' | 'background' | 'connectMs'> = {},
): Promise<SignedSession> {
  const client = origin.secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http'); // not by import: see connections.ts
  const connections = openConnections(origin, { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_SOCKETS, autoSelectFamilyAttemptTimeout: FAMILY_MS });
  const aws4 = await import('aws4');
  return { origin, region, credentials, connections, agent: connections.agent, request: client.request, sign: aws4.default.sign, ...more };
}

/** Sends the call and gives the answer, whatever its status. Never throws: what prevents an answer is a fault. */
export async function signedRequest(session: SignedSession, call: SignedCall, signal: AbortSignal): Promise<Reply<SignedAnswer>> {
  session.connections.freshen();
  try {
    const outgoing = session.request({ ...signedOptions(session, call), agent: session.agent, signal });
    return { ok: true, value: await exchange(outgoing, call, session) };
  } catch (error) {
    return { ok: false, fault: faultFromError(error) };
  } finally {
    session.connections.used();
  }
}

/** RFC 3986 unreserved characters stay: the form that SigV4 signs ("Create a canonical request", IAM User Guide). */
function escapeForUrl(part: string): string {
  return encodeURIComponent(part).replaceAll(/[!'()*]/gu, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}

function signedOptions(session: SignedSession, call: SignedCall): RequestOptions {
  const { origin, service = 's3', background } = session;
  const path = service === 's3' ? call.key.split('/').map(escapeForUrl).join('/') : call.key;
  const signed = session.sign({
    service,
    region: session.region,
    method: call.method,
    hostname: origin.hostname,
    path: `${origin.basePath}/${path}`,
    headers: { ...session.headers, ...call.headers, host: origin.host, 'x-amz-content-sha256': call.sha256, 'user-agent': 'lambda-amber' },
  }, session.credentials);
  return {
    hostname: origin.hostname,
    ...(origin.port === '' ? {} : { port: origin.port }),
    method: call.method,
    path: signed.path,
    headers: signed.headers ?? {},
    ...serverName(origin),
    ...(background === undefined ? {} : { lookup: background.lookup }),
  };
}

function exchange(outgoing: ClientRequest, call: SignedCall, session: SignedSession): Promise<SignedAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SignedAnswer>();
  let answered = false;
  outgoing.on('response', (incoming) => {
    answered = true;
    collect(incoming, call).then(resolve, reject);
  });
  // A server may answer (403) and close before it has read the body. The answer counts, the broken pipe does not.
  outgoing.on('error', (error) => {
    if (!answered) reject(error);
  });
  limitConnect(outgoing, session);
  const write = (): void => void writeBody(outgoing, call.body, () => answered);
  if ('expect' in call.headers) afterContinue(outgoing, write);
  else write();
  return promise;
}

function limitConnect(outgoing: ClientRequest, { background, connectMs: given = CONNECT_MS }: SignedSession): void {
  const connectMs = background?.connectMs() ?? given;
  outgoing.once('socket', (socket) => {
    if (background !== undefined) socket.unref();
    if (!socket.connecting) return;
    const timer = setTimeout(() => {
      // When the thread was held by other work, the connection may be there and its event still to come.
      setImmediate(() => {
        if (socket.connecting) outgoing.destroy(new AmberError('DESTINATION_UNAVAILABLE', `no connection within ${String(connectMs)} ms`, { details: { fault: 'ConnectTimeout' } }));
      });
    }, connectMs);
    if (background !== undefined) timer.unref();
    const clear = (): void => clearTimeout(timer);
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

/** More at a time is encrypted into more memory than the socket takes, and leaves the caches of the processor meanwhile. */
const PIECE_BYTES = 256 * 1024;

/** Piece after piece, waiting for the socket, so that no second copy of the body stands in memory. */
async function writeBody(outgoing: ClientRequest, body: readonly Uint8Array[], answered: () => boolean): Promise<void> {
  for (const whole of body) {
    for (let at = 0; at < whole.byteLength; at += PIECE_BYTES) {
      if (outgoing.destroyed || answered()) return;
      if (!outgoing.write(whole.subarray(at, at + PIECE_BYTES))) await drained(outgoing);
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

async function collect(incoming: IncomingMessage, call: SignedCall): Promise<SignedAnswer> {
  const status = incoming.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let kept = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      kept += chunk.byteLength;
      if (kept > call.maxAnswerBytes) throw new AmberError('DESTINATION_FAILED', `the answer is longer than ${String(call.maxAnswerBytes)} bytes`, { details: { fault: 'AnswerTooLong' } });
      chunks.push(chunk);
    }
  } catch (error) {
    // What a PUT or a refusal has to say stands in the status and the headers; only a body that was asked for must be whole.
    if (call.method !== 'PUT' && status < 300) throw error;
  }
  return { status, headers: incoming.headers, body: Buffer.concat(chunks) };
}
