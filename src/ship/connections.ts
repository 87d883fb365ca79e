/**
 * Connections to one origin. The first is made while there is nothing to send yet. What a TLS server gave to take up
 * its session again (RFC 8446 section 2.2) outlives the capture: the next handshake does without certificates and
 * signatures. No connection is kept for later: a sandbox is frozen between invocations, the server has closed by then
 * or forgotten it. Asking whether it still answers takes as long as a new one.
 */
import type { Agent, AgentOptions, ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { S3Origin } from './s3-settings.ts';

export interface Connections {
  readonly agent: Agent;
  /** Makes a connection now; the next request takes it, in whatever state it is. Never throws. */
  readonly begin: () => void;
  /**
   * Before a request: what nobody has used for long is dropped, a server or a freeze may have ended it without a word.
   */
  readonly freshen: () => void;
  /** After a request. */
  readonly used: () => void;
  /**
   * Resolves when the connection of `begin` is through, and the server has had the time to give a session. False if it
   * has failed or `signal` came first.
   */
  readonly known: (signal: AbortSignal) => Promise<boolean>;
  readonly close: () => void;
}

/** Sessions by origin, of servers whose certificate was checked. */
const sessions = new Map<string, Buffer>();
const MAX_SESSIONS = 4;
/** By the wall clock, which goes on while a sandbox is frozen. */
const IDLE_MS = 5000;
/** Authorities in force when Node was started: the same for all, and costly to put together. */
let context: SecureContext | undefined;

/** Said here, it is not NODE_TLS_REJECT_UNAUTHORIZED that decides: code in the process can set that at any time. */
const TLS = { rejectUnauthorized: true };

/** @param options - of the agent */
export function openConnections(origin: S3Origin, options: AgentOptions): Connections {
  const { secure, hostname } = origin;
  // Not by import: its facade asks node:http for all it has, and so loads undici, which takes 25 ms of a whole core.
  const client = secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  if (secure) context ??= process.getBuiltinModule('node:tls').createSecureContext();
  const all = { ...options, ...(secure ? { ...TLS, secureContext: context } : {}) };
  const agent = new client.Agent(all);
  const connect = resuming(agent.createConnection.bind(agent), origin);
  let spare: Socket | undefined;
  let madeMs = 0;
  let usedMs = Date.now();
  const take = (): Socket | undefined => {
    const taken = spare;
    spare = undefined;
    if (taken === undefined || taken.destroyed) return undefined;
    if (isRecent(madeMs, Date.now())) return taken.ref();
    taken.destroy();
    return undefined;
  };
  agent.createConnection = (given, done) => take() ?? connect(given, done);
  return {
    agent,
    begin: () => {
      if (spare !== undefined && !spare.destroyed) return;
      const port = origin.port === '' ? (secure ? 443 : 80) : Number(origin.port);
      const socket = connect({ ...all, host: hostname, port, ...serverName(origin) }) as Socket;
      // The one who takes it hears of its faults by himself.
      socket.on('error', () => undefined).unref();
      spare = socket;
      madeMs = Date.now();
    },
    freshen: () => {
      if (!isRecent(usedMs, Date.now()))
        for (const idle of Object.values(agent.freeSockets)) for (const socket of idle ?? []) socket.destroy();
    },
    used: () => {
      usedMs = Date.now();
    },
    known: async (signal) => spare !== undefined && (await settled(spare, { secure }, signal)),
    close: () => {
      spare?.destroy();
      agent.destroy();
    },
  };
}

type Connect = Agent['createConnection'];

/** Connections that take up the last session with a TLS server, and learn of the next. */
function resuming(make: Connect, { secure, hostname, port }: S3Origin): Connect {
  if (!secure) return make;
  const tls = process.getBuiltinModule('node:tls');
  const key = `${hostname}:${port}`;
  return (given, done) => {
    const session = sessions.get(key);
    const socket = make(session === undefined ? given : ({ ...given, session } as ClientRequestArgs), done);
    if (socket instanceof tls.TLSSocket) learn(socket, key);
    return socket;
  };
}

/** Those of an agent that is given, which decides by itself what it keeps: of a command. */
export function connectionsOver(agent: Agent): Connections {
  const nothing = (): void => undefined;
  return {
    agent,
    begin: nothing,
    freshen: nothing,
    used: nothing,
    known: () => Promise.resolve(false),
    close: () => agent.destroy(),
  };
}

function isRecent(thenMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - thenMs) < IDLE_MS;
}

/** Said with each request, it need not be worked out from the Host header. An address has none (RFC 6066 section 3). */
export function serverName({ secure, hostname }: S3Origin): { servername?: string } {
  return secure ? { servername: /^[\d.]+$|:/u.test(hostname) ? '' : hostname } : {};
}

/**
 * Names are checked once a session, at its beginning: what is taken up again must come from a connection that has
 * passed.
 */
function learn(socket: TLSSocket, key: string): void {
  let given: Buffer | undefined;
  const keep = (): void => {
    if (given === undefined || !socket.authorized) return;
    sessions.delete(key);
    sessions.set(key, given);
    for (const oldest of sessions.keys()) if (sessions.size > MAX_SESSIONS) sessions.delete(oldest);
  };
  socket.on('session', (session) => {
    given = session;
    keep();
  });
  socket.once('secureConnect', keep);
  socket.once('close', (failed) => {
    if (failed) sessions.delete(key);
  });
}

function settled(socket: Socket, { secure }: { readonly secure: boolean }, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stop = (): void => resolve(false);
  // TLS 1.3 gives sessions after the handshake, TLS 1.2 within it.
  if (secure) socket.once('session', () => setImmediate(resolve, true));
  else socket.once('connect', () => resolve(true));
  socket.once('close', stop);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return promise.finally(() => {
    socket.off('close', stop);
    signal.removeEventListener('abort', stop);
  });
}
