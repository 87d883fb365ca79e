/** The registry of channels. A new one is one file and one line here. */
import { AmberError } from '../../errors.ts';
import type { ChannelProvider, ChannelUse, ControlChannel } from './channel.ts';
import { appconfigChannel } from './appconfig.ts';
import { lambdaChannel } from './lambda.ts';
import { s3Channel } from './s3.ts';
import { ssmChannel } from './ssm.ts';
import type { Config } from '../../contracts/evidence.ts';

export type { ChannelProvider, ChannelUse, ControlChannel } from './channel.ts';

export const CHANNELS: readonly ChannelProvider[] = [s3Channel, ssmChannel, appconfigChannel, lambdaChannel];

/** @throws AmberError DESTINATION_UNKNOWN when no channel answers to the scheme, or what the channel throws. */
export async function openChannel(
  location: string,
  config: Config,
  env: NodeJS.ProcessEnv,
  use: ChannelUse = 'background',
): Promise<ControlChannel> {
  const provider = CHANNELS.find(({ protocol }) => location.startsWith(protocol));
  if (provider === undefined)
    throw new AmberError(
      'DESTINATION_UNKNOWN',
      `No channel answers to AMBER_CONTROL; known are ${CHANNELS.map(({ protocol }) => protocol).join(', ')}`,
    );
  return provider.open(location, config, env, use);
}
