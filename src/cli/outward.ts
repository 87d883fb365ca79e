/**
 * The way of the command to AWS: proxies and authorities of the environment, credentials of the profile. One for each
 * profile.
 */
import type { Outward } from '../contracts/outward.ts';
import { askMfaCode, hasTerminal } from './mfa-code.ts';
import { proxySettings } from './proxy.ts';

const opened = new Map<string | undefined, Outward>();

/** Nothing is read or asked before the first use. */
export function outwardOf(profile: string | undefined): Outward {
  const known = opened.get(profile);
  if (known !== undefined) return known;
  const agent: Outward['agent'] = async ({ secure }) => {
    const settings = proxySettings(process.env);
    if (settings === undefined) return undefined;
    const { ChoosingAgent } = await import('./proxied-agent.ts');
    return new ChoosingAgent(settings, { secure });
  };
  let credentials: Outward['credentials'] | undefined;
  const outward: Outward = {
    agent,
    credentials: async (asked) => {
      const { responderCredentials } = await import('../acquire/credentials.ts');
      credentials ??= responderCredentials({ profile, agent, askCode: hasTerminal() ? askMfaCode : undefined });
      return credentials(asked);
    },
  };
  opened.set(profile, outward);
  return outward;
}
