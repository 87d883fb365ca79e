/**
 * How a command of a responder gets out to AWS. A function has none of it: there, the attacker writes the environment.
 */
import type { Agent } from 'node:http';

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Asked by the clients of the SDK, with what they tell of themselves. */
export type AskCredentials = (asked?: Record<string, unknown>) => Promise<SessionCredentials>;

/** Connections for requests with or without TLS; undefined: as Node makes them. Who asks for one destroys it. */
export type OpenAgent = (options: { readonly secure: boolean }) => Promise<Agent | undefined>;

export interface Outward {
  /** @throws AmberError CONFIG_INVALID when a variable that it honours is not usable. */
  readonly agent: OpenAgent;
  readonly credentials: AskCredentials;
}
