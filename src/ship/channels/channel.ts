/** Where orders of responders are read: what a channel is, and what all of them share. */
import { defined } from '../../defined.ts';
import { AmberError } from '../../errors.ts';
import type { Outward } from '../../contracts/outward.ts';
import { backgroundNames } from '../background.ts';
import { takeCredentials, type Credentials } from '../credentials.ts';
import type { Fetched } from '../conditional-get.ts';
import type { Reply } from '../faults.ts';
import type { S3Origin } from '../s3-settings.ts';
import { openSessionAt, type SignedSession } from '../signed-request.ts';
import type { Config } from '../../contracts/evidence.ts';

/** One place, kept open. */
export interface ControlChannel {
  /** As a responder would type it. */
  readonly location: string;
  /** It is asked once, at the end of a sandbox: it has nothing to say to one that is still invoked. */
  readonly onlyAtTheEnd?: true;
  /**
   * Reads once. Never throws. A body longer than `maxBytes` is a fault.
   *
   * @param quiet - nothing may keep the event loop alive: no name is asked for, a connection is given up early
   */
  readonly read: (
    maxBytes: number,
    signal: AbortSignal,
    options?: { readonly quiet?: boolean },
  ) => Promise<Reply<Fetched>>;
  /** Writes the document, for a responder; absent where that takes a deployment. Never throws. */
  readonly write?: (body: Buffer, signal: AbortSignal) => Promise<Reply<unknown>>;
  /** Drops idle connections: a sandbox that was frozen finds them dead. */
  readonly dropConnections: () => void;
  readonly close: () => void;
}

/** Opens channels of one scheme. */
export interface ChannelProvider {
  readonly name: string;
  /** With the colon: `s3:`. */
  readonly protocol: string;
  readonly description: string;
  /** @throws AmberError DESTINATION_CREDENTIALS, CONFIG_INVALID. */
  readonly open: (location: string, config: Config, env: NodeJS.ProcessEnv, use: ChannelUse) => Promise<ControlChannel>;
}

/**
 * `background`: a sandbox reads beside its invocations, so nothing of the channel keeps the event loop alive.
 * Else a command waits for the answers, so sockets and timers keep its process alive, and its proxies are honoured.
 */
export type ChannelUse = 'background' | Pick<Outward, 'agent'>;

export interface ChannelSession {
  readonly session: SignedSession;
  /**
   * Nothing may keep the event loop alive during the next request, see {@link ControlChannel.read}; no effect in the
   * foreground.
   */
  readonly setQuiet: (options: { readonly quiet: boolean }) => void;
}

/** A responder reaches AWS over longer ways than a sandbox. */
const FOREGROUND_CONNECT_MS = 5000;

export async function openChannelSession(
  origin: S3Origin,
  region: string,
  env: NodeJS.ProcessEnv,
  use: ChannelUse,
  more: Pick<SignedSession, 'service' | 'headers'> = {},
): Promise<ChannelSession> {
  const credentials = await credentialsOf(env);
  if (use !== 'background') {
    const agent = await use.agent({ secure: origin.secure });
    const session = await openSessionAt(origin, region, credentials, {
      ...more,
      connectMs: FOREGROUND_CONNECT_MS,
      ...defined({ agent }),
    });
    return { session, setQuiet: () => undefined };
  }
  const names = backgroundNames();
  const session = await openSessionAt(origin, region, credentials, { ...more, background: names });
  return { session, setQuiet: ({ quiet }) => (names.quiet = quiet) };
}

async function credentialsOf(env: NodeJS.ProcessEnv): Promise<Credentials> {
  const found = await takeCredentials(env);
  if (found === undefined)
    throw new AmberError(
      'DESTINATION_CREDENTIALS',
      'No AWS credentials to read AMBER_CONTROL with: give the function a role.',
    );
  return found;
}

/** Closes idle connections. Those in use end with their request, which the caller calls off. */
export function dropIdle({ agent }: SignedSession): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/**
 * The endpoint of a service of AWS, or the one that the SDKs' own variable names (AWS SDKs and Tools Reference Guide).
 */
export function serviceOrigin(service: string, variable: string, region: string, env: NodeJS.ProcessEnv): S3Origin {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const given = env[variable];
  const url = new URL(given !== undefined && URL.canParse(given) ? given : `https://${service}.${region}.${suffix}`);
  return {
    secure: url.protocol === 'https:',
    hostname: url.hostname,
    port: url.port,
    host: url.host,
    basePath: url.pathname.replace(/\/+$/u, ''),
  };
}

export function regionOf(config: Config, env: NodeJS.ProcessEnv): string {
  return (
    [env['AWS_REGION'], env['AWS_DEFAULT_REGION'], config.s3Region].find((name) => name !== undefined && name !== '') ??
    'us-east-1'
  );
}
