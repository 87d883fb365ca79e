/**
 * One signed request to S3 over node:http or node:https, with the `aws4` package as the signer. Loads neither before
 * the first session is opened. The light transport puts with it; a conditional read of a control object uses it too.
 */
import type { Agent, RequestOptions, request as httpRequest } from 'node:http';
import type { sign as aws4Sign } from 'aws4';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import { connectionsOver, openConnections, serverName, type Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { exchange, type Answer, type Background, type Outgoing } from './exchange.ts';
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
  /** The clock of the server minus ours, where ours is known to be wrong. */
  readonly clockMs?: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Nothing of this session may keep the event loop alive: sockets and timers are unref'd. */
  readonly background?: Background;
  /** Longest time to a connection; without it, what suits a sandbox. */
  readonly connectMs?: number;
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
  readonly onSlow?: (() => void) | undefined;
}

export type SignedAnswer = Answer;

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
    throw new AmberError(
      'DESTINATION_CREDENTIALS',
      'No AWS credentials: give the function a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    );
  }
  const origin = originOf(settings);
  const agent = await settings.agent?.({ secure: origin.secure });
  return openSessionAt(origin, settings.region, settings.credentials, defined({ agent }));
}

/** The same at any endpoint of AWS: for services beside S3, and for what runs in the background. */
export async function openSessionAt(
  origin: S3Origin,
  region: string,
  credentials: Credentials,
  { agent, ...more }: Partial<Pick<SignedSession, 'service' | 'headers' | 'background' | 'connectMs' | 'agent'>> = {},
): Promise<SignedSession> {
  // not by import: see connections.ts
  const client = origin.secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  const connections =
    agent !== undefined
      ? connectionsOver(agent)
      : openConnections(origin, {
          keepAlive: true,
          maxSockets: MAX_SOCKETS,
          maxFreeSockets: MAX_SOCKETS,
          autoSelectFamilyAttemptTimeout: FAMILY_MS,
        });
  const aws4 = await import('aws4');
  return {
    origin,
    region,
    credentials,
    connections,
    agent: connections.agent,
    request: client.request,
    sign: aws4.default.sign,
    ...more,
  };
}

/** Sends the call and gives the answer, whatever its status. Never throws: what prevents an answer is a fault. */
export async function signedRequest(
  session: SignedSession,
  call: SignedCall,
  signal: AbortSignal,
): Promise<Reply<SignedAnswer>> {
  session.connections.freshen();
  try {
    const outgoing = session.request({ ...signedOptions(session, call), agent: session.agent, signal });
    return { ok: true, value: await exchange(outgoing, outgoingOf(call), session) };
  } catch (error) {
    return { ok: false, fault: faultFromError(error) };
  } finally {
    session.connections.used();
  }
}

function outgoingOf({ body, headers, maxAnswerBytes, method, onSlow }: SignedCall): Outgoing {
  return { body, maxAnswerBytes, onSlow, expects: 'expect' in headers, needsAnswer: method !== 'PUT' };
}

/** RFC 3986 unreserved characters stay: the form that SigV4 signs ("Create a canonical request", IAM User Guide). */
function escapeForUrl(part: string): string {
  return encodeURIComponent(part).replaceAll(
    /[!'()*]/gu,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function signedOptions(session: SignedSession, call: SignedCall): RequestOptions {
  const { origin, service = 's3', background, clockMs } = session;
  const path = service.startsWith('s3') ? call.key.split('/').map(escapeForUrl).join('/') : call.key;
  const signed = session.sign(
    {
      service,
      region: session.region,
      method: call.method,
      hostname: origin.hostname,
      path: `${origin.basePath}/${path}`,
      headers: {
        ...session.headers,
        ...call.headers,
        ...dateHeader(clockMs),
        host: origin.host,
        'x-amz-content-sha256': call.sha256,
        'user-agent': 'lambda-amber',
      },
    },
    session.credentials,
  );
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

/** Without it the signer takes our own clock. Form: "Create a canonical request", IAM User Guide. */
function dateHeader(clockMs: number | undefined): Record<string, string> {
  return clockMs === undefined
    ? {}
    : { 'x-amz-date': new Date(Date.now() + clockMs).toISOString().replaceAll(/[:-]|\.\d{3}/gu, '') };
}
