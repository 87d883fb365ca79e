/** Where captures go. A new destination = one new file and one line here. */
import type { CaptureIdentity, Destination, DestinationProvider, Config } from '../contracts/evidence.ts';
import { schemeOf } from '../config/destination.ts';
import { AmberError } from '../errors.ts';
import { directory } from './directory.ts';
import { s3 } from './s3.ts';
import { destinationUrl } from './s3-settings.ts';

export const DESTINATIONS: readonly DestinationProvider[] = [s3, directory];

/**
 * Opens the destination that answers to the URL's scheme. Providers of the configuration come first, so that code may
 * also replace a built-in one.
 *
 * @throws AmberError DESTINATION_UNKNOWN, or what the provider throws (DESTINATION_*, CONFIG_INVALID).
 */
export async function openDestination(
  url: string | URL,
  capture: CaptureIdentity,
  config: Config,
): Promise<Destination> {
  const providers = [...config.destinations, ...DESTINATIONS];
  const known = [...new Set(providers.map((provider) => provider.protocol))].join(', ');
  const protocol = schemeOf(String(url));
  if (!URL.canParse(String(url)))
    throw new AmberError('DESTINATION_UNKNOWN', `The destination is not a URL; known schemes are ${known}`);
  const provider = providers.find((candidate) => candidate.protocol === protocol);
  if (provider === undefined)
    throw new AmberError('DESTINATION_UNKNOWN', `No destination answers to ${protocol}; known schemes are ${known}`, {
      details: { protocol },
    });
  return provider.open(typeof url === 'string' ? destinationUrl(url) : url, capture, config);
}
