/**
 * What `amber trigger` and `amber status` stand on: the function, its channel of orders, and where its captures lie.
 */
import type { Clients } from '../acquire/clients.ts';
import type { Target } from '../acquire/contracts.ts';
import { OPTIONS, resolveConfig } from '../config/config.ts';
import { defined } from '../defined.ts';
import { AmberError, describeError } from '../errors.ts';
import type { ControlChannel } from '../ship/channels/index.ts';
import type { S3ReadOptions } from '../ship/s3-read.ts';
import { AWS_OPTIONS, clientOptions } from './aws-options.ts';
import { onePositional, textOption, type CommandOptions, type Invocation } from './command.ts';
import { outwardOf } from './outward.ts';
import { profileOption } from './profile.ts';
import type { Config } from '../contracts/evidence.ts';
import type { Values } from './option-values.ts';

export const ORDER_PLACE_OPTIONS: CommandOptions = {
  control: { type: 'string', value: 'URL', description: 'The channel; default AMBER_CONTROL of the function.' },
  captures: {
    type: 'string',
    value: 'LOCATION',
    description: 'Where the captures lie; default AMBER_DESTINATION of the function.',
  },
  's3-endpoint': {
    type: 'string',
    value: 'URL',
    description: 'Another S3 endpoint (AMBER_S3_ENDPOINT), with the bucket in the path.',
  },
  ...AWS_OPTIONS,
};

/** A function with what its environment says of Amber. */
export interface FunctionPlace {
  readonly aws: Clients;
  readonly target: Target;
  /** What the function is configured with. */
  readonly config: Config;
  /** Folder of this function's captures. */
  readonly captures: string | undefined;
  readonly s3: S3ReadOptions;
  /** Undefined where the function reads no orders, and none are named. */
  readonly orders: Orders | undefined;
  readonly close: () => void;
}

export interface Orders {
  readonly control: string;
  readonly channel: ControlChannel;
}

export type OrdersOf = FunctionPlace & Orders;

/** @throws AmberError ACQUIRE_*, USAGE. */
export async function openFunctionPlace(invocation: Invocation): Promise<FunctionPlace> {
  const { values } = invocation;
  const { openFunction } = await import('../acquire/function.ts');
  const { inspectedFunction } = await import('../doctor/index.ts');
  const stop = new AbortController();
  const { aws, target, close } = await openFunction(
    onePositional(invocation, 'FUNCTION'),
    { clients: clientOptions(values) },
    stop.signal,
  );
  try {
    const { config: own, environment, configProblem } = inspectedFunction(target, aws, stop.signal);
    if (configProblem !== undefined) invocation.out.note(`Amber is not armed in the function: ${configProblem}`);
    const control = textOption(values, 'control') ?? own.control ?? environment[OPTIONS.control.env];
    const config = { ...own, ...s3Overrides(values, own), control };
    const orders =
      control === undefined ? undefined : { control, channel: await channelOf(aws, target, config, values) };
    return {
      aws,
      target,
      config,
      orders,
      captures: capturesOf(values, config, target),
      s3: { config, profile: textOption(values, 'profile'), outward: outwardOf(profileOption(values)) },
      close: () => {
        orders?.channel.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws AmberError USAGE where no channel is known, ACQUIRE_*. */
export async function openOrdersOf(invocation: Invocation): Promise<OrdersOf> {
  const place = await openFunctionPlace(invocation);
  if (place.orders !== undefined) return { ...place, ...place.orders };
  place.close();
  throw new AmberError(
    'USAGE',
    `${place.target.functionName} has no AMBER_CONTROL, so no order reaches its warm sandboxes; give --control ` +
      'URL if another place is read.',
  );
}

/** How the responder reaches S3, over how the function does. */
function s3Overrides(values: Values, own: Config): Partial<Config> {
  const endpoint = textOption(values, 's3-endpoint') ?? process.env[OPTIONS.s3Endpoint.env];
  if (endpoint !== undefined) return pick(resolveConfig({ s3Endpoint: endpoint, s3PathStyle: true }, {}));
  const all = textOption(values, 'endpoint');
  return own.s3Endpoint === undefined && all !== undefined
    ? pick(resolveConfig({ s3Endpoint: all, s3PathStyle: true }, {}))
    : {};
}

const pick = ({ s3Endpoint, s3PathStyle }: Config): Partial<Config> => ({ s3Endpoint, s3PathStyle });

async function channelOf(
  aws: Clients,
  { region, functionName }: Target,
  config: Config,
  values: Values,
): Promise<ControlChannel> {
  const { credentialsOf } = await import('../acquire/act.ts');
  const { openChannel } = await import('../ship/channels/index.ts');
  const { accessKeyId, secretAccessKey, sessionToken } = await credentialsOf(aws, region);
  const endpoint = textOption(values, 'endpoint');
  return openChannel(
    config.control ?? '',
    config,
    {
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      ...(endpoint === undefined
        ? {}
        : {
            AWS_ENDPOINT_URL_SSM: endpoint,
            AWS_ENDPOINT_URL_APPCONFIGDATA: endpoint,
            AWS_ENDPOINT_URL_LAMBDA: endpoint,
          }),
    },
    outwardOf(profileOption(values)),
  );
}

/** The folder of the function alone: a bucket of a whole account would take long to list. */
function capturesOf(
  values: Values,
  { destination }: Config,
  { account, region, functionName }: Target,
): string | undefined {
  const given = textOption(values, 'captures');
  if (given !== undefined || destination === undefined) return given;
  return `${destination.replace(/\/+$/u, '')}/account=${account}/region=${region}/function=${functionName}/`;
}

const ACTIONS: Readonly<Record<string, readonly [read: string, write: string]>> = {
  's3:': ['s3:GetObject', 's3:PutObject'],
  'ssm:': ['ssm:GetParameter', 'ssm:PutParameter'],
  'lambda:': ['lambda:GetFunctionConfiguration', 'lambda:UpdateFunctionConfiguration'],
  'appconfig:': ['appconfig:GetLatestConfiguration', 'appconfig:StartDeployment'],
};

/** The error for a channel that could not be read or written: names the action. */
export function channelError(
  control: string,
  what: 'read' | 'write',
  fault: { readonly code: string; readonly status?: number; readonly reason?: string; readonly cause?: unknown },
): AmberError {
  const actions = Object.entries(ACTIONS).find(([scheme]) => control.startsWith(scheme))?.[1] ?? ['', ''];
  const action = what === 'read' ? actions[0] : actions[1];
  const details = { action, fault: fault.code, ...defined({ status: fault.status }) };
  if (/Expired|InvalidToken|UnrecognizedClient|InvalidAccessKeyId/u.test(fault.code))
    return new AmberError('ACQUIRE_CREDENTIALS', `The AWS credentials are wrong or expired (${fault.code}).`, {
      details,
    });
  if (fault.status === 403)
    return new AmberError('ACQUIRE_DENIED', `${action} on ${control} is denied to this user or role (${fault.code}).`, {
      details,
    });
  if (fault.status === 404 || fault.code === 'ParameterNotFound')
    return new AmberError('ACQUIRE_MISSING', `There is no ${control} (${fault.code}).`, { details });
  return new AmberError(
    'ACQUIRE_FAILED',
    `${control} could not be ${what === 'read' ? 'read' : 'written'} ` +
      `(${fault.code}${fault.cause === undefined ? '' : `: ${describeError(fault.cause)}`}).`,
    { details },
  );
}
