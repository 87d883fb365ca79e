/** Finds a function for the commands that ask about it without collecting. */
import { openClients, type ClientOptions, type Clients } from './clients.ts';
import { createMeter } from './meter.ts';
import { callerOf } from './act.ts';
import { compareAccount, parseFunctionName } from './function-name.ts';
import { readTarget } from './target.ts';
import type { Target } from './contracts.ts';
import { AmberError, describeError, isAmberError } from '../errors.ts';
import type { Window } from './target-options.ts';

export interface Asking {
  readonly aws: Clients;
  readonly target: Target;
  readonly close: () => void;
}

export interface OpenFunction {
  readonly clients: ClientOptions;
  readonly window?: Window;
  /** Log groups beside the configured ones. */
  readonly logGroups?: readonly string[] | undefined;
  /** Go on without the function, where it is gone or may not be read. */
  readonly allowAbsent?: boolean;
}

const NO_WINDOW: Window = { sinceMs: 0, untilMs: 0 };

/** Finds the function. @throws AmberError ACQUIRE_*, USAGE. */
export async function openFunction(functionName: string, options: OpenFunction, signal: AbortSignal): Promise<Asking> {
  const named = parseFunctionName(functionName);
  const { clients, window = NO_WINDOW, ...asked } = options;
  const aws = openClients({ ...clients, region: named.region ?? clients.region }, createMeter(), signal);
  try {
    const region = await regionOf(aws);
    const caller = await callerOf(aws);
    const target = await readTarget(aws, {
      named,
      region,
      ...window,
      accessKeyIds: [],
      trail: undefined,
      caller,
      ...asked,
    });
    compareAccount(target.functionArn, caller);
    return { aws, target, close: () => aws.close() };
  } catch (error) {
    aws.close();
    throw error;
  }
}

/** @throws AmberError USAGE when none is configured, or what is there is no region. */
export async function regionOf(aws: Clients): Promise<string> {
  try {
    return await (await aws.lambda()).config.region();
  } catch (cause) {
    if (isAmberError(cause)) throw cause;
    const [, given] = /Region not accepted: region=("[^"]{1,100}")/u.exec(describeError(cause)) ?? [];
    if (given !== undefined)
      throw new AmberError('USAGE', `The region is ${given}; expected the name of one, for example eu-central-1.`, {
        cause,
      });
    throw new AmberError(
      'USAGE',
      'No region: give --region, for example --region eu-central-1, or set AWS_REGION, ' +
        'or name the function by its ARN.',
      {
        cause,
      },
    );
  }
}
