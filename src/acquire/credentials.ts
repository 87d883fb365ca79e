/** Credentials of the responder, as the SDK finds them: one chain for all clients, so that a code is asked for once. */
import { defined } from '../defined.ts';
import { AmberError, isAmberError } from '../errors.ts';
import type { AskCredentials, OpenAgent } from '../contracts/outward.ts';
import { CONNECT_MS, REQUEST_MS } from './clients.ts';
import { credentialsError } from './error-class.ts';

export interface CredentialOptions {
  readonly profile: string | undefined;
  readonly agent: OpenAgent;
  /** Asks for the code of an MFA device; undefined: nobody can be asked. */
  readonly askCode: ((serial: string) => Promise<string>) | undefined;
}

export function responderCredentials({ profile, agent, askCode }: CredentialOptions): AskCredentials {
  let chain: Promise<AskCredentials> | undefined;
  let failure: AmberError | undefined;
  let isAsked = false;
  const once = async (serial: string): Promise<string> => {
    if (isAsked)
      throw (
        failure ??
        new AmberError(
          'ACQUIRE_CREDENTIALS',
          'The session with the code of the MFA device has ended: run the same command again, it goes on where ' +
            'this one ended.',
        )
      );
    isAsked = true;
    return (askCode ?? neverAsked)(serial);
  };
  const open = async (): Promise<AskCredentials> => {
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
    const [httpAgent, httpsAgent] = [await agent({ secure: false }), await agent({ secure: true })];
    const agents = httpAgent === undefined || httpsAgent === undefined ? {} : { httpAgent, httpsAgent };
    return defaultProvider({
      ...defined({ profile }),
      ...(askCode === undefined ? {} : { mfaCodeProvider: once }),
      clientConfig: { requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS, ...agents } },
    });
  };
  return async (asked) => {
    try {
      chain ??= open();
      return await (await chain)(asked);
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      const error = credentialsError(cause);
      if (isAsked) failure ??= error;
      throw error;
    }
  };
}

const neverAsked = (): Promise<string> =>
  Promise.reject(new AmberError('BUG', 'A code is asked for, and nobody can be asked.'));

/** What another attempt does not better: there are none, or STS says no. */
function isRefusal(cause: unknown): boolean {
  if (isAmberError(cause)) return cause.code === 'ACQUIRE_CREDENTIALS';
  if (!(cause instanceof Error)) return false;
  const { httpStatusCode } = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
  return (
    /^(?:Credentials|Token)ProviderError$/u.test(cause.name) || (httpStatusCode !== undefined && httpStatusCode < 500)
  );
}
